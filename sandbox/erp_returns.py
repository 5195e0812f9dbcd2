"""Credit notes and returned goods in the ERP's twin: bounded by what was invoiced and sold, and booked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from models.money import Amount, Currency, Money, minor_unit
from sandbox.contract import Refused, read
from sandbox.core import Sandbox
from sandbox.erp_documents import SalesOrder
from sandbox.erp_invoices import invoice_amounts
from sandbox.goods_shelf import GoodsShelf

Document = dict[str, Any]
CREDIT_NOTES, RETURNS = "credit-notes", "returns"
PARTS = ("net", "seller_tax", "channel_tax")


class CreditLine(BaseModel):
    line_reference: str = Field(min_length=1)
    quantity: int = Field(ge=0)
    goods: Amount = Field(ge=0)
    shipping: Amount = Field(ge=0)
    seller_tax: Amount = Field(ge=0)
    channel_tax: Amount = Field(ge=0)

    @property
    def parts(self) -> dict[str, Decimal]:
        return {"net": self.goods + self.shipping, "seller_tax": self.seller_tax, "channel_tax": self.channel_tax}


class CreditNote(BaseModel):
    external_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    order_reference: str = Field(min_length=1)
    issued_at: AwareDatetime
    currency: Currency
    reason: str = Field(min_length=1)
    lines: list[CreditLine] = Field(min_length=1)
    total: Amount


class ReturnItem(BaseModel):
    line_reference: str | None = None
    item: str = Field(min_length=1)
    quantity: int = Field(ge=1)
    condition: Literal["resell", "scrap", "reject"]


class GoodsReturn(BaseModel):
    external_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    order_reference: str | None = None
    node: str = Field(min_length=1)
    received_at: AwareDatetime
    items: list[ReturnItem] = Field(min_length=1)


class ErpReturns:
    """What the ERP's books know of goods and money that went back."""

    def __init__(
        self,
        sandbox: Sandbox,
        orders: Callable[[str], Document | None],
        stock: GoodsShelf,
        posted: Callable[[str, Document], Response],
        duplicate: Callable[[Document], Response],
    ) -> None:
        """`posted` answers a document that is booked now, `duplicate` one that was booked before."""
        self._sandbox = sandbox
        self._orders, self._stock, self._posted, self._duplicate = orders, stock, posted, duplicate
        self.books = {kind: sandbox.shelf.collection(f"erp_{kind}") for kind in (CREDIT_NOTES, RETURNS)}

    async def credit(self, request: Request) -> Response:
        note = await read(request, CreditNote)
        if known := self.books[CREDIT_NOTES].get(note.external_reference):
            return self._duplicate(known)
        document = self._order(note.order_reference)
        order = SalesOrder.model_validate(document["order"])
        amounts = _amounts(note)
        _check_credit(note, order)
        self._check_left(note, order, document, amounts)
        booked = {
            "number": f"CN-{len(self.books[CREDIT_NOTES]) + 1:06}",
            "order_reference": note.order_reference,
            "currency": note.currency,
            **{name: str(amount) for name, amount in amounts.items()},
            "total": str(note.total),
        }
        return self._book(CREDIT_NOTES, "credit_note_posted", note.external_reference, booked)

    async def receive(self, request: Request) -> Response:
        back = await read(request, GoodsReturn)
        if known := self.books[RETURNS].get(back.external_reference):
            return self._duplicate(known)
        pieces = Counter[str]()
        for item in back.items:
            pieces[item.item] += item.quantity
        if back.order_reference is not None:
            self._check_pieces(back.order_reference, pieces)
        conditions = Counter[str]()
        for item in back.items:
            conditions[item.condition] += item.quantity
        booked = {
            "number": f"RET-{len(self.books[RETURNS]) + 1:06}",
            "order_reference": back.order_reference or "",
            "node": back.node,
            "pieces": dict(pieces),
            "conditions": dict(conditions),
        }
        sound = [item.model_dump() for item in back.items if item.condition == "resell"]
        self._stock.move(back.node, sound, 1)
        return self._book(RETURNS, "return_received", back.external_reference, booked)

    def _book(self, kind: str, effect: str, reference: str, booked: Document) -> Response:
        self.books[kind].put(reference, booked)
        key = booked["order_reference"] or reference
        detail = {name: value for name, value in booked.items() if name != "order_reference"}
        self._sandbox.ledger.record("erp", effect, key, external_reference=reference, **detail)
        return self._posted(reference, booked)

    def _order(self, reference: str) -> Document:
        document = self._orders(reference)
        if document is None:
            raise Refused("unknown_order", "order_reference", f"There is no order with the reference {reference}.")
        return document

    def _check_left(self, note: CreditNote, order: SalesOrder, document: Document, amounts: dict[str, Decimal]) -> None:
        """No more than was invoiced. Shares of units that are invoiced in part may differ by a minor unit a line."""
        units = Counter(document["invoices"]["units"])
        invoiced = invoice_amounts(order, {}, units, first=bool(document["invoices"]["count"]))
        complete = all(units[line.line_reference] == line.quantity - line.cancelled_quantity for line in order.lines)
        slack = Decimal(0) if complete else minor_unit(order.currency) * len(note.lines)
        before = [each for each in self.books[CREDIT_NOTES].values() if each["order_reference"] == note.order_reference]
        for name in PARTS:
            credited = sum((Decimal(each[name]) for each in before), Decimal(0))
            limit: Money = getattr(invoiced, name)
            if credited + amounts[name] > limit.amount + slack:
                words = f"{amounts[name]} {name} on top of {credited} is more than the {limit} that are invoiced."
                raise Refused("over_credited", f"lines[].{name}", words)

    def _check_pieces(self, reference: str, pieces: Counter[str]) -> None:
        order = SalesOrder.model_validate(self._order(reference)["order"])
        sold = Counter[str]()
        for each in (item for line in order.lines for item in line.items):
            sold[each.item] += each.quantity
        for back in self.books[RETURNS].values():
            if back["order_reference"] == reference:
                sold.subtract(back["pieces"])
        for item, count in pieces.items():
            if count > sold[item]:
                raise Refused("over_returned", "items", f"{count} of {item} come back, {max(sold[item], 0)} are sold.")


def _amounts(note: CreditNote) -> dict[str, Decimal]:
    return {name: sum((line.parts[name] for line in note.lines), Decimal(0)) for name in PARTS}


def _check_credit(note: CreditNote, order: SalesOrder) -> None:
    lines = {line.line_reference for line in order.lines}
    for number, line in enumerate(note.lines):
        if line.line_reference not in lines:
            raise Refused("unknown_line", f"lines[{number}].line_reference", f"No line {line.line_reference}.")
    if note.currency != order.currency:
        raise Refused("invalid", "currency", f"The order is in {order.currency}.")
    if sum(_amounts(note).values()) != note.total:
        raise Refused("totals_differ", "total", f"Stated {note.total}, but the lines add up to something else.")
