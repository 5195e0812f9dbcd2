"""Where the goods of an order are: counted in items at nodes, and from there in units of the order's lines.

Nothing here is stored twice. What a line's quantities are follows from what was cancelled, what left without us, and
what each fulfilment was told and did; so they add up by construction, also for a bundle whose parts leave at different
times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.catalogue import ComponentLine
from models.fulfilment import PickLine
from models.order import Order
from models.quantities import LineQuantities, QuantityError, QuantityLedger

Items = Counter[tuple[str, str]]
"""(order line, item) -> units of the item."""


class Stage(StrEnum):
    """How far a fulfilment has come."""

    PLANNED = "planned"
    """Reserved at its node; the warehouse does not know of it."""
    RELEASED = "released"
    """The warehouse was told; only its answer can take it back."""
    ENDED = "ended"
    """Everything that it will ever ship has left."""


class FulfilmentPart(Model):
    """One node's part of an order, and how far it is."""

    fulfilment_id: str
    number: int = Field(ge=1)
    """Which fulfilment of the order this is, from 1: routing again makes a new one."""
    node: str
    entity: str = ""
    picks: tuple[PickLine, ...]
    """What it is to ship; fewer once it was stopped, or fell short."""
    stage: Stage = Stage.PLANNED
    shipped: dict[str, int] = Field(default_factory=dict)
    """`line|item` -> units of the item that have left."""
    parcels: int = 0
    released_at: Moment | None = None

    @property
    def remaining(self) -> tuple[PickLine, ...]:
        """What it still has to ship."""
        left = ((pick, pick.quantity - self.shipped.get(place(pick), 0)) for pick in self.picks)
        return tuple(pick.model_copy(update={"quantity": units}) for pick, units in left if units > 0)

    @property
    def complete(self) -> bool:
        return not self.remaining

    def with_parcel(self, picks: Sequence[PickLine]) -> FulfilmentPart:
        shipped = Counter(self.shipped)
        for pick in picks:
            shipped[place(pick)] += pick.quantity
        return self.model_copy(update={"shipped": dict(shipped), "parcels": self.parcels + 1})

    def without(self, picks: Iterable[PickLine]) -> FulfilmentPart:
        """The part that no longer has to ship these; a pick of which nothing remains is left out."""
        dropped = Counter[str]()
        for pick in picks:
            dropped[place(pick)] += pick.quantity
        kept: list[PickLine] = []
        for pick in self.picks:
            less = min(dropped[place(pick)], pick.quantity - self.shipped.get(place(pick), 0))
            dropped[place(pick)] -= less
            if left := pick.quantity - less:
                kept.append(pick.model_copy(update={"quantity": left}))
        return self.model_copy(update={"picks": tuple(kept)})

    def moved_to(self, stage: Stage, at: Moment | None = None) -> FulfilmentPart:
        return self.model_copy(update={"stage": stage, "released_at": at or self.released_at})


class Counted(Model):
    """What is known of an order's units beside its fulfilments. All are line id -> units."""

    cancelled: dict[str, int] = Field(default_factory=dict)
    elsewhere: dict[str, int] = Field(default_factory=dict)
    """Left without us: the channel shipped them, somebody did by hand, or there is nothing to ship."""
    delivered: dict[str, int] = Field(default_factory=dict)
    returned: dict[str, int] = Field(default_factory=dict)
    goodwill: dict[str, int] = Field(default_factory=dict)
    refunded: dict[str, int] = Field(default_factory=dict)

    def plus(self, name: str, units: Mapping[str, int]) -> Counted:
        known: dict[str, int] = getattr(self, name)
        return self.model_copy(update={name: {**known, **{k: known.get(k, 0) + n for k, n in units.items()}}})


class Goods(Model):
    """An order's goods at one moment."""

    ordered: dict[str, int]
    """Line id -> units as the channel sold them."""
    components: tuple[ComponentLine, ...] = ()
    counted: Counted = Counted()
    parts: tuple[FulfilmentPart, ...] = ()

    @classmethod
    def of(
        cls, order: Order, components: Sequence[ComponentLine], counted: Counted, parts: Sequence[FulfilmentPart]
    ) -> Goods:
        ordered = {line.line_id: line.quantity for line in order.lines}
        return cls(ordered=ordered, components=tuple(components), counted=counted, parts=tuple(parts))

    def wanted(self, line_id: str) -> int:
        """Units of a line that our nodes are to ship, or have shipped."""
        counted = self.counted
        return self.ordered[line_id] - counted.cancelled.get(line_id, 0) - counted.elsewhere.get(line_id, 0)

    def quantities(self) -> QuantityLedger:
        return QuantityLedger(lines={name: self._line(name) for name in self.ordered})

    def needs(self, held_back: Iterable[str] = ()) -> tuple[PickLine, ...]:
        """Items that are to be shipped and that no fulfilment has; lines that are `held_back` need nothing now."""
        at_nodes = self._items(Stage.PLANNED) + self._items(Stage.RELEASED) + self._left
        waiting = set(held_back)
        found: list[PickLine] = []
        for part in self._recipe():
            missing = part.per_unit * self.wanted(part.line_id) - at_nodes[part.line_id, part.item]
            if missing > 0 and part.line_id not in waiting:
                found.append(part.model_copy(update={"quantity": missing}))
        return tuple(found)

    def untouched(self, line_id: str) -> int:
        """Units of a line of which nothing has left and nothing is released."""
        gone = self._left + self._items(Stage.RELEASED)
        recipe = [part for part in self._recipe() if part.line_id == line_id]
        begun = max((-(-gone[line_id, part.item] // part.per_unit) for part in recipe), default=0)
        return max(self.wanted(line_id) - begun, 0)

    def surplus(self, stage: Stage) -> tuple[tuple[FulfilmentPart, tuple[PickLine, ...]], ...]:
        """What fulfilments of a stage have beyond what is wanted, the latest fulfilment first."""
        excess = self._items(Stage.PLANNED) + self._items(Stage.RELEASED) + self._left
        for part in self._recipe():
            excess[part.line_id, part.item] -= part.per_unit * max(self.wanted(part.line_id), 0)
        found: list[tuple[FulfilmentPart, tuple[PickLine, ...]]] = []
        for fulfilment in sorted(self.parts, key=lambda each: -each.number):
            if fulfilment.stage is stage and (picks := _taken(fulfilment.remaining, excess)):
                found.append((fulfilment, picks))
        return tuple(found)

    def completed_by(self, before: Goods) -> dict[str, int]:
        """Line id -> units that have left as a whole since `before`."""
        done = {name: self._shipped_units(name) - before._shipped_units(name) for name in self.ordered}
        return {name: units for name, units in done.items() if units > 0}

    @property
    def unfinished(self) -> int:
        """Units that are neither gone nor cancelled."""
        return sum(line.unfinished for line in self.quantities().lines.values())

    @property
    def anything_left(self) -> bool:
        """True when any item of the order has left."""
        return bool(+self._left) or any(self.counted.elsewhere.values())

    def _line(self, name: str) -> LineQuantities:
        left, released = self._left, self._items(Stage.RELEASED)
        planned = self._items(Stage.PLANNED)
        shipped = self._sets(name, left)
        with_released = self._sets(name, left + released)
        with_planned = self._sets(name, left + released + planned)
        counted, wanted = self.counted, self.wanted(name)
        if wanted < 0:
            gone = f"{counted.cancelled.get(name, 0)} cancelled and {counted.elsewhere.get(name, 0)} shipped elsewhere"
            raise QuantityError(f"line {name}: {gone} are more than the {self.ordered[name]} ordered")
        return LineQuantities.counted(
            ordered=self.ordered[name],
            open=wanted - with_planned,
            reserved=with_planned - with_released,
            released=with_released - shipped,
            shipped=shipped + counted.elsewhere.get(name, 0),
            cancelled=counted.cancelled.get(name, 0),
            delivered=counted.delivered.get(name, 0),
            returned=counted.returned.get(name, 0),
            goodwill=counted.goodwill.get(name, 0),
            refunded=counted.refunded.get(name, 0),
        )

    def _shipped_units(self, name: str) -> int:
        return self._sets(name, self._left)

    def _sets(self, name: str, items: Items) -> int:
        """Whole units of a line that these items make, never more than are wanted."""
        recipe = [part for part in self._recipe() if part.line_id == name]
        sets = min((items[name, part.item] // part.per_unit for part in recipe), default=0)
        return min(sets, max(self.wanted(name), 0))

    def _recipe(self) -> tuple[PickLine, ...]:
        """One pick a component; what was sold as one item is its own component."""
        return tuple(
            PickLine(line_id=part.line_id, item=part.item, per_unit=part.per_unit, quantity=part.quantity)
            for part in self.components
        )

    @property
    def _left(self) -> Items:
        left: Items = Counter()
        for part in self.parts:
            for name, units in part.shipped.items():
                line_id, _, item = name.partition("|")
                left[line_id, item] += units
        return left

    def _items(self, stage: Stage) -> Items:
        found: Items = Counter()
        for part in self.parts:
            if part.stage is stage:
                for pick in part.remaining:
                    found[pick.line_id, pick.item] += pick.quantity
        return found


def place(pick: PickLine) -> str:
    """The key under which a fulfilment counts an item of an order line. A line id may hold no `|`."""
    return f"{pick.line_id}|{pick.item}"


def _taken(picks: Iterable[PickLine], excess: Items) -> tuple[PickLine, ...]:
    """As much of the excess as these picks have; it is taken off the excess."""
    found: list[PickLine] = []
    for pick in picks:
        units = min(pick.quantity, max(excess[pick.line_id, pick.item], 0))
        if units:
            excess[pick.line_id, pick.item] -= units
            found.append(pick.model_copy(update={"quantity": units}))
    return tuple(found)
