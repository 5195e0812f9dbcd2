"""Lines of bank statements in Odoo: `account.bank.statement.line`, which posts its entry as it is made.

Its counterpart is the account of payouts under way, instead of the bank journal's suspense account, and is reconciled
with the payout there when the amounts are the same.
"""

from __future__ import annotations

from connectors.erp.odoo.billing import MOVE
from connectors.erp.odoo.books import LINE
from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.errors import NOT_FOUND, Declined
from models.bank import StatementLine, compact
from models.ledger import AccountRole
from models.money import Money

STATEMENT_LINE, JOURNAL = "account.bank.statement.line", "account.journal"


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

    async def _enter(self, line: StatementLine, transit: int) -> Record:
        journal = await self._journal(line)
        await self._masters.require_open(line.booked_on)
        if line.payout_of:
            await self._payouts(line)
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
        under_way = [each for payout in await self._payouts(line) for each in await self._open(payout["id"], transit)]
        payout = next((each for each in under_way if _amount(each) == line.amount), None)
        mine = await self._open(move, transit)
        if payout is not None and mine:
            await self._client.run(LINE, "reconcile", [payout["id"], *(each["id"] for each in mine)])

    async def _payouts(self, line: StatementLine) -> list[Record]:
        """The journal whose payout the line brings. Raises `Declined` when it is not in the books."""
        domain = [["ref", "=", line.payout_of], ["state", "=", "posted"], ["company_id", "=", self._client.company]]
        found = await self._client.search(MOVE, domain)
        if not found:
            text = f"odoo: journal {line.payout_of} is not posted: book its settlement first"
            raise Declined(text, code=NOT_FOUND, field="payout_of")
        return found

    async def _open(self, move: int, account: int) -> list[Record]:
        domain = [["move_id", "=", move], ["account_id", "=", account], ["reconciled", "=", False]]
        return await self._client.search(LINE, domain, ["amount_residual_currency", "currency_id"])


def _amount(line: Record) -> Money:
    return Money.of(line["amount_residual_currency"], line["currency_id"][1])
