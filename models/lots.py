"""What of an order belongs together: so many units of a line, each made of the same items."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.fulfilment import PickLine


@dataclass(frozen=True)
class Lot:
    """`units` sets of the items in `recipe`. A set is taken from one node, unless the rules let bundles be split."""

    line_id: str
    recipe: Mapping[str, int]
    units: int

    @property
    def total(self) -> dict[str, int]:
        return {item: quantity * self.units for item, quantity in self.recipe.items()}


def lots_of(picks: Iterable[PickLine]) -> list[Lot]:
    """The picks as sets. What is no whole set any more, after a short pick, is shipped by itself.

    Of a bundle of one tent and one stove, one tent and two stoves are left: a set of both, and a stove.
    """
    lines: dict[str, dict[str, Counter[str]]] = {}
    for pick in picks:
        wanted = lines.setdefault(pick.line_id, {}).setdefault(pick.item, Counter())
        wanted["quantity"] += pick.quantity
        wanted["per_unit"] = max(wanted["per_unit"], pick.per_unit)
    found = [lot for line_id, items in lines.items() for lot in _lots_of_line(line_id, items)]
    # Sets of several items choose first, since only for them it matters where things lie together.
    return sorted(found, key=lambda lot: -len(lot.recipe))


def _lots_of_line(line_id: str, items: Mapping[str, Mapping[str, int]]) -> Iterable[Lot]:
    per_unit = {item: wanted["per_unit"] for item, wanted in items.items()}
    whole = {item: wanted["quantity"] // wanted["per_unit"] for item, wanted in items.items()}
    while present := {item: per_unit[item] for item, units in whole.items() if units}:
        units = min(whole[item] for item in present)
        yield Lot(line_id, present, units)
        whole = {item: whole[item] - units if item in present else 0 for item in whole}
    for item, wanted in items.items():
        if loose := wanted["quantity"] % per_unit[item]:
            yield Lot(line_id, {item: loose}, 1)


def per_units(picks: Iterable[PickLine]) -> dict[tuple[str, str], int]:
    """(line, item) -> units of the item in one unit of the line."""
    found: Counter[tuple[str, str]] = Counter()
    for pick in picks:
        found[pick.line_id, pick.item] = max(found[pick.line_id, pick.item], pick.per_unit)
    return dict(found)


def as_picks(taken: Mapping[tuple[str, str], int], asked: Iterable[PickLine]) -> tuple[PickLine, ...]:
    """(line, item) -> units as pick lines, in the order of the request."""
    return tuple(
        PickLine(line_id=line_id, item=item, per_unit=per_unit, quantity=taken[line_id, item])
        for (line_id, item), per_unit in per_units(asked).items()
        if taken.get((line_id, item))
    )
