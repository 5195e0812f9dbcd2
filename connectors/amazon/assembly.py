"""From stated facts to a canonical order: the amounts are read in the one way in which they add up to the stated total.

Amazon does not say whether prices contain tax (EU, UK, JP) or not (US), nor whether the price of a partly cancelled
item is the ordered or the remaining quantity's. The numbers do: the first reading that adds up is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any

from connectors.amazon.node import Node
from connectors.amazon.sheet import CHARGE_KINDS, DISCOUNT, DISCOUNT_TAX, ITEM, TAX, Sheet
from connectors.errors import SchemaDrift
from models.money import Money
from models.order import ChannelState, Charge, ChargeKind, Discount, Order, OrderLine, Remitter, Tax

TAX_EXCLUSIVE = frozenset({"ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"})
"""US and Canada, where the price that a buyer sees is without tax."""


class TaxReading(Enum):
    ADDED = "the total is prices plus tax"
    OUTSIDE = "the total is prices without the tax that Amazon collects beside it"
    INCLUDED = "the prices contain the tax"


@dataclass(frozen=True)
class Reading:
    tax: TaxReading
    discount_tax: bool
    """The tax on discounts is to be taken off the tax."""
    remaining: bool
    """A line's price that is not stated is that of the quantity left after cancellation."""


@dataclass(frozen=True)
class Item:
    """One order item's facts, in our words."""

    node: Node
    line_id: str
    sku: str
    title: str
    ordered: int
    shipped: int
    cancelled: int
    unit_price: Money | None
    sheet: Sheet
    stated_total: Money | None
    remitter: Remitter
    promotion: str | None
    price_path: str
    """Where the price stands, or should."""

    @property
    def priced(self) -> bool:
        return ITEM in self.sheet.totals or self.unit_price is not None or self.lump is not None

    @property
    def lump(self) -> Money | None:
        """The item's total, where it is all that is stated."""
        return self.stated_total if not self.sheet.totals else None

    def goods(self, reading: Reading) -> Money:
        if ITEM in self.sheet.totals:
            return self.sheet.of(ITEM)
        if self.unit_price is not None:
            return self.unit_price * (self.ordered - self.cancelled if reading.remaining else self.ordered)
        return self.lump or Money.zero(self.sheet.currency)


@dataclass(frozen=True)
class Facts:
    """An order's facts about money, and all else of it ready for the model."""

    items: Sequence[Item]
    sheet: Sheet
    """What the order states beside its items."""
    total: Money | None
    total_node: Node
    state: ChannelState
    region: str
    rest: Mapping[str, Any]


def assemble(facts: Facts) -> Order:
    """The canonical order whose totals add up. Raises `SchemaDrift` when no reading makes them do so."""
    _require_distinct(facts.items)
    for reading in _readings(facts):
        order = _build(facts, reading)
        if not order.totals.difference:
            return order
    if facts.state is ChannelState.CANCELLED and not facts.total:
        return _nothing_to_pay(facts)
    raise _unbalanced(facts)


def _require_distinct(items: Sequence[Item]) -> None:
    seen: set[str] = set()
    for item in items:
        if item.line_id in seen:
            raise item.node.drift("duplicate", f"Two items of the order have the id {item.line_id}: read it again.")
        seen.add(item.line_id)


def _readings(facts: Facts) -> Iterator[Reading]:
    outside = (TaxReading.OUTSIDE,) if facts.region in TAX_EXCLUSIVE else ()
    taxes = (TaxReading.ADDED, *outside, TaxReading.INCLUDED)
    discount_taxes = (True, False) if any(item.sheet.of(DISCOUNT_TAX) for item in facts.items) else (False,)
    remaining = (False, True) if any(item.cancelled for item in facts.items) else (False,)
    return (Reading(tax, discount, rest) for rest, discount, tax in product(remaining, discount_taxes, taxes))


def _build(facts: Facts, reading: Reading) -> Order:
    lines = tuple(_line(item, reading) for item in facts.items)
    charges = tuple(charge for item in facts.items for charge in _item_charges(item, reading))
    whole = (*charges, *_order_charges(facts, reading))
    total = facts.total if facts.total is not None else _sum_of_items(facts)
    rest = dict(facts.rest)
    if reading.tax is TaxReading.OUTSIDE:
        rest["extras"] = {**rest["extras"], "tax_outside_total": str(_channel_tax(facts))}
    return Order(lines=lines, charges=whole, total=total, state=facts.state, region=facts.region, **rest)


def _line(item: Item, reading: Reading) -> OrderLine:
    return OrderLine(
        line_id=item.line_id,
        sku=item.sku,
        title=item.title,
        quantity=item.ordered,
        unit_price=item.unit_price,
        goods=item.goods(reading),
        discounts=_discounts(item, ITEM),
        taxes=_taxes(item, ITEM, reading),
        cancelled=item.cancelled,
        shipped=item.shipped,
    )


def _item_charges(item: Item, reading: Reading) -> Iterator[Charge]:
    for kind in item.sheet.charges:
        discounts, taxes = _discounts(item, kind), _taxes(item, kind, reading)
        if item.sheet.of(kind) or discounts or taxes:
            yield Charge(
                kind=CHARGE_KINDS.get(kind, ChargeKind.OTHER),
                amount=item.sheet.of(kind),
                line_id=item.line_id,
                label=kind,
                discounts=discounts,
                taxes=taxes,
            )


def _discounts(item: Item, on: str) -> tuple[Discount, ...]:
    amount = item.sheet.split(DISCOUNT).get(on)
    return (Discount(amount=amount, code=item.promotion),) if amount else ()


def _taxes(item: Item, on: str, reading: Reading) -> tuple[Tax, ...]:
    amount = item.sheet.split(TAX).get(on)
    relief = item.sheet.split(DISCOUNT_TAX).get(on) if reading.discount_tax else None
    if amount is not None and relief is not None:
        amount = amount - relief
    if not amount or (reading.tax is TaxReading.OUTSIDE and item.remitter is Remitter.CHANNEL):
        return ()
    return (Tax(amount=amount, remitter=item.remitter, included=reading.tax is TaxReading.INCLUDED),)


def _order_charges(facts: Facts, reading: Reading) -> Iterator[Charge]:
    """What the order states of a type beyond its items: tips always, the rest where items do not state it."""
    none = Money.zero(facts.sheet.currency)
    for kind in facts.sheet.totals:
        uncovered = facts.sheet.of(kind) - Money.total((item.sheet.of(kind) for item in facts.items), none.currency)
        if kind == ITEM or uncovered.amount <= 0:
            continue
        if kind == DISCOUNT:
            yield Charge(kind=ChargeKind.OTHER, amount=none, label=kind, discounts=(Discount(amount=uncovered),))
        elif kind == TAX:
            if taxes := _order_taxes(facts, uncovered, reading):
                yield Charge(kind=ChargeKind.OTHER, amount=none, label=kind, taxes=taxes)
        else:
            yield Charge(kind=CHARGE_KINDS.get(kind, ChargeKind.OTHER), amount=uncovered, label=kind)


def _order_taxes(facts: Facts, amount: Money, reading: Reading) -> tuple[Tax, ...]:
    by_channel = all(item.remitter is Remitter.CHANNEL for item in facts.items)
    if by_channel and reading.tax is TaxReading.OUTSIDE:
        return ()
    remitter = Remitter.CHANNEL if by_channel else Remitter.SELLER
    return (Tax(amount=amount, remitter=remitter, included=reading.tax is TaxReading.INCLUDED),)


def _channel_tax(facts: Facts) -> Money:
    taxes = (item.sheet.of(TAX) for item in facts.items if item.remitter is Remitter.CHANNEL)
    return Money.total(taxes, facts.sheet.currency)


def _sum_of_items(facts: Facts) -> Money:
    """The total of an order that states none, from its items' totals and its tip. Raises `SchemaDrift` without them."""
    totals = [item.stated_total for item in facts.items if item.stated_total is not None]
    if len(totals) < len(facts.items):
        if facts.state is ChannelState.CANCELLED:
            return Money.zero(facts.sheet.currency)
        raise facts.total_node.drift("missing", "The order's total is needed: read the order with its proceeds.")
    return Money.total([*totals, facts.sheet.of("DELIVERY_TIP")], facts.sheet.currency)


def _nothing_to_pay(facts: Facts) -> Order:
    """A cancelled order that costs nothing any more: its items stay, their prices do not count."""
    none = Money.zero(facts.sheet.currency)
    lines = tuple(
        OrderLine(
            line_id=item.line_id,
            sku=item.sku,
            title=item.title,
            quantity=item.ordered,
            unit_price=item.unit_price,
            goods=none,
            cancelled=item.cancelled,
            shipped=item.shipped,
        )
        for item in facts.items
    )
    return Order(lines=lines, total=none, state=facts.state, region=facts.region, **facts.rest)


def _unbalanced(facts: Facts) -> SchemaDrift:
    unpriced = next((item for item in facts.items if not item.priced), None)
    if unpriced:
        remedy = "The item's price is needed: read the order with its proceeds."
        return SchemaDrift("missing", unpriced.price_path, None, remedy)
    totals = _build(facts, next(_readings(facts))).totals
    stated = f"stated {totals.total}, computed {totals.computed}"
    parts = (
        f"goods {totals.goods.amount} - discounts {totals.discounts.amount} + shipping {totals.shipping.amount} "
        f"+ other {totals.other.amount} + tax {(totals.seller_tax + totals.channel_tax).amount}"
    )
    remedy = f"Computed from {parts}; neither with nor without tax does it add up. Compare the order in Seller Central."
    return SchemaDrift("totals_differ", facts.total_node.path, stated, remedy)
