"""Master data that documents refer to, found by code and remembered; buyers as partners, matched by who they are."""

from __future__ import annotations

import hashlib
from datetime import date

from connectors.erp.odoo.client import Domain, OdooClient, Record
from connectors.erp.odoo.options import OdooOptions
from connectors.errors import Declined
from models.ledger import AccountRole
from models.order import Address, Order, OrderKey

LOCKS = ("fiscalyear_lock_date", "sale_lock_date", "hard_lock_date")


class Masters:
    """Of one company. Every method raises `Declined` when the ERP has no such record, with a code that says which."""

    def __init__(self, client: OdooClient, options: OdooOptions) -> None:
        self._client, self._options = client, options
        self._known: dict[tuple[str, str], Record] = {}

    async def ping(self) -> None:
        """Never answered from memory."""
        await self._client.search("res.company", [["id", "=", self._client.company]])

    async def product(self, item: str, field: str = "item") -> int:
        return await self._id("product.product", item, [["default_code", "=", item]], "unknown_product", field)

    async def account(self, role: AccountRole | str) -> int:
        code = self._options.account_code(role)
        domain: Domain = [["code", "=", code], ["company_ids", "in", [self._client.company]]]
        return await self._id("account.account", code, domain, "unknown_account", str(role))

    async def tax(self, name: str) -> int:
        return await self._id("account.tax", name, [["name", "=", name], self._ours], "unknown_tax", "taxes")

    async def journal(self, code: str) -> int:
        return await self._id("account.journal", code, [["code", "=", code], self._ours], "no_journal", "journal")

    async def warehouse(self, node: str) -> Record:
        """By its code; the company's first when the node is empty."""
        domain: Domain = [self._ours] + ([["code", "=", node]] if node else [])
        fields = ["code", "lot_stock_id", "in_type_id"]
        return await self._record("stock.warehouse", node, domain, "unknown_node", "node", fields)

    async def place_of(self, node: str) -> int:
        """Where the goods of a node stand. No node: at a supplier's, as goods that a supplier ships directly."""
        if not node:
            return await self.location("supplier")
        return int((await self.warehouse(node))["lot_stock_id"][0])

    def held_at(self, key: OrderKey) -> str:
        """Node that stands for the goods which the channel ships; empty when these books hold none there."""
        return self._options.held_at(key)

    async def location(self, usage: str) -> int:
        return await self._id("stock.location", usage, [["usage", "=", usage]], "no_location", usage)

    async def currency(self, code: str) -> int:
        return await self._id("res.currency", code, [["name", "=", code]], "unknown_currency", "currency")

    async def pricelist(self, currency: str) -> int:
        domain: Domain = [["currency_id.name", "=", currency], ["company_id", "in", [False, self._client.company]]]
        return await self._id("product.pricelist", currency, domain, "unknown_currency", "currency")

    async def company(self) -> Record:
        domain: Domain = [["id", "=", self._client.company]]
        return await self._record("res.company", "own", domain, "unknown_company", "entity", ["currency_id"])

    async def require_open(self, on: date) -> None:
        """Asked each time: an accountant moves the lock dates. Raises `Declined` (`period_closed`)."""
        found = await self._client.first("res.company", [["id", "=", self._client.company]], LOCKS)
        for name in LOCKS:
            locked = (found or {}).get(name)
            if locked and on <= date.fromisoformat(locked):
                text = f"odoo: {on} is not after the company's {name} {locked}: move it, or date the document otherwise"
                raise Declined(text, code="period_closed", field="on")

    async def customer(self, order: Order) -> int:
        """The partner of a buyer, whose reference is derived from who it is."""
        address = order.ship_to or Address()
        name = order.buyer.name or address.name or "Guest"
        return await self._partner(_reference(order, name), name, address, order.buyer.email)

    async def guest(self) -> int:
        return await self._partner("OY-guest", "Guest", Address(), "")

    async def of_channel_account(self, channel_account: str) -> int:
        """The partner that stands for a channel account on the clearing and reserve accounts."""
        return await self._partner(f"channel-{channel_account}", channel_account, Address(), "")

    async def _partner(self, reference: str, name: str, address: Address, email: str) -> int:
        async def find() -> Record | None:
            return await self._client.first("res.partner", [["ref", "=", reference]])

        if (found := await find()) is not None:
            return int(found["id"])
        values: Record = {"ref": reference, "name": name, "email": email, "city": address.city}
        values |= {"street": ", ".join(address.lines), "zip": address.postal_code}
        if address.country:
            values["country_id"] = await self._country(address.country)
        await self._client.create("res.partner", values, find)
        # Odoo does not hold the reference to be unique: of two that were made at once the older counts.
        oldest = await find()
        return int((oldest or {})["id"])

    async def _country(self, code: str) -> int:
        return await self._id("res.country", code, [["code", "=", code]], "unknown_country", "ship_to.country")

    @property
    def _ours(self) -> list[object]:
        return ["company_id", "=", self._client.company]

    async def _id(self, model: str, name: str, domain: Domain, code: str, field: str) -> int:
        return int((await self._record(model, name, domain, code, field, []))["id"])

    async def _record(self, model: str, name: str, domain: Domain, code: str, field: str, fields: list[str]) -> Record:
        if (known := self._known.get((model, name))) is not None:
            return known
        found = await self._client.first(model, domain, fields)
        if found is None:
            raise Declined(f"odoo: no {model} {name!r}: create it in Odoo", code=code, field=field)
        self._known[model, name] = found
        return found


def _reference(order: Order, name: str) -> str:
    address = order.ship_to or Address()
    who = [order.buyer.email] if order.buyer.email else [name, address.postal_code, *address.lines]
    if not any(part for part in who if part != "Guest"):
        return "OY-guest"
    text = "|".join(" ".join(part.lower().split()) for part in who)
    return f"OY-{hashlib.sha256(text.encode()).hexdigest()[:20]}"
