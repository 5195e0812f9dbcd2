"""The books behind our REST contract: journals, payments and bank statement lines, each under its own reference, so
that none is posted twice."""

from __future__ import annotations

import httpx

from connectors.erp.documents import Document
from connectors.erp.rest_documents import RestDocuments
from connectors.errors import Declined
from connectors.registry import ConnectionsError, SystemConnection
from models.bank import StatementLine
from models.ledger import AccountRole, Journal, Payment

JOURNALS, PAYMENTS, STATEMENT_LINES = "journals", "payments", "statement-lines"
REVERSAL = "#reversal"


class RestLedger:
    """`ports.Journals` over HTTP."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._company = str(connection.options.get("company", "MAIN"))
        self._transit = _known_to_erp(connection)
        self._documents = RestDocuments(connection, transport)

    @property
    def payouts_on(self) -> AccountRole:
        return AccountRole.TRANSIT if self._transit else AccountRole.BANK

    async def aclose(self) -> None:
        await self._documents.aclose()

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        return await self._post_once(JOURNALS, self._journal(journal), retry)

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        document = self._journal(journal) | {
            "external_reference": f"{journal.journal_id}{REVERSAL}",
            "reverses": journal.journal_id,
            "replaces": None,
        }
        for line, stated in zip(document["lines"], journal.lines, strict=True):
            line["amount"] = str((-stated.amount).amount)
        return await self._post_once(JOURNALS, document, retry)

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        document = {
            "external_reference": payment.payment_id,
            "correlation_id": payment.correlation_id,
            "company": payment.entity or self._company,
            "order_reference": str(payment.order_key),
            "account": payment.account.value,
            "channel_account": payment.channel_account,
            "settlement": payment.settlement_id,
            "currency": payment.amount.currency,
            "amount": str(payment.amount.amount),
            "paid_on": payment.on.isoformat(),
        }
        return await self._post_once(PAYMENTS, document, retry)

    async def post_statement_line(self, line: StatementLine, *, retry: bool) -> str:
        if not self._transit:
            text = "rest: no account for transit: set options.transit to true once the ERP knows the role"
            raise Declined(text, code="unknown_account", field="transit")
        document = {
            "external_reference": line.reference,
            "correlation_id": line.reference,
            "company": line.entity or self._company,
            "bank_account": line.bank_account,
            "booked_on": line.booked_on.isoformat(),
            "currency": line.amount.currency,
            "amount": str(line.amount.amount),
            "counterparty": line.counterparty,
            "text": line.text,
            "payout_of": line.payout_of or None,
        }
        return await self._post_once(STATEMENT_LINES, document, retry)

    def _journal(self, journal: Journal) -> Document:
        return {
            "external_reference": journal.journal_id,
            "correlation_id": journal.correlation_id,
            "company": journal.entity or self._company,
            "posted_on": journal.on.isoformat(),
            "description": journal.description,
            "replaces": journal.replaces or None,
            "lines": [
                {
                    "account": line.account.value,
                    "amount": str(line.amount.amount),
                    "currency": line.amount.currency,
                    "channel_account": line.channel_account,
                    "order_reference": str(line.order_key) if line.order_key else None,
                    "label": line.label,
                    "source": line.source,
                }
                for line in journal.lines
            ],
        }

    async def _post_once(self, kind: str, document: Document, retry: bool) -> str:
        return await self._documents.post_once(kind, document, document["external_reference"], retry=retry)


def _known_to_erp(connection: SystemConnection) -> bool:
    """Whether the ERP behind the contract has an account for payouts under way."""
    transit = connection.options.get("transit", False)
    if not isinstance(transit, bool):
        raise ConnectionsError(f"rest: options.transit: {transit!r} is neither true nor false")
    return transit
