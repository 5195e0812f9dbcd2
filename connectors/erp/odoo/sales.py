"""Sales orders: one for each order key, entered, changed and taken back."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from connectors.erp.odoo.client import OdooClient, Record
from connectors.erp.odoo.masters import Masters
from connectors.erp.odoo.options import OdooOptions
from connectors.erp.terms import Entry, Terms, entries
from connectors.errors import NOT_FOUND, Declined, SchemaDrift
from connectors.ports import ErpOrder
from models.order import FulfilmentSide, Order, OrderKey

ORDER, LINE, ATTACHMENT = "sale.order", "sale.order.line", "ir.attachment"
FIELDS = ["name", "state", "partner_id", "currency_id", "warehouse_id"]
LINE_FIELDS = ["product_id", "product_uom_qty", "qty_delivered"]
TERMS_FILE = "orderyard-terms.json"


class SaleLine(NamedTuple):
    """A line of the sales order, and what it must remember."""

    id: int
    product: int | None
    quantity: int
    delivered: int
    terms: Terms


class Sale(NamedTuple):
    id: int
    number: str
    state: str
    partner: int
    currency: str
    warehouse: int
    lines: tuple[SaleLine, ...]

    def lines_of(self, order_lines: Iterable[str]) -> list[SaleLine]:
        """Raises `Declined` for an order line that is not here."""
        known = {line.terms.line for line in self.lines}
        for name in order_lines:
            if name not in known:
                raise Declined(f"odoo: {self.number} has no line {name}", code="unknown_line", field="units")
        return [line for line in self.lines if line.terms.line in set(order_lines)]


class Sales:
    def __init__(self, client: OdooClient, options: OdooOptions, masters: Masters) -> None:
        self._client, self._options, self._masters = client, options, masters

    async def find(self, key: OrderKey) -> Record | None:
        """The oldest: Odoo does not hold the customer's reference to be unique."""
        domain = [["client_order_ref", "=", str(key)], ["company_id", "=", self._client.company]]
        return await self._client.first(ORDER, domain, FIELDS)

    async def required(self, key: OrderKey) -> Sale:
        found = await self.find(key)
        if found is None:
            raise Declined(f"odoo: there is no sales order for {key}", code=NOT_FOUND, field="order_key")
        return await self.whole(found)

    async def whole(self, found: Record) -> Sale:
        lines = await self._client.search(LINE, [["order_id", "=", found["id"]]], LINE_FIELDS)
        terms = await self._terms(found["id"])
        if len(terms) != len(lines):
            remedy = "Lines of this order are changed by Orderyard alone"
            raise SchemaDrift("lines_differ", f"{ORDER},{found['id']}.order_line", len(lines), remedy)
        return Sale(
            id=found["id"],
            number=found["name"],
            state=found["state"],
            partner=found["partner_id"][0],
            currency=found["currency_id"][1],
            warehouse=found["warehouse_id"][0],
            lines=tuple(_line(line, each) for line, each in zip(lines, terms, strict=True)),
        )

    async def enter(self, request: ErpOrder) -> str:
        """The sales order, confirmed; found and brought further when it is there already."""
        key = request.order.key
        found = await self.find(key) or await self._create(request)
        await self._keep_terms(found["id"], [entry.terms for entry in entries(request, self._options)])
        if found["state"] in ("draft", "sent"):
            await self._client.press(ORDER, found["id"], "action_confirm", ("sale",))
        return str(found["name"])

    async def change(self, request: ErpOrder) -> None:
        sale = await self.required(request.order.key)
        wanted = list(entries(request, self._options))
        if len(sale.lines) != len(wanted):
            text = f"odoo: {sale.number} has {len(sale.lines)} lines, and the order now {len(wanted)}"
            raise Declined(text, code="lines_differ", field="lines")
        for line, entry in zip(sale.lines, wanted, strict=True):
            await self._adjust(line, entry)

    async def cancel(self, sale: Sale) -> None:
        """Raises `Declined` when units have left."""
        if sale.state == "cancel":
            return
        if any(line.delivered for line in sale.lines):
            raise Declined(f"odoo: units of {sale.number} have been shipped", code="already_shipped")
        await self._client.press(ORDER, sale.id, "action_cancel", ("cancel",), disable_cancel_warning=True)

    async def _create(self, request: ErpOrder) -> Record:
        order = request.order
        lines = [[0, 0, await self._values(entry)] for entry in entries(request, self._options)]
        for tax in {tax.code for entry in entries(request, self._options) for tax in entry.terms.taxes}:
            await self._masters.tax(tax)
        values = {
            "company_id": self._client.company,
            "partner_id": await self._masters.customer(order),
            "client_order_ref": str(order.key),
            "date_order": order.purchased_at.strftime("%Y-%m-%d %H:%M:%S"),
            "pricelist_id": await self._masters.pricelist(order.currency),
            "warehouse_id": (await self._masters.warehouse(self._ships_from(order)))["id"],
            "order_line": lines,
        }
        await self._client.create(ORDER, values, lambda: self.find(order.key))
        oldest = await self.find(order.key)
        if oldest is None:
            raise Declined(f"odoo: the sales order for {order.key} is gone", code=NOT_FOUND)
        return oldest

    def _ships_from(self, order: Order) -> str:
        return self._options.held_at(order.key) if order.fulfilled_by is FulfilmentSide.CHANNEL else ""

    async def _values(self, entry: Entry) -> Record:
        """A charge has no product: Odoo takes such a line with a name, a quantity and a price."""
        price = (entry.terms.net / entry.ordered).quantize(Decimal("0.0001"))
        values: Record = {"name": entry.description, "product_uom_qty": entry.open, "price_unit": price}
        if entry.item is not None:
            values["product_id"] = await self._masters.product(entry.item, f"lines[{entry.terms.line}].item")
        return values

    async def _adjust(self, line: SaleLine, entry: Entry) -> None:
        if entry.item is None or line.quantity == entry.open:
            return
        if entry.open < line.delivered:
            text = f"odoo: {line.delivered} of line {line.terms.line} have left, and {entry.open} are to remain"
            raise Declined(text, code="already_shipped", field=f"lines[{line.terms.line}].cancelled")
        await self._client.write(LINE, [line.id], {"product_uom_qty": entry.open})

    async def _keep_terms(self, order: int, terms: list[Terms]) -> None:
        """As a file attached to the order: a line of a sales order has no field for them."""

        async def find() -> Record | None:
            return await self._attached(order)

        if await find() is None:
            content = json.dumps([each.text() for each in terms]).encode()
            values = {"res_model": ORDER, "res_id": order, "name": TERMS_FILE, "mimetype": "application/json"}
            await self._client.create(ATTACHMENT, {**values, "datas": base64.b64encode(content).decode()}, find)

    async def _terms(self, order: int) -> list[Terms]:
        found = await self._attached(order)
        path = f"{ORDER},{order}/{TERMS_FILE}"
        try:
            texts = json.loads(base64.b64decode((found or {}).get("datas") or ""))
        except ValueError as error:
            raise SchemaDrift("missing", path, found, "Post the order again, or restore the file") from error
        return [Terms.read(text, path) for text in texts]

    async def _attached(self, order: int) -> Record | None:
        domain = [["res_model", "=", ORDER], ["res_id", "=", order], ["name", "=", TERMS_FILE]]
        return await self._client.first(ATTACHMENT, domain, ["datas"])


def _line(line: Record, terms: Terms) -> SaleLine:
    product = line["product_id"][0] if line["product_id"] else None
    return SaleLine(line["id"], product, int(line["product_uom_qty"]), int(line["qty_delivered"]), terms)
