"""Goods that came back, counted in pieces, and the whole order-line units that they make up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from models.base import Model
from models.catalogue import ComponentLine
from models.systems import Condition, ReturnedItem


class GoodsBack(Model):
    """Pieces of an order that came back so far, by `line id/item`."""

    accepted: dict[str, int] = Field(default_factory=dict)
    rejected: dict[str, int] = Field(default_factory=dict)
    """Not what was sold, or damaged by the buyer: neither restocked nor refunded."""

    def units(self, components: Iterable[ComponentLine]) -> dict[str, int]:
        """Channel line id -> whole units of the line; a bundle counts once all of its pieces are there."""
        return _whole(self.accepted, components)

    def units_seen(self, components: Iterable[ComponentLine]) -> dict[str, int]:
        """Channel line id -> units that need not be waited for any more, rejected ones too."""
        return _whole(Counter(self.accepted) + Counter(self.rejected), components)

    def loose(self, components: Sequence[ComponentLine]) -> dict[str, int]:
        """Accepted pieces by `line id/item` of bundles that are not complete."""
        whole = self.units(components)
        left = {
            piece_of(part): self.accepted.get(piece_of(part), 0) - whole.get(part.line_id, 0) * part.per_unit
            for part in components
        }
        return {name: count for name, count in left.items() if count}


def piece_of(part: ComponentLine) -> str:
    return f"{part.line_id}/{part.item}"


def sorted_in(
    goods: GoodsBack, items: Iterable[ReturnedItem], components: Sequence[ComponentLine], expected: Iterable[str]
) -> tuple[GoodsBack, tuple[ReturnedItem, ...], tuple[ReturnedItem, ...]]:
    """Count items of a parcel: the goods with them, the items with the line they belong to, and those of no line.

    An item that names no line goes to the lines that are expected back first, and to none beyond what was ordered.
    """
    seen = Counter(goods.accepted) + Counter(goods.rejected)
    accepted, rejected = Counter(goods.accepted), Counter(goods.rejected)
    order = [*dict.fromkeys([*expected, *(part.line_id for part in components)])]
    placed: list[ReturnedItem] = []
    strange: list[ReturnedItem] = []
    for item in items:
        left = item.quantity
        for part in sorted(_homes(item, components), key=lambda each: order.index(each.line_id)):
            taken = min(left, part.quantity - seen[piece_of(part)])
            if taken > 0:
                seen[piece_of(part)] += taken
                (rejected if item.condition is Condition.REJECT else accepted)[piece_of(part)] += taken
                placed.append(item.model_copy(update={"line_id": part.line_id, "quantity": taken}))
                left -= taken
        if left:
            strange.append(item.model_copy(update={"quantity": left}))
    return GoodsBack(accepted=dict(accepted), rejected=dict(rejected)), tuple(placed), tuple(strange)


def grown(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """What the second count has more than the first."""
    return dict(Counter(after) - Counter(before))


def _homes(item: ReturnedItem, components: Sequence[ComponentLine]) -> list[ComponentLine]:
    return [part for part in components if part.item == item.item and item.line_id in (None, part.line_id)]


def _whole(pieces: Mapping[str, int], components: Iterable[ComponentLine]) -> dict[str, int]:
    whole: dict[str, int] = {}
    for part in components:
        units = pieces.get(piece_of(part), 0) // part.per_unit
        whole[part.line_id] = min(units, whole.get(part.line_id, units))
    return {line_id: units for line_id, units in whole.items() if units}
