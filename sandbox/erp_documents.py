"""The ERP twin's own reading of the contract: what it accepts, and the arithmetic it insists on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from models.money import Amount, Currency, Money
from sandbox.contract import Refused


class Tax(BaseModel):
    amount: Amount
    remitter: Literal["seller", "channel"]
    included: bool = False


class Discount(BaseModel):
    amount: Amount
    funded_by: Literal["seller", "channel"] = "seller"


class Item(BaseModel):
    item: str = Field(min_length=1)
    quantity: int = Field(ge=0)
    amount: Amount


class Priced(BaseModel):
    """A line or a charge: an amount as stated, what is taken off, the taxes on it."""

    amount: Amount
    discounts: list[Discount] = []
    taxes: list[Tax] = []


class Line(Priced):
    line_reference: str = Field(min_length=1)
    sku: str = Field(min_length=1)
    title: str = ""
    quantity: int = Field(ge=1)
    cancelled_quantity: int = Field(default=0, ge=0)
    items: list[Item] = []


class Charge(Priced):
    kind: str = Field(min_length=1)
    line_reference: str | None = None


class Totals(BaseModel):
    goods: Amount
    discounts: Amount
    shipping: Amount
    other: Amount
    seller_tax: Amount
    channel_tax: Amount
    total: Amount


class SalesOrder(BaseModel):
    external_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    company: str = Field(min_length=1)
    ordered_at: AwareDatetime
    currency: Currency
    lines: list[Line] = Field(min_length=1)
    charges: list[Charge] = []
    totals: Totals
    assessed_seller_tax: Amount

    @property
    def parts(self) -> list[Line | Charge]:
        return [*self.lines, *self.charges]


class Change(SalesOrder):
    """The same order as it is wanted now."""

    revision: int = Field(ge=1)


class Units(BaseModel):
    line_reference: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class Posting(BaseModel):
    """A shipment or an invoice: units of an order's lines."""

    external_reference: str = Field(min_length=1)
    correlation_id: str = Field(min_length=1)
    order_reference: str = Field(min_length=1)
    units: list[Units]

    @property
    def by_line(self) -> Counter[str]:
        counted: Counter[str] = Counter()
        for each in self.units:
            counted[each.line_reference] += each.quantity
        return counted


class Goods(BaseModel):
    node: str = Field(min_length=1)
    item: str = Field(min_length=1)
    quantity: int = Field(ge=1)


class Shipment(Posting):
    carrier: str = ""
    tracking_number: str = ""
    shipped_at: AwareDatetime
    goods: list[Goods] = []
    """What left the company's warehouses."""


class Invoice(Posting):
    supplied_at: AwareDatetime


def check_arithmetic(order: SalesOrder) -> None:
    """Refuse an order whose items do not add up to their line, or whose parts do not add up to its totals."""
    for number, line in enumerate(order.lines):
        if line.items and sum(item.amount for item in line.items) != line.amount:
            raise Refused("amounts_differ", f"lines[{number}].items", f"The items do not add up to {line.amount}.")
    for name, amount in _sums(order).items():
        stated = getattr(order.totals, name)
        if stated != amount.amount:
            raise Refused("totals_differ", f"totals.{name}", f"Stated {stated}, but the parts add up to {amount}.")


def _sums(order: SalesOrder) -> Mapping[str, Money]:
    shipping = [charge for charge in order.charges if charge.kind == "shipping"]
    other = [charge for charge in order.charges if charge.kind != "shipping"]
    sums = {
        "goods": _before_tax(order, order.lines),
        "discounts": _total(order, (discount.amount for part in order.parts for discount in part.discounts)),
        "shipping": _before_tax(order, shipping),
        "other": _before_tax(order, other),
        "seller_tax": _taxes(order, order.parts, "seller"),
        "channel_tax": _taxes(order, order.parts, "channel"),
    }
    sums["total"] = Money.total((amount for name, amount in sums.items() if name != "discounts"), order.currency)
    sums["total"] -= sums["discounts"]
    return sums


def _before_tax(order: SalesOrder, parts: Iterable[Priced]) -> Money:
    listed = list(parts)
    included = (tax.amount for part in listed for tax in part.taxes if tax.included)
    return _total(order, (part.amount for part in listed)) - _total(order, included)


def _taxes(order: SalesOrder, parts: Iterable[Priced], remitter: str) -> Money:
    return _total(order, (tax.amount for part in parts for tax in part.taxes if tax.remitter == remitter))


def _total(order: SalesOrder, amounts: Iterable[Amount]) -> Money:
    try:
        return Money.total((Money.of(amount, order.currency) for amount in amounts), order.currency)
    except ValueError as error:
        raise Refused("invalid", "totals", f"An amount is not exact {order.currency}.") from error
