"""Master data that documents refer to, found by code and remembered: an id never changes."""

from __future__ import annotations

from datetime import date

from connectors.erp.tryton.client import TrytonClient
from connectors.erp.tryton.options import TrytonOptions
from connectors.erp.tryton.wire import Domain, Record
from connectors.errors import Declined
from models.ledger import AccountRole


class Masters:
    """Of one company. Every method raises `Declined` when the ERP has no such record, with a code that says which."""

    def __init__(self, client: TrytonClient, options: TrytonOptions) -> None:
        self._client, self._options = client, options
        self._known: dict[tuple[str, str], Record] = {}

    async def ping(self) -> None:
        """Never answered from memory."""
        await self._client.read("company.company", self._client.company, ["id"])

    async def product(self, item: str, field: str = "item") -> int:
        domain: Domain = [["code", "=", item]]
        return await self._id("product.product", item, domain, "unknown_product", field)

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
        code = node or self._options.warehouse
        domain: Domain = [["type", "=", "warehouse"]] + ([["code", "=", code]] if code else [])
        fields = ["code", "input_location", "output_location", "storage_location", "waste_locations"]
        return await self._record("stock.location", code, domain, "unknown_node", "node", fields)

    async def customer_location(self) -> int:
        return await self._id("stock.location", "customer", [["type", "=", "customer"]], "no_location", "customer")

    async def unit(self) -> int:
        return await self._id("product.uom", "Unit", [["symbol", "=", "u"]], "no_unit", "unit")

    async def currency(self, code: str) -> int:
        return await self._id("currency.currency", code, [["code", "=", code]], "unknown_currency", "currency")

    async def company_currency(self) -> Record:
        """Code and minor unit of the currency that the company's books are kept in."""
        fields = ["currency.code", "currency.digits"]
        domain: Domain = [["id", "=", self._client.company]]
        company = await self._record("company.company", "own", domain, "unknown_company", "entity", fields)
        currency: Record = company["currency"]
        return currency

    async def country(self, code: str) -> int:
        return await self._id("country.country", code, [["code", "=", code]], "unknown_country", "ship_to.country")

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

    async def _id(self, model: str, name: str, domain: Domain, code: str, field: str) -> int:
        return int((await self._record(model, name, domain, code, field, []))["id"])

    async def _record(self, model: str, name: str, domain: Domain, code: str, field: str, fields: list[str]) -> Record:
        if (known := self._known.get((model, name))) is not None:
            return known
        found = await self._client.first(model, domain, ["id", *fields])
        if found is None:
            raise Declined(f"tryton: no {model} {name!r}: create it in Tryton", code=code, field=field)
        self._known[model, name] = found
        return found
