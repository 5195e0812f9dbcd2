"""What Orderyard tells the shop of an order: taken, shipped, cancelled, paid back. The shop keeps its own rules."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import storefront_money as money
from sandbox.contract import Refused, read
from sandbox.storefront_book import Book, Document, open_of, restate, written

Amount = Annotated[str, Field(strict=True, pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
Units = Annotated[int, Field(strict=True, ge=1)]


class LineUnits(BaseModel):
    line_id: str
    quantity: Units


class Acknowledgement(BaseModel):
    lines: Annotated[list[str], Field(min_length=1)]


class Shipment(BaseModel):
    shipment_id: Annotated[str, Field(min_length=1)]
    package_number: Units
    carrier: str
    carrier_code: Annotated[str, Field(min_length=1)]
    tracking: str
    shipped_at: AwareDatetime
    lines: Annotated[list[LineUnits], Field(min_length=1)]


class Cancellation(BaseModel):
    lines: Annotated[list[LineUnits], Field(min_length=1)]
    whole: bool
    reason: Literal["buyer", "out_of_stock", "pricing_error", "fraud", "address", "other"]
    note: str = ""


class RefundLine(BaseModel):
    line_id: str
    quantity: Annotated[int, Field(strict=True, ge=0)]
    goods: Amount
    shipping: Amount = "0"
    tax: Amount = "0"
    shipping_tax: Amount = "0"

    @property
    def amount(self) -> Decimal:
        return Decimal(self.goods) + Decimal(self.shipping) + Decimal(self.tax) + Decimal(self.shipping_tax)


class Refund(BaseModel):
    currency: str
    amount: Amount
    lines: Annotated[list[RefundLine], Field(min_length=1)]
    reason: Literal[
        "returned",
        "damaged",
        "not_received",
        "not_as_described",
        "price_adjustment",
        "goodwill",
        "cancelled",
        "other",
    ]
    note: str = ""


class Writes:
    def __init__(self, book: Book) -> None:
        self._book = book

    async def acknowledge(self, request: Request) -> Response:
        wanted = await read(request, Acknowledgement)
        order = self._order(request)
        _lines(order, wanted.lines)
        if order["state"] == "cancelled":
            raise Refused("order_cancelled", None, "The order is cancelled.", 409)
        if not order.pop("acknowledge_by", None):
            raise Refused("already_acknowledged", None, "The order has been taken already.", 409)
        self._book.record("acknowledged", order["id"])
        self._book.order_changed("orders/updated", order)
        return JSONResponse({"status": "acknowledged"})

    async def ship(self, request: Request) -> Response:
        wanted = await read(request, Shipment)
        order = self._order(request)
        if any(parcel["id"] == wanted.shipment_id for parcel in order["parcels"]):
            raise Refused("shipment_exists", "shipment_id", "This parcel is known.", 409)
        if order["state"] in ("pending", "cancelled"):
            code = "not_paid" if order["state"] == "pending" else "order_cancelled"
            raise Refused(code, None, f"The order is {order['state']}.", 409)
        units = _units(wanted.lines)
        for line_id, line in _lines(order, list(units)).items():
            if units[line_id] > open_of(line):
                raise Refused("exceeds_open", "lines", f"{open_of(line)} units of line {line_id} are open.", 409)
            line["quantity_shipped"] += units[line_id]
        parcel = wanted.model_dump(mode="json", exclude={"lines", "shipment_id", "package_number", "carrier_code"})
        lines = [line.model_dump() for line in wanted.lines]
        parcel = {"id": wanted.shipment_id, **parcel, "shipped_at": written(wanted.shipped_at), "lines": lines}
        order["parcels"].append(parcel)
        order.pop("acknowledge_by", None)
        restate(order)
        self._book.record("shipped", order["id"], tracking=wanted.tracking, units=units, carrier=wanted.carrier_code)
        self._book.order_changed("orders/updated", order)
        return JSONResponse({"id": wanted.shipment_id}, 201)

    async def cancel(self, request: Request) -> Response:
        wanted = await read(request, Cancellation)
        order = self._order(request)
        units = _units(wanted.lines)
        lines = _lines(order, list(units))
        for line_id, line in lines.items():
            _check_open(line_id, line, units[line_id])
        cancel_units(self._book, order, units, wanted.reason)
        self._book.record("cancelled", order["id"], units=units, reason=wanted.reason)
        topic = "orders/cancelled" if order["state"] == "cancelled" else "orders/updated"
        self._book.order_changed(topic, order)
        return JSONResponse({"state": order["state"]})

    async def refund(self, request: Request) -> Response:
        wanted = await read(request, Refund)
        order = self._order(request)
        _check_refund(order, wanted)
        units = {line.line_id: line.quantity for line in wanted.lines if line.quantity}
        refund = pay_back(self._book, order, Decimal(wanted.amount), wanted.reason, units)
        self._book.record("refunded", order["id"], amount=refund["amount"], currency=order["currency"], units=units)
        self._book.order_changed("orders/updated", order)
        return JSONResponse({"id": refund["id"], "amount": refund["amount"]}, 201)

    def _order(self, request: Request) -> Document:
        order = self._book.orders.get(str(request.path_params["order_id"]))
        if order is None:
            raise Refused("not_found", "id", "There is no such order.", 404)
        return order


def cancel_units(book: Book, order: Document, units: dict[str, int], reason: str) -> None:
    """Cancel units that are open, and pay back what was paid for them; with the last of them the shipping as well."""
    unpaid = order["state"] == "pending"
    back = Decimal(0)
    for line_id, line in _lines(order, list(units)).items():
        before, after = line["quantity_cancelled"], line["quantity_cancelled"] + units[line_id]
        line["quantity_cancelled"] = after
        back += money.share(order, line, after) - money.share(order, line, before)
    restate(order)
    if order["state"] == "cancelled":
        order["cancel_reason"] = reason
        order.pop("acknowledge_by", None)
        back = money.left(order)
    if not unpaid and back:
        pay_back(book, order, min(back, money.left(order)), "cancelled", units)


def pay_back(book: Book, order: Document, amount: Decimal, reason: str, units: dict[str, int]) -> Document:
    refund = {
        "id": f"SR-{book.number('refund')}",
        "amount": money.text(amount, order["currency"]),
        "reason": reason,
        "lines": [{"line_id": line_id, "quantity": count} for line_id, count in units.items()],
    }
    order["refunds"].append(refund)
    return refund


def _check_open(line_id: str, line: Document, wanted: int) -> None:
    left = open_of(line)
    if wanted <= left:
        return
    if wanted <= left + line["quantity_cancelled"]:
        raise Refused("already_cancelled", "lines", f"{left} units of line {line_id} are open.", 409)
    raise Refused("already_shipped", "lines", f"{line['quantity_shipped']} units of line {line_id} have left.", 409)


def _check_refund(order: Document, wanted: Refund) -> None:
    if order["state"] == "pending":
        raise Refused("not_paid", None, "Nothing has been paid yet.", 409)
    if wanted.currency != order["currency"]:
        raise Refused("invalid", "currency", f"The order is in {order['currency']}.")
    if sum((line.amount for line in wanted.lines), Decimal(0)) != Decimal(wanted.amount):
        raise Refused("invalid", "amount", "The amount is not the sum of its lines.")
    if not 0 < Decimal(wanted.amount) <= money.left(order):
        left = f"{money.left(order)} {order['currency']} are left of what was paid."
        raise Refused("exceeds_refundable", "amount", left, 409)
    back = _units([LineUnits(**row) for refund in order["refunds"] for row in refund["lines"]])
    for line in wanted.lines:
        [sold] = _lines(order, [line.line_id]).values()
        if line.quantity + back.get(line.line_id, 0) > sold["quantity"]:
            raise Refused("exceeds_refundable", "lines", f"Line {line.line_id} had {sold['quantity']} units.", 409)


def _lines(order: Document, wanted: list[str]) -> dict[str, Document]:
    lines = {line["id"]: line for line in order["lines"]}
    if unknown := [line_id for line_id in wanted if line_id not in lines]:
        raise Refused("unknown_line", "lines", f"The order has no line {unknown[0]}.")
    return {line_id: lines[line_id] for line_id in dict.fromkeys(wanted)}


def _units(rows: list[LineUnits]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for row in rows:
        units[row.line_id] += row.quantity
    return dict(units)
