"""Master data that documents refer to, found by code and remembered: an id never changes."""

from __future__ import annotations

from connectors.errors import Declined
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Domain, Record
from models.order import Address


class Records:
    """Of one company. Every method raises `Declined` when Tryton has no such record, with a code that says which."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str], Record] = {}

    async def ping(self) -> None:
        """Never answered from memory."""
        await self._client.read("company.company", self._client.company, ["id"])

    async def product(self, item: str, field: str = "item") -> int:
        domain: Domain = [["code", "=", item]]
        return await self._id("product.product", item, domain, "unknown_product", field)

    async def warehouse(self, node: str) -> Record:
        domain: Domain = [["type", "=", "warehouse"]] + ([["code", "=", node]] if node else [])
        fields = ["code", "input_location", "output_location", "storage_location", "waste_locations"]
        return await self._record("stock.location", node, domain, "unknown_node", "node", fields)

    async def customer_location(self) -> int:
        return await self._id("stock.location", "customer", [["type", "=", "customer"]], "no_location", "customer")

    async def unit(self) -> int:
        return await self._id("product.uom", "Unit", [["symbol", "=", "u"]], "no_unit", "unit")

    async def company_currency(self) -> Record:
        """Code and minor unit of the currency that the company's books are kept in."""
        fields = ["currency.code", "currency.digits"]
        domain: Domain = [["id", "=", self._client.company]]
        company = await self._record("company.company", "own", domain, "unknown_company", "entity", fields)
        currency: Record = company["currency"]
        return currency

    async def own_party(self) -> Record:
        """The company itself, with its addresses."""
        domain: Domain = [["id", "=", self._client.company]]
        fields = ["party.addresses.id"]
        company = await self._record("company.company", "party", domain, "unknown_company", "entity", fields)
        party: Record = company["party"]
        return party

    async def country(self, code: str) -> int:
        return await self._id("country.country", code, [["code", "=", code]], "unknown_country", "ship_to.country")

    async def address_values(self, address: Address) -> Record:
        """An address as Tryton writes it."""
        city = ", ".join(part for part in (address.city, address.region) if part)
        return {
            "party_name": address.name or address.company,
            "street": "\n".join(address.lines),
            "postal_code": address.postal_code,
            "city": city,
            "country": await self.country(address.country) if address.country else None,
        }

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
