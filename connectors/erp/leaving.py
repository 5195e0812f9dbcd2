"""Which line of a sales order the goods of a parcel are booked on, and which place they leave from.

A warehouse counts items at nodes, a sales order has lines, and a parcel says which units of the channel's lines it
completes. Goods and units agree over a whole order, not in every parcel: a bundle's tent may have left days before the
stove that completes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from models.fulfilment import ConfirmedParcel
from models.order import OrderKey

ANY = "*"
"""Stands for every channel that has no entry of its own."""
Goods = Mapping[tuple[str, int], int]
"""(node, product) -> items that left; empty when nothing left any warehouse of the books."""


class OrderedItem(NamedTuple):
    """A line of the sales order, of an item."""

    id: int
    line: str
    """The channel's line that it stands for."""
    product: int
    per_unit: int
    ordered: int
    """In items, without cancelled ones."""
    gone: int
    """In items, by other parcels."""


class Load(NamedTuple):
    """Items that leave one place, of one line of the sales order."""

    line: int | None
    """None: more left than the order has, because a warehouse shipped what it had been told to stop."""
    product: int
    units: int


def held_at(warehouses: Mapping[str, str], key: OrderKey) -> str:
    """The warehouse of the books in which goods stand that the channel ships; empty when they stand in none.

    The most exact entry counts: channel account (`amazon/EU-DE`), channel, any.
    """
    asked = (f"{key.channel}/{key.account}", key.channel, ANY)
    return next((warehouses[name] for name in asked if name in warehouses), "")


def completed(items: Iterable[OrderedItem], parcel: ConfirmedParcel, node: str) -> dict[tuple[str, int], int]:
    """The goods of a parcel that says only which units it completes: all from one node."""
    goods: Counter[tuple[str, int]] = Counter()
    for item in items:
        goods[node, item.product] += parcel.units.get(item.line, 0) * item.per_unit
    return dict(+goods)


def beyond_order(items: Sequence[OrderedItem], units: Mapping[str, int]) -> str:
    """A line of which more units would have left than were ordered, in words; empty when there is none.

    A line's units are those of its scarcest item: of a bundle, one part may be ahead.
    """
    for line, count in units.items():
        parts = [item for item in items if item.line == line]
        gone = min((part.gone // part.per_unit for part in parts), default=0)
        ordered = min((part.ordered // part.per_unit for part in parts), default=gone + count)
        if gone + count > ordered:
            return f"{gone} of {ordered} units of line {line} have left, and {count} more"
    return ""


def loads(items: Sequence[OrderedItem], units: Mapping[str, int], goods: Goods) -> dict[str, list[Load]]:
    """Node -> what leaves it: first what completes the parcel's units, then what the order's lines have left."""
    left = {item.id: item.ordered - item.gone for item in items}
    wanted = {item.id: min(left[item.id], units.get(item.line, 0) * item.per_unit) for item in items}
    pending = Counter(goods)
    found: dict[str, Counter[tuple[int | None, int]]] = {node: Counter() for node, _ in goods}
    for room in (wanted, left):
        for (node, product), item in ((place, item) for place in goods for item in items if item.product == place[1]):
            taken = min(pending[node, product], room[item.id], left[item.id])
            if taken > 0:
                found[node][item.id, product] += taken
                pending[node, product] -= taken
                wanted[item.id] -= taken
                left[item.id] -= taken
    for (node, product), rest in (+pending).items():
        found[node][None, product] += rest
    return {node: [Load(line, product, n) for (line, product), n in of.items()] for node, of in found.items()}
