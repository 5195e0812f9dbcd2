"""Quantities follow from what was told and done: they add up in every state that an order can reach."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import ComponentLine
from models.fulfilment import PickLine
from models.goods import Counted, FulfilmentPart, Goods, Stage
from models.money import Money
from models.quantities import QuantityError

NODES = ("BER-1", "LEJ-2")


def component(line_id: str, item: str, per_unit: int, units: int) -> ComponentLine:
    amount = Money.of("1.00", "EUR")
    return ComponentLine(line_id=line_id, item=item, per_unit=per_unit, quantity=per_unit * units, amount=amount)


def pick(quantity: int, line_id: str = "1", item: str = "TENT", per_unit: int = 1) -> PickLine:
    return PickLine(line_id=line_id, item=item, per_unit=per_unit, quantity=quantity)


def a_part(number: int, *picks: PickLine, stage: Stage = Stage.PLANNED, node: str = "BER-1") -> FulfilmentPart:
    return FulfilmentPart(fulfilment_id=f"F{number}", number=number, node=node, picks=picks, stage=stage)


@st.composite
def orders(draw: st.DrawFn) -> Goods:
    """One to three lines; each is one item or a bundle of two, of which a unit has one to three."""
    ordered = {str(number): draw(st.integers(1, 4)) for number in range(1, draw(st.integers(1, 3)) + 1)}
    components = tuple(
        component(name, item, draw(st.integers(1, 3)), units)
        for name, units in ordered.items()
        for item in ("TENT", "LAMP")[: draw(st.integers(1, 2))]
    )
    return Goods(ordered=ordered, components=components)


class Story:
    """What the workflow does with goods, told by hypothesis; every step is one that the workflow has."""

    def __init__(self, goods: Goods, draw: st.DataObject) -> None:
        self.goods, self.draw = goods, draw

    def put(self, *parts: FulfilmentPart, **counted: dict[str, int]) -> None:
        known = {part.number: part for part in (*self.goods.parts, *parts)}
        count = self.goods.counted.model_copy(update=counted)
        self.goods = self.goods.model_copy(update={"parts": tuple(known.values()), "counted": count})

    def at(self, stage: Stage) -> list[FulfilmentPart]:
        return [part for part in self.goods.parts if part.stage is stage]

    def plan(self) -> None:
        """Some of the needs at one node, the rest at another or nowhere."""
        for node in NODES:
            wanted = [(need, self.draw.draw(st.integers(0, need.quantity))) for need in self.goods.needs()]
            picks = tuple(need.model_copy(update={"quantity": units}) for need, units in wanted if units)
            if picks:
                self.put(a_part(len(self.goods.parts) + 1, *picks, node=node))

    def release(self) -> None:
        for part in self.at(Stage.PLANNED):
            if self.draw.draw(st.booleans()):
                self.put(part.moved_to(Stage.RELEASED))

    def ship(self) -> None:
        for part in self.at(Stage.RELEASED):
            units = [(each, self.draw.draw(st.integers(0, each.quantity))) for each in part.remaining]
            picks = [each.model_copy(update={"quantity": count}) for each, count in units if count]
            if picks:
                part = part.with_parcel(picks)
                self.put(part.moved_to(Stage.ENDED) if part.complete else part)

    def fall_short(self) -> None:
        for part in self.at(Stage.RELEASED):
            if self.draw.draw(st.booleans()):
                self.put(part.without(part.remaining).moved_to(Stage.ENDED))

    def stop(self) -> None:
        """As `Requests._stop_part`: what had not left is planned anew at the same node."""
        for part in self.at(Stage.RELEASED):
            if self.draw.draw(st.booleans()):
                rest = part.remaining
                self.put(part.without(rest).moved_to(Stage.ENDED))
                self.put(a_part(len(self.goods.parts) + 1, *rest, node=part.node))

    def cancel(self) -> None:
        """As `Requests._take_off`: units that nobody has begun, out of what is planned."""
        units = {name: self.draw.draw(st.integers(0, self.goods.untouched(name))) for name in self.goods.ordered}
        self.put(cancelled=self.goods.counted.plus("cancelled", units).cancelled)
        for part, picks in self.goods.surplus(Stage.PLANNED):
            rest = part.without(picks)
            self.put(rest if rest.picks else rest.moved_to(Stage.ENDED))

    def leave_elsewhere(self) -> None:
        free = {name: self.goods.quantities()[name].open for name in self.goods.ordered}
        units = {
            name: self.draw.draw(st.integers(0, min(count, self.goods.untouched(name)))) for name, count in free.items()
        }
        self.put(elsewhere=self.goods.counted.plus("elsewhere", units).elsewhere)
        for part, picks in self.goods.surplus(Stage.PLANNED):
            rest = part.without(picks)
            self.put(rest if rest.picks else rest.moved_to(Stage.ENDED))


STEPS = (Story.plan, Story.release, Story.ship, Story.fall_short, Story.stop, Story.cancel, Story.leave_elsewhere)


def items_at(goods: Goods, line_id: str, item: str) -> int:
    """Units of an item that have left or that fulfilments still have."""
    left = sum(part.shipped.get(f"{line_id}|{item}", 0) for part in goods.parts)
    waiting = (each for part in goods.parts if part.stage is not Stage.ENDED for each in part.remaining)
    return left + sum(each.quantity for each in waiting if (each.line_id, each.item) == (line_id, item))


def check(goods: Goods) -> None:
    ledger = goods.quantities()  # Each line's own invariant is checked by its model.
    needs = {(need.line_id, need.item): need.quantity for need in goods.needs()}
    for part in goods.components:
        wanted = part.per_unit * goods.wanted(part.line_id)
        have = items_at(goods, part.line_id, part.item)
        assert have <= wanted
        assert needs.get((part.line_id, part.item), 0) == wanted - have
    assert goods.surplus(Stage.PLANNED) == goods.surplus(Stage.RELEASED) == ()
    for name, line in ledger.lines.items():
        assert goods.untouched(name) <= line.open + line.reserved
    assert goods.unfinished == sum(line.unfinished for line in ledger.lines.values())


@given(orders(), st.lists(st.sampled_from(STEPS), max_size=12), st.data())
def test_quantities_add_up_in_every_state_that_an_order_can_reach(
    goods: Goods, steps: list[object], data: st.DataObject
) -> None:
    story, completed = Story(goods, data), Counter[str]()
    check(goods)
    for step in steps:
        before = story.goods
        step(story)  # type: ignore[operator]
        check(story.goods)
        completed.update(story.goods.completed_by(before))
    shipped_by_us = {
        name: line.shipped - story.goods.counted.elsewhere.get(name, 0)
        for name, line in story.goods.quantities().lines.items()
    }
    assert {name: units for name, units in shipped_by_us.items() if units} == dict(completed)


@given(orders(), st.data())
def test_whatever_is_shipped_in_the_end_is_the_whole_order(goods: Goods, data: st.DataObject) -> None:
    story = Story(goods, data)
    everything = tuple(goods.needs())
    story.put(a_part(1, *everything, stage=Stage.RELEASED))
    while story.goods.unfinished:
        one = data.draw(st.sampled_from(story.goods.parts[0].remaining)).model_copy(update={"quantity": 1})
        story.put(story.goods.parts[0].with_parcel([one]))
    assert all(line.shipped == line.ordered for line in story.goods.quantities().lines.values())
    assert story.goods.parts[0].complete
    assert story.goods.needs() == ()


def a_tent_and_two_lamps(units: int, *parts: FulfilmentPart, **counted: dict[str, int]) -> Goods:
    components = (component("1", "TENT", 1, units), component("1", "LAMP", 2, units))
    return Goods(ordered={"1": units}, components=components, counted=Counted(**counted), parts=parts)


def test_a_bundle_is_shipped_when_all_of_it_has_left_and_begun_when_any_of_it_has() -> None:
    part = a_part(1, pick(2), pick(4, item="LAMP", per_unit=2), stage=Stage.RELEASED)
    before = a_tent_and_two_lamps(2, part)
    tents = part.with_parcel([pick(2)])
    goods = a_tent_and_two_lamps(2, tents)
    assert goods.completed_by(before) == {}
    line = goods.quantities()["1"]
    assert (line.released, line.shipped, goods.untouched("1"), goods.anything_left) == (2, 0, 0, True)
    lamps = tents.with_parcel([pick(3, item="LAMP", per_unit=2)])
    after = a_tent_and_two_lamps(2, lamps)
    assert after.completed_by(goods) == {"1": 1}
    assert [(each.item, each.quantity) for each in lamps.remaining] == [("LAMP", 1)]


def test_surplus_is_taken_from_the_latest_fulfilment_first() -> None:
    first, second = a_part(1, pick(1), node="BER-1"), a_part(2, pick(2), node="LEJ-2")
    goods = Goods(
        ordered={"1": 3},
        components=(component("1", "TENT", 1, 3),),
        parts=(first, second),
        counted=Counted(cancelled={"1": 2}),
    )
    assert goods.surplus(Stage.PLANNED) == ((second, (pick(2),)),)
    assert goods.surplus(Stage.RELEASED) == ()


def test_a_line_that_is_held_back_needs_nothing_now() -> None:
    goods = Goods(ordered={"1": 2, "2": 1}, components=(component("1", "TENT", 1, 2), component("2", "LAMP", 1, 1)))
    assert [need.line_id for need in goods.needs({"1"})] == ["2"]


def test_what_leaves_beyond_what_is_wanted_completes_no_unit() -> None:
    stopped = a_part(1, pick(2), stage=Stage.RELEASED).without([pick(1)])
    goods = Goods(
        ordered={"1": 2},
        components=(component("1", "TENT", 1, 2),),
        parts=(stopped,),
        counted=Counted(cancelled={"1": 1}),
    )
    left = goods.model_copy(update={"parts": (stopped.with_parcel([pick(2)]),)})
    assert left.completed_by(goods) == {"1": 1}
    assert (left.quantities()["1"].shipped, left.quantities()["1"].cancelled) == (1, 1)


def test_more_cannot_be_cancelled_and_gone_than_was_ordered() -> None:
    goods = Goods(ordered={"1": 2}, counted=Counted(cancelled={"1": 1}, elsewhere={"1": 2}))
    with pytest.raises(QuantityError, match="line 1: 1 cancelled and 2 shipped elsewhere are more than the 2 ordered"):
        goods.quantities()


@given(st.integers(1, 5), st.integers(0, 5), st.integers(0, 9))
def test_a_fulfilment_never_gives_up_what_it_has_shipped(quantity: int, shipped: int, dropped: int) -> None:
    shipped = min(shipped, quantity)
    part = a_part(1, pick(quantity), stage=Stage.RELEASED)
    if shipped:
        part = part.with_parcel([pick(shipped)])
    rest = part.without([pick(dropped)] if dropped else [])
    assert sum(each.quantity for each in rest.picks) == max(quantity - dropped, shipped)
    assert sum(each.quantity for each in rest.remaining) == max(quantity - shipped - dropped, 0)
