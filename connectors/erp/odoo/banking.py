"""Lines of bank statements in Odoo: `account.bank.statement.line`, which posts its entry as it is made.

Its counterpart is the account of payouts under way, instead of the bank journal's suspense account, and is reconciled
with the payout there when the amounts are the same.
"""

from __future__ import annotations

from connectors.erp.odoo.billing import MOVE
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.errors import NOT_FOUND, Declined
from models.bank import StatementLine, compact
from models.ledger import AccountRole
from models.money import Money

STATEMENT_LINE, JOURNAL, LINE = "account.bank.statement.line", "account.journal", "account.move.line"


class Banking:
    def __init__(self, client: OdooClient, masters: Masters) -> None:
        self._client, self._masters = client, masters

    async def post(self, line: StatementLine) -> str:
        """The posted entry of a statement line; returns its number."""
        transit = await self._masters.account(AccountRole.TRANSIT)
        found = await self._find(line) or await self._enter(line, transit)
        move, number = found["move_id"]
        if line.payout_of:
            await self._reconcile(line, move, transit)
        return str(number)

    async def offset(self, reference: str, opposite: str) -> None:
        """Reconcile what two entries have under way, as far as it is open and the one takes back the other."""
        transit = await self._masters.account(AccountRole.TRANSIT)
        here, there = [await self._open_of(each, transit) for each in (reference, opposite)]
        for mine in here:
            theirs = next((each for each in there if _amount(each) == -_amount(mine)), None)
            if theirs is not None:
                there.remove(theirs)
                await self._client.run(LINE, "reconcile", [mine["id"], theirs["id"]])

    async def _enter(self, line: StatementLine, transit: int) -> Record:
        journal = await self._journal(line)
        await self._masters.require_open(line.booked_on)
        if line.payout_of:
            await self._require_payout(line)
        values = {
            "journal_id": journal,
            "date": line.booked_on.isoformat(),
            "amount": line.amount.amount,
            "payment_ref": line.label,
            "ref": line.reference,
            "counterpart_account_id": transit,
        }
        made = await self._client.create(STATEMENT_LINE, values, lambda: self._find(line))
        # Odoo does not hold the reference to be unique: of two that were made at once the older stays.
        oldest = await self._find(line)
        if oldest is None:
            raise Declined(f"odoo: {line.reference} was deleted as it was booked", code=NOT_FOUND, field="reference")
        if oldest["id"] != made:
            await self._client.unlink(STATEMENT_LINE, [made])
        return oldest

    async def _find(self, line: StatementLine) -> Record | None:
        domain = [["ref", "=", line.reference], ["company_id", "=", self._client.company]]
        return await self._client.first(STATEMENT_LINE, domain, ["move_id"])

    async def _journal(self, line: StatementLine) -> int:
        """The bank's journal: by the account's number, or the journal's name or code."""
        domain = [["type", "=", "bank"], ["company_id", "=", self._client.company]]
        found = await self._client.search(JOURNAL, domain, ["code", "name", "bank_acc_number", "currency_id"])
        wanted = compact(line.bank_account)
        names = ("code", "name", "bank_acc_number")
        ours = [each for each in found if wanted in {compact(str(each[name] or "")) for name in names}]
        if not ours:
            text = f"odoo: no bank journal for {line.bank_account!r}: create one of that name or account number"
            raise Declined(text, code="unknown_account", field="bank_account")
        own = (await self._masters.company())["currency_id"]
        for journal in ours:
            if (journal["currency_id"] or own)[1] == line.amount.currency:
                return int(journal["id"])
        text = f"odoo: the bank journal of {line.bank_account!r} is not kept in {line.amount.currency}"
        raise Declined(text, code="unknown_currency", field="currency")

    async def _reconcile(self, line: StatementLine, move: int, transit: int) -> None:
        """Repeated without harm: what is reconciled is left out."""
        await self._require_payout(line)
        under_way = await self._open_of(line.payout_of, transit)
        payout = next((each for each in under_way if _amount(each) == line.amount), None)
        mine = await self._open(move, transit)
        if payout is not None and mine:
            await self._client.run(LINE, "reconcile", [payout["id"], *(each["id"] for each in mine)])

    async def _require_payout(self, line: StatementLine) -> None:
        """Raises `Declined` when the journal whose payout the line brings is not in the books."""
        if not await self._entries(line.payout_of):
            text = f"odoo: journal {line.payout_of} is not posted: book its settlement first"
            raise Declined(text, code=NOT_FOUND, field="payout_of")

    async def _entries(self, reference: str) -> list[Record]:
        domain = [["ref", "=", reference], ["state", "=", "posted"], ["company_id", "=", self._client.company]]
        return await self._client.search(MOVE, domain)

    async def _open_of(self, reference: str, account: int) -> list[Record]:
        return [line for entry in await self._entries(reference) for line in await self._open(entry["id"], account)]

    async def _open(self, move: int, account: int) -> list[Record]:
        domain = [["move_id", "=", move], ["account_id", "=", account], ["reconciled", "=", False]]
        return await self._client.search(LINE, domain, ["amount_residual_currency", "currency_id"])


def _amount(line: Record) -> Money:
    return Money.of(line["amount_residual_currency"], line["currency_id"][1])
