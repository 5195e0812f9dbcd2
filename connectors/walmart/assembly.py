"""From stated facts to a canonical order: the amounts are read in the one way in which they add up to the stated total.

Most US orders state no total, and then the charges are all there is. Where one is stated, it decides what Walmart does
not say: whether charges are of the line or of one unit, and whether the tax that Walmart remits is part of the total.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any

from connectors.errors import SchemaDrift
from connectors.walmart.charges import TAX_INCLUDED, Sheet, charge_lines, tax_lines
from connectors.walmart.node import Node
from connectors.walmart.statuses import Units
from models.money import Money, minor_unit
from models.order import ChannelState, Order, OrderLine


class Beside(Enum):
    """What of the charges beside the goods is part of the total."""

    ALL = "goods, shipping, fees and discounts"
    GOODS = "the goods alone: Mexico's orderTotal"


@dataclass(frozen=True)
class Reading:
    taxes: bool = True
    """The total contains the taxes, which stand beside the prices or in them."""
    per_unit: bool = False
    """Charges are stated for one unit of the line."""
    beside: Beside = Beside.ALL


@dataclass(frozen=True)
class Item:
    """One line's facts, in our words."""

    node: Node
    line_id: str
    sku: str
    title: str
    units: Units
    sheet: Sheet


@dataclass(frozen=True)
class Facts:
    """An order's facts about money, and all else of it ready for the model."""

    items: Sequence[Item]
    currency: str
    total: Money | None
    total_node: Node
    state: ChannelState
    rest: Mapping[str, Any]

    @property
    def included(self) -> bool:
        return self.currency in TAX_INCLUDED


def assemble(facts: Facts) -> Order:
    """The canonical order whose totals add up. Raises `SchemaDrift` when no reading makes them do so."""
    for item in facts.items:
        if not item.sheet.priced and item.units.cancelled < item.units.ordered:
            remedy = "The line's price is needed: read the order again with GET /v3/orders/{purchaseOrderId}."
            raise item.node["charges"].drift("missing", remedy)
    if facts.total is None:
        return _build(facts, Reading())
    for reading in _readings(facts):
        order = _build(facts, reading)
        if not order.totals.difference:
            return order
    if facts.state is ChannelState.CANCELLED:
        # The charges of cancelled lines are 0, while the summary may tell of what was ordered.
        return _build(Facts(facts.items, facts.currency, None, facts.total_node, facts.state, facts.rest), Reading())
    raise _unbalanced(facts)


def _readings(facts: Facts) -> Iterator[Reading]:
    several = any(item.units.ordered > 1 for item in facts.items)
    beside = (Beside.ALL, Beside.GOODS) if facts.included else (Beside.ALL,)
    taxes = (True,) if facts.included else (True, False)
    return (Reading(*each) for each in product(taxes, (False, True) if several else (False,), beside))


def _build(facts: Facts, reading: Reading) -> Order:
    sheets = [_sheet(item, reading) for item in facts.items]
    pairs = list(zip(facts.items, sheets, strict=True))
    lines = tuple(_line(item, sheet, facts, reading) for item, sheet in pairs)
    charges = tuple(
        charge
        for item, sheet in pairs
        if reading.beside is Beside.ALL
        for charge in charge_lines(sheet, item.line_id, with_taxes=reading.taxes, included=facts.included)
    )
    rest = {**facts.rest, "extras": {**facts.rest["extras"], **_left_out(facts, sheets, reading)}}
    none = Money.zero(facts.currency)
    order = Order(lines=lines, charges=charges, total=facts.total or none, state=facts.state, **rest)
    return order if facts.total is not None else order.model_copy(update={"total": order.totals.computed})


def _sheet(item: Item, reading: Reading) -> Sheet:
    return item.sheet.times(item.units.ordered) if reading.per_unit else item.sheet


def _line(item: Item, sheet: Sheet, facts: Facts, reading: Reading) -> OrderLine:
    taxes = sheet.goods_taxes() if reading.taxes else []
    goods = sheet.goods(item.units.ordered)
    return OrderLine(
        line_id=item.line_id,
        sku=item.sku,
        title=item.title,
        quantity=item.units.ordered,
        unit_price=sheet.unit_price or _unit_price(goods, item.units),
        goods=goods,
        discounts=sheet.discounts(on_shipping=False) if reading.beside is Beside.ALL else (),
        taxes=tax_lines(taxes, facts.currency, included=facts.included),
        cancelled=item.units.cancelled,
        shipped=item.units.shipped,
    )


def _unit_price(goods: Money, units: Units) -> Money | None:
    """None where it does not divide, and once units are cancelled: their price is taken off the line's."""
    if units.cancelled or not goods:
        return None
    smallest = int(goods.amount / minor_unit(goods.currency))
    return Money.of(goods.amount / units.ordered, goods.currency) if smallest % units.ordered == 0 else None


def _left_out(facts: Facts, sheets: Sequence[Sheet], reading: Reading) -> dict[str, str]:
    """What is stated, and is not part of the stated total."""
    sums: dict[str, Money] = {}
    if not reading.taxes:
        parts = [tax for sheet in sheets for stated in sheet.stated for tax in stated.taxes]
        sums["tax_outside_total"] = Money.total(parts, facts.currency)
    if reading.beside is Beside.GOODS:
        extra = [stated.amount for sheet in sheets for stated in sheet.extra()]
        off = [stated.amount for sheet in sheets for stated in sheet.stated if stated.lowers]
        sums["charges_outside_total"] = Money.total(extra, facts.currency)
        sums["discounts_outside_total"] = Money.total(off, facts.currency)
    return {name: str(amount) for name, amount in sums.items() if amount}


def _unbalanced(facts: Facts) -> SchemaDrift:
    totals = _build(facts, Reading()).totals
    stated = f"stated {totals.total}, computed {totals.computed}"
    parts = (
        f"goods {totals.goods.amount} - discounts {totals.discounts.amount} + shipping {totals.shipping.amount} "
        f"+ other {totals.other.amount} + tax {(totals.seller_tax + totals.channel_tax).amount}"
    )
    remedy = f"Computed from {parts}; read in no other way does it add up. Compare the order in Seller Center."
    return SchemaDrift("totals_differ", facts.total_node.path, stated, remedy)
