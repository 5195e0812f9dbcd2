"""Master data of a seller's books: accounts, taxes, journals, periods, shops."""

from __future__ import annotations

from datetime import date

from connectors.erp.tryton.options import TrytonOptions
from connectors.errors import Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.records import Records
from connectors.tryton.wire import Domain, Record
from models.ledger import AccountRole
from models.order import OrderKey


class Masters(Records):
    """What a seller's books need besides goods and places."""

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        super().__init__(client)
        self._options = options

    async def account(self, role: AccountRole | str) -> int:
        return int((await self.account_record(role))["id"])

    async def account_record(self, role: AccountRole | str) -> Record:
        """With its code, and whether its lines need a party."""
        code = self._options.account_code(role)
        domain: Domain = [["code", "=", code], self._ours]
        fields = ["code", "party_required"]
        return await self._record("account.account", code, domain, "unknown_account", str(role), fields)

    async def receivable(self) -> int:
        """Account that customers owe on who have none of their own."""
        field = "default_account_receivable"
        found = await self._record("account.configuration", "own", [], "unknown_account", "receivable", [field])
        if not found.get(field):
            raise Declined("tryton: the company has no default receivable account", code="unknown_account")
        return int(found[field])

    async def tax(self, code: str) -> Record:
        """With the account that the tax is booked to."""
        domain: Domain = [["description", "=", code], self._ours]
        return await self._record("account.tax", code, domain, "unknown_tax", "taxes", ["invoice_account"])

    async def warehouse(self, node: str) -> Record:
        """Of a node, or the one that orders are entered with when the node is empty."""
        return await super().warehouse(node or self._options.warehouse)

    def held_at(self, key: OrderKey) -> str:
        """Node that stands for the goods which the channel ships; empty when these books hold none there."""
        return self._options.held_at(key)

    async def currency(self, code: str) -> int:
        return await self._id("currency.currency", code, [["code", "=", code]], "unknown_currency", "currency")

    async def journal(self, kind: str) -> int:
        return await self._id("account.journal", kind, [["type", "=", kind]], "no_journal", "journal")

    async def payment_term(self) -> int:
        return await self._id("account.invoice.payment_term", "any", [], "no_payment_term", "payment_term")

    async def shop(self, name: str) -> int:
        return await self._id("web.shop", name, [["name", "=", name], self._ours], "unknown_shop", "shop")

    async def open_period(self, on: date) -> int:
        """Asked each time: an accountant closes periods. Raises `Declined` (`period_closed`)."""
        domain: Domain = [["start_date", "<=", on], ["end_date", ">=", on], ["type", "=", "standard"], self._ours]
        found = await self._client.first("account.period", domain, ["state"])
        if found is None or found["state"] != "open":
            state = found["state"] if found else "not there"
            raise Declined(
                f"tryton: the accounting period of {on} is {state}: open it, or date the document otherwise",
                code="period_closed",
                field="on",
            )
        return int(found["id"])

    @property
    def _ours(self) -> list[object]:
        return ["company", "=", self._client.company]
