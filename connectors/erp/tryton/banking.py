"""Lines of bank statements, as Tryton's module `account_statement` books them: a statement of one line each.

A statement is entered, validated (which makes its entry) and posted. Its line takes money off the account of payouts
under way, and is reconciled with the payout there when the amounts are the same.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.reconciling import LINE, settle
from connectors.errors import NOT_FOUND, Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.bank import StatementLine, compact
from models.ledger import AccountRole
from models.money import Money

STATEMENT, JOURNAL, MOVE = "account.statement", "account.statement.journal", "account.move"
JOURNAL_FIELDS = ["name", "currency.code", "validation", "bank_account.numbers.number"]
OPEN_FIELDS = ["debit", "credit", "amount_second_currency", "second_currency.code"]


class Banking:
    def __init__(self, client: TrytonClient, masters: Masters) -> None:
        self._client, self._masters = client, masters

    async def post(self, line: StatementLine) -> str:
        """The posted entry of a statement line; returns its number."""
        transit = await self._masters.account(AccountRole.TRANSIT)
        statement = await self._find(line) or await self._enter(line, transit)
        if statement["state"] == "draft":
            await self._client.press(STATEMENT, statement["id"], "validate_statement", ("validated", "posted"))
        if statement["state"] != "posted":
            await self._client.post(STATEMENT, statement["id"], ("posted",))
        [booked] = (await self._client.read(STATEMENT, statement["id"], ["lines.move.number"]))["lines"]
        await self._reconcile(line, booked["move"]["id"], transit)
        return str(booked["move"]["number"])

    async def offset(self, reference: str, opposite: str, on: date) -> None:
        """Reconcile what two entries have under way, as far as it is open and the one takes back the other."""
        transit = await self._masters.account(AccountRole.TRANSIT)
        here, there = [await self._open_of(each, transit) for each in (reference, opposite)]
        for mine in here:
            theirs = next((each for each in there if not _value(mine) + _value(each)), None)
            if theirs is not None:
                there.remove(theirs)
                await settle(self._client, [mine["id"], theirs["id"]], on)

    async def _enter(self, line: StatementLine, transit: int) -> Record:
        """A draft. Tryton does not hold its name to be unique: of two that were made at once the older stays."""
        journal = await self._journal(line)
        await self._masters.open_period(line.booked_on)
        values = {
            "name": line.reference,
            "company": self._client.company,
            "journal": journal["id"],
            "date": line.booked_on,
            "total_amount": line.amount.amount,
            "number_of_lines": 1,
            "lines": [["create", [await self._line(line, transit)]]],
        }
        made = await self._client.create(STATEMENT, values, lambda: self._find(line), ["state"])
        oldest = await self._find(line) or made
        if oldest["id"] != made["id"]:
            await self._client.delete(STATEMENT, made["id"])
        return oldest

    async def _find(self, line: StatementLine) -> Record | None:
        domain = [["name", "=", line.reference], ["company", "=", self._client.company], ["state", "!=", "cancelled"]]
        return await self._client.first(STATEMENT, domain, ["state"])

    async def _journal(self, line: StatementLine) -> Record:
        """The journal of the bank account: by its name, or a number of the account that it names."""
        found = await self._client.search(JOURNAL, [["company", "=", self._client.company]], JOURNAL_FIELDS)
        ours = [journal for journal in found if compact(line.bank_account) in _names(journal)]
        if not ours:
            text = f"tryton: no statement journal for the bank account {line.bank_account!r}: create one of that name"
            raise Declined(text, code="unknown_account", field="bank_account")
        journal = next((each for each in ours if each["currency"]["code"] == line.amount.currency), None)
        if journal is None:
            text = f"tryton: the bank account {line.bank_account!r} has no statement journal in {line.amount.currency}"
            raise Declined(text, code="unknown_currency", field="currency")
        if journal["validation"] == "balance":
            text = f"tryton: the statement journal {journal['name']!r} is validated by balance: set it to 'Amount'"
            raise Declined(text, code="invalid", field="bank_account")
        return journal

    async def _line(self, line: StatementLine, transit: int) -> Record:
        values: Record = {
            "number": line.line_id,
            "date": line.booked_on,
            "amount": line.amount.amount,
            "account": transit,
            "description": line.label,
        }
        if line.payout_of:
            payout = await self._payout(line, transit)
            own = (await self._masters.company_currency())["code"]
            if payout is not None and line.amount.currency != own:
                # Worth what the payout was worth, whatever the day's rate, so that nothing is left under way.
                values["second_currency"] = await self._masters.currency(own)
                values["amount_second_currency"] = _value(payout)
        return values

    async def _payout(self, line: StatementLine, transit: int) -> Record | None:
        """What is under way of the payout's journal and has the line's amount. Raises `Declined` without a journal."""
        move = await self._entry(line.payout_of)
        if move is None:
            text = f"tryton: journal {line.payout_of} is not posted: book its settlement first"
            raise Declined(text, code=NOT_FOUND, field="payout_of")
        own = (await self._masters.company_currency())["code"]
        lines = await self._open(move["id"], transit)
        return next((each for each in lines if _amount(each, own) == line.amount), None)

    async def _reconcile(self, line: StatementLine, move: int, transit: int) -> None:
        """Repeated without harm: what is reconciled is not open any more."""
        payout = await self._payout(line, transit) if line.payout_of else None
        if payout is None:
            return
        for mine in await self._open(move, transit):
            if not _value(mine) + _value(payout):
                await settle(self._client, [payout["id"], mine["id"]], line.booked_on)

    async def _entry(self, reference: str) -> Record | None:
        ours = ["company", "=", self._client.company]
        return await self._client.first(MOVE, [["description", "=", reference], ours, ["state", "=", "posted"]])

    async def _open_of(self, reference: str, account: int) -> list[Record]:
        move = await self._entry(reference)
        return await self._open(move["id"], account) if move is not None else []

    async def _open(self, move: int, account: int) -> list[Record]:
        domain = [["move", "=", move], ["account", "=", account], ["reconciliation", "=", None]]
        return await self._client.search(LINE, domain, OPEN_FIELDS)


def _names(journal: Record) -> set[str]:
    numbers = (journal.get("bank_account") or {}).get("numbers") or []
    return {compact(name) for name in (journal["name"], *(number["number"] for number in numbers))}


def _value(line: Record) -> Decimal:
    """In the company's currency."""
    return Decimal(line["debit"] - line["credit"])


def _amount(line: Record, own: str) -> Money:
    if line.get("second_currency"):
        return Money.of(line["amount_second_currency"], line["second_currency"]["code"])
    return Money.of(_value(line), own)
