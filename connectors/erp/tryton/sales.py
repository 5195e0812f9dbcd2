"""Sales orders: one for each order key, entered, changed and taken back."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connectors.contract import correlation_of
from connectors.erp.terms import Entry, Terms, entries
from connectors.erp.tryton.masters import Masters
from connectors.erp.tryton.options import TrytonOptions
from connectors.erp.tryton.parties import Parties
from connectors.errors import NOT_FOUND, Declined
from connectors.ports import ErpOrder
from connectors.tryton.client import TrytonClient
from connectors.tryton.wire import Record
from models.order import FulfilmentSide, Order, OrderKey

FIELDS = [
    "number",
    "state",
    "party",
    "currency.code",
    "warehouse",
    "invoice_address",
    "shipment_address",
    "description",
    "lines.note",
    "lines.quantity",
    "lines.product",
    "lines.unit_price",
    "lines.moves.state",
    "lines.moves.quantity",
]
_PRICE = Decimal("0.0001")
"""Decimals of a unit price in Tryton, unless it is configured otherwise."""
TAKEN = ("processing", "done")
CANCELLED = "cancelled by Orderyard"
"""Description of a sale that was taken back after Tryton had begun to process it: Tryton keeps such a sale, without
quantities, as done."""


class Sales:
    def __init__(self, client: TrytonClient, options: TrytonOptions, masters: Masters, parties: Parties) -> None:
        self._client, self._options, self._masters, self._parties = client, options, masters, parties

    async def find(self, key: OrderKey) -> Record | None:
        """By the web id, which Tryton's database holds to be unique in a shop."""
        return await self._client.first("sale.sale", [["web_id", "=", str(key)], self._shop], FIELDS)

    async def exists(self, key: OrderKey) -> bool:
        return await self._client.first("sale.sale", [["web_id", "=", str(key)], self._shop]) is not None

    async def required(self, key: OrderKey) -> Record:
        found = await self.find(key)
        if found is None:
            raise Declined(f"tryton: there is no sale for {key}", code=NOT_FOUND, field="order_key")
        return found

    async def enter(self, request: ErpOrder, shop: str) -> str:
        """The sale of an order, confirmed; found and brought further when it is there already."""
        key = request.order.key
        sale = await self.find(key) or await self._create(request, shop)
        await self._confirm(sale)
        return str((await self._client.read("sale.sale", sale["id"], ["number"]))["number"])

    async def change(self, request: ErpOrder) -> None:
        """Quantities, items and address as they are to be. Tryton lets both be written while the sale is processed."""
        sale = await self.required(request.order.key)
        await self._confirm(sale)
        wanted = list(entries(request, self._options))
        lines = sorted(sale["lines"], key=lambda line: int(line["id"]))
        if len(lines) != len(wanted):
            text = f"tryton: {sale['number']} has {len(lines)} lines, and the order now {len(wanted)}"
            raise Declined(text, code="lines_differ", field="lines")
        for line, entry in zip(lines, wanted, strict=True):
            await self._adjust(line, entry)
        customer = await self._parties.customer(request.order)
        if customer.party == sale["party"] and customer.shipment_address != sale["shipment_address"]:
            await self._client.update("sale.sale", sale["id"], {"shipment_address": customer.shipment_address})
        await self._client.press("sale.sale", sale["id"], "process", TAKEN)

    async def cancel(self, sale: Record) -> None:
        """In each state: before it is processed Tryton cancels it; later it is emptied. Raises `Declined` when units
        have left."""
        if sale["state"] == "cancelled" or sale["description"] == CANCELLED:
            return
        if any(_moved(line) for line in sale["lines"]):
            raise Declined(f"tryton: units of {sale['number']} have been shipped", code="already_shipped")
        if sale["state"] == "confirmed":
            await self._client.press("sale.sale", sale["id"], "process", TAKEN)
        if sale["state"] in ("draft", "quotation"):
            await self._client.press("sale.sale", sale["id"], "cancel", ("cancelled",))
            return
        for line in sale["lines"]:
            await self._client.update("sale.line", line["id"], {"quantity": 0})
        await self._client.update("sale.sale", sale["id"], {"description": CANCELLED})
        await self._client.press("sale.sale", sale["id"], "process", TAKEN)

    @property
    def _shop(self) -> list[object]:
        return ["company", "=", self._client.company]

    async def _create(self, request: ErpOrder, shop: str) -> Record:
        order = request.order
        customer = await self._parties.customer(order)
        values = {
            "company": self._client.company,
            "currency": await self._masters.currency(order.currency),
            "party": customer.party,
            "invoice_address": customer.invoice_address,
            "shipment_address": customer.shipment_address,
            "payment_term": await self._masters.payment_term(),
            "warehouse": (await self._masters.warehouse(self._ships_from(order)))["id"],
            "web_shop": await self._masters.shop(shop),
            "web_id": str(order.key),
            "reference": order.key.external_id,
            "sale_date": order.purchased_at.date(),
            # Parcels and their invoices are posted as they leave, by whichever node ships them.
            "shipment_method": "manual",
            "invoice_method": "manual",
            "comment": _comment(request),
            "lines": [["create", [await self._line(entry, order) for entry in entries(request, self._options)]]],
        }
        return await self._client.create("sale.sale", values, lambda: self.find(order.key), FIELDS)

    def _ships_from(self, order: Order) -> str:
        return self._options.held_at(order.key) if order.fulfilled_by is FulfilmentSide.CHANNEL else ""

    async def _line(self, entry: Entry, order: Order) -> Record:
        for tax in entry.terms.taxes:
            await self._masters.tax(tax.code)
        values: Record = {
            "type": "line",
            "quantity": entry.open,
            "unit_price": (entry.terms.net / entry.ordered).quantize(_PRICE),
            "description": entry.description,
            "note": entry.terms.text(),
        }
        if entry.item is not None:
            field = f"lines[{entry.terms.line}].item"
            values |= {"product": await self._masters.product(entry.item, field), "unit": await self._masters.unit()}
        return values

    async def _confirm(self, sale: Record) -> None:
        """From where it stands: an earlier attempt may have ended between any two steps."""
        state = str(sale["state"])
        if state == "draft":
            state = await self._client.press("sale.sale", sale["id"], "quote", ("quotation", "confirmed", *TAKEN))
        if state == "quotation":
            state = await self._client.press("sale.sale", sale["id"], "confirm", ("confirmed", *TAKEN))
        if state == "confirmed":
            # Confirming and processing are two transactions in Tryton; a crash between them leaves it here for ever.
            await self._client.press("sale.sale", sale["id"], "process", TAKEN)

    async def _adjust(self, line: Record, entry: Entry) -> None:
        values: Record = {}
        if entry.item is not None and line["product"] != (product := await self._masters.product(entry.item)):
            values["product"] = product
        if int(line["quantity"]) != entry.open:
            values["quantity"] = entry.open
        if not values:
            return
        moved = _moved(line)
        if entry.open < moved or (moved and "product" in values):
            wanted = f"all are to be {entry.item}" if "product" in values else f"{entry.open} are to remain"
            text = f"tryton: {moved} of line {terms_of(line).line} have left, and {wanted}"
            raise Declined(text, code="already_shipped", field=f"lines[{terms_of(line).line}].cancelled")
        await self._client.update("sale.line", line["id"], values)


def terms_of(sale_line: Record) -> Terms:
    """Kept in the line's `note`, which is written in the same transaction as the line."""
    return Terms.read(sale_line.get("note"), f"sale.line,{sale_line['id']}.note")


def open_units(sale: Record) -> dict[str, int]:
    """Order line -> units that were not cancelled."""
    found = [(terms_of(line), int(line["quantity"])) for line in sale["lines"]]
    return {terms.line: quantity // terms.per_unit for terms, quantity in found if terms.per_unit}


def lines_of(sale: Record, units: Iterable[str]) -> list[tuple[Record, Terms]]:
    """The sale's lines of these order lines. Raises `Declined` for one that is not on the sale."""
    found = [(line, terms_of(line)) for line in sale["lines"]]
    known = {terms.line for _, terms in found}
    for line_id in units:
        if line_id not in known:
            raise Declined(f"tryton: {sale['number']} has no line {line_id}", code="unknown_line", field="units")
    return [(line, terms) for line, terms in found if terms.line in units]


def gone(line: Record) -> int:
    """Items of the line that have left or are about to."""
    return sum(int(move["quantity"]) for move in line.get("moves") or [] if move["state"] != "cancelled")


def _moved(line: Record) -> int:
    return sum(int(move["quantity"]) for move in line.get("moves") or [] if move["state"] == "done")


def _comment(request: ErpOrder) -> str:
    facts = [f"Order {request.order.key}", f"correlation {correlation_of(request.order)}"]
    if request.order.test:
        facts.append("test order")
    if request.seller_tax:
        facts.append(f"assessed seller tax {request.seller_tax}")
    return "\n".join(facts)
