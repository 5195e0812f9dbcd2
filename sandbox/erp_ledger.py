"""The books of the ERP's twin: journals that balance, payments of invoiced orders, bank statement lines; none is booked
twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.ledger import AccountRole
from models.money import Amount, Currency
from sandbox.contract import Refused, read, refusal
from sandbox.core import Handler, Sandbox
from sandbox.erp_bank import StatementLinePosting, pays, require_bank_account

JOURNALS, PAYMENTS, STATEMENT_LINES = "journals", "payments", "statement_lines"
MakeRoute = Callable[[str, str, str, Handler], Route]


class JournalLine(BaseModel):
    account: AccountRole
    amount: Amount
    currency: Currency
    channel_account: str = ""
    order_reference: str | None = None
    label: str = ""
    source: str = ""


class JournalPosting(BaseModel):
    external_reference: str = Field(min_length=1)
    correlation_id: str
    company: str = Field(min_length=1)
    posted_on: date
    description: str = ""
    reverses: str | None = None
    replaces: str | None = None
    lines: list[JournalLine] = Field(min_length=2)


class PaymentPosting(BaseModel):
    external_reference: str = Field(min_length=1)
    correlation_id: str
    company: str = Field(min_length=1)
    order_reference: str = Field(min_length=1)
    account: Literal[AccountRole.CLEARING, AccountRole.ADJUSTMENT] = AccountRole.CLEARING
    channel_account: str = Field(min_length=1)
    settlement: str = ""
    currency: Currency
    amount: Amount
    paid_on: date


class ErpLedgerTwin:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._books = {kind: sandbox.shelf.collection(f"erp_{kind}") for kind in (JOURNALS, PAYMENTS, STATEMENT_LINES)}
        self._invoices = sandbox.shelf.collection("erp_invoices")

    def routes(self, route: MakeRoute) -> list[Route]:
        return [
            route("journals", "POST", "post_journal", self._post_journal),
            route("journals", "GET", "find_journals", self._finder(JOURNALS)),
            route("payments", "POST", "post_payment", self._post_payment),
            route("payments", "GET", "find_payments", self._finder(PAYMENTS)),
            route("statement-lines", "POST", "post_statement_line", self._post_statement_line),
            route("statement-lines", "GET", "find_statement_lines", self._finder(STATEMENT_LINES)),
        ]

    async def _post_journal(self, request: Request) -> Response:
        journal = await read(request, JournalPosting)
        if known := self._books[JOURNALS].get(journal.external_reference):
            return _duplicate(known)
        _require_balance(journal)
        if journal.reverses and not self._books[JOURNALS].get(journal.reverses):
            raise Refused("not_found", "reverses", f"There is no journal {journal.reverses} to reverse.")
        return self._booked(JOURNALS, "JE", journal, "journal_posted")

    async def _post_payment(self, request: Request) -> Response:
        payment = await read(request, PaymentPosting)
        if known := self._books[PAYMENTS].get(payment.external_reference):
            return _duplicate(known)
        invoiced = {invoice["order_reference"] for invoice in self._invoices.values()}
        if payment.order_reference not in invoiced:
            raise Refused("not_found", "order_reference", f"Nothing of {payment.order_reference} is invoiced.")
        return self._booked(PAYMENTS, "PAY", payment, "payment_posted")

    async def _post_statement_line(self, request: Request) -> Response:
        line = await read(request, StatementLinePosting)
        if known := self._books[STATEMENT_LINES].get(line.external_reference):
            return _duplicate(known)
        require_bank_account(line)
        journal = self._books[JOURNALS].get(line.payout_of) if line.payout_of else None
        if line.payout_of and journal is None:
            raise Refused("not_found", "payout_of", f"There is no journal {line.payout_of}.")
        others = (each for each in self._books[STATEMENT_LINES].values() if each["payout_of"] == line.payout_of)
        taken = any(each["reconciled"] for each in others)
        reconciled = journal is not None and not taken and pays(line, journal)
        return self._booked(STATEMENT_LINES, "BNK", line, "statement_line_posted", reconciled=reconciled)

    def _booked(
        self,
        kind: str,
        prefix: str,
        posting: JournalPosting | PaymentPosting | StatementLinePosting,
        effect: str,
        **detail: Any,
    ) -> Response:
        number = f"{prefix}-{len(self._books[kind]) + 1:06}"
        booked = {"number": number, **posting.model_dump(mode="json"), **detail}
        self._books[kind].put(posting.external_reference, booked)
        self._sandbox.ledger.record("erp", effect, posting.external_reference, number=number, **detail)
        return JSONResponse({"external_reference": posting.external_reference, "number": number}, 201)

    def _finder(self, kind: str) -> Handler:
        async def find(request: Request) -> Response:
            reference = request.query_params.get("external_reference")
            if not reference:
                raise Refused("missing", "external_reference", "Name the external reference to look for.", 400)
            found = self._books[kind].get(reference)
            shown = [{"external_reference": reference, "number": found["number"]}] if found else []
            return JSONResponse({kind: shown})

        return find


def _require_balance(journal: JournalPosting) -> None:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in journal.lines:
        sums[line.currency] += line.amount
    for currency, total in sums.items():
        if total:
            raise Refused("not_balanced", "lines", f"Debits and credits differ by {total} {currency}.")


def _duplicate(document: dict[str, Any]) -> Response:
    message = f"{document['number']} already has this reference."
    return refusal(409, "duplicate_reference", message, "external_reference", number=document["number"])
