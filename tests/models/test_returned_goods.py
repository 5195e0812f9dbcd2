"""Pieces that came back: whole units only when everything is there, nothing counted twice, nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import ComponentLine
from models.money import Money
from models.order import OrderKey
from models.return_policy import objection, units_on_channel, wanted_of
from models.return_process import ReturnFacts, ReturnFile, ReturnOrigin
from models.returned_goods import GoodsBack, sorted_in
from models.returns import ChannelReturn, ReturnLine, ReturnState
from models.systems import Condition, ReturnedItem
from tests.models.test_refunds import KEY, three_mats

WINDOW = timedelta(days=30)
FREE = Money.zero("EUR")


def part(line_id: str, item: str, per_unit: int, units: int) -> ComponentLine:
    return ComponentLine(line_id=line_id, item=item, per_unit=per_unit, quantity=per_unit * units, amount=FREE)


SET = (part("1", "TENT", 1, 2), part("1", "LAMP", 3, 2), part("2", "LAMP", 1, 4))
"""Two sets of a tent and three lamps, and four lamps alone."""


def piece(
    item: str, quantity: int = 1, condition: Condition = Condition.RESELL, line: str | None = None
) -> ReturnedItem:
    return ReturnedItem(item=item, quantity=quantity, condition=condition, line_id=line)


def test_a_bundle_counts_once_all_of_its_pieces_are_there() -> None:
    goods, _, _ = sorted_in(GoodsBack(), [piece("TENT"), piece("LAMP", 2)], SET, ["1"])
    assert (goods.units(SET), goods.loose(SET)) == ({}, {"1/TENT": 1, "1/LAMP": 2})
    goods, placed, strange = sorted_in(goods, [piece("LAMP", 2, Condition.SCRAP)], SET, ["1"])
    assert (goods.units(SET), goods.loose(SET)) == ({"1": 1}, {"1/LAMP": 1})
    assert ([each.line_id for each in placed], strange) == (["1"], ())


def test_what_is_expected_back_comes_first_and_the_rest_goes_to_other_lines() -> None:
    goods, placed, strange = sorted_in(GoodsBack(), [piece("LAMP", 12)], SET, ["2"])
    assert [(each.line_id, each.quantity) for each in placed] == [("2", 4), ("1", 6)]
    assert [(each.item, each.quantity) for each in strange] == [("LAMP", 2)]
    assert goods.units(SET) == {"2": 4}


def test_rejected_pieces_are_not_waited_for_and_not_counted() -> None:
    goods, _, _ = sorted_in(GoodsBack(), [piece("LAMP", 1, Condition.REJECT), piece("LAMP", 3)], SET, ["2"])
    assert (goods.units(SET), goods.units_seen(SET)["2"]) == ({"2": 3}, 4)


def test_an_item_that_names_its_line_goes_there_and_nowhere_else() -> None:
    _, placed, strange = sorted_in(GoodsBack(), [piece("LAMP", 5, line="2"), piece("MAT")], SET, [])
    assert [(each.line_id, each.quantity) for each in placed] == [("2", 4)]
    assert [(each.item, each.quantity) for each in strange] == [("LAMP", 1), ("MAT", 1)]


@given(st.lists(st.tuples(st.sampled_from(["TENT", "LAMP", "MAT"]), st.integers(1, 4), st.sampled_from(Condition))))
def test_however_parcels_come_no_piece_is_lost_or_counted_beyond_what_was_sold(
    parcels: list[tuple[str, int, Condition]],
) -> None:
    goods, strange_pieces = GoodsBack(), 0
    for item, quantity, condition in parcels:
        goods, placed, strange = sorted_in(goods, [piece(item, quantity, condition)], SET, ["1"])
        assert sum(each.quantity for each in (*placed, *strange)) == quantity
        strange_pieces += sum(each.quantity for each in strange)
    counted = sum(goods.accepted.values()) + sum(goods.rejected.values())
    assert counted + strange_pieces == sum(quantity for _, quantity, _ in parcels)
    for each in SET:
        name = f"{each.line_id}/{each.item}"
        assert goods.accepted.get(name, 0) + goods.rejected.get(name, 0) <= each.quantity
    assert all(units <= {"1": 2, "2": 4}[line_id] for line_id, units in goods.units(SET).items())


def asked_at(moment: datetime, **wanted: int) -> ReturnFile:
    return ReturnFile(
        channel="shopify",
        account="main",
        return_id="R",
        order_key=KEY,
        correlation_id="c",
        origin=ReturnOrigin.CHANNEL,
        requested_at=moment,
        wanted={"L1": 1, **wanted},
    )


@pytest.mark.parametrize(
    "sent_at",
    [
        datetime(2026, 11, 20, 9, tzinfo=UTC),
        datetime(2026, 12, 15, 23, 59, 59, tzinfo=UTC),  # over the end of the year
        datetime(2026, 10, 10, 0, 30, tzinfo=UTC),  # over the end of daylight saving
        datetime(2028, 2, 10, tzinfo=UTC),  # over a leap day
    ],
)
def test_the_return_window_ends_at_its_edge(sent_at: datetime) -> None:
    facts = ReturnFacts(order=three_mats(), sent={"L1": 3}, sent_at=sent_at)
    assert objection(asked_at(sent_at + WINDOW), facts, WINDOW) is None
    late = objection(asked_at(sent_at + WINDOW + timedelta(microseconds=1)), facts, WINDOW)
    assert late is not None
    assert "the return window of 30 days is over" in late


def test_the_policy_says_what_it_objects_to() -> None:
    sent = datetime(2026, 11, 20, tzinfo=UTC)
    facts = ReturnFacts(order=three_mats(), sent={"L1": 3}, sent_at=sent)
    assert "4 units are to come back, 3 were sent" in str(objection(asked_at(sent, L1=4), facts, WINDOW))
    assert "no order is known" in str(objection(asked_at(sent), ReturnFacts(), WINDOW))
    never = facts.model_copy(update={"sent_at": None})
    assert "nobody knows when it was sent" in str(objection(asked_at(sent), never, WINDOW))
    nothing = asked_at(sent).model_copy(update={"wanted": {}})
    assert "names no line of the order" in str(objection(nothing, facts, WINDOW))


def test_units_are_named_as_the_channel_names_them_also_by_sku() -> None:
    told = ChannelReturn(
        return_id="R",
        order_key=OrderKey(channel="amazon", account="EU", external_id="1"),
        version=datetime(2026, 11, 20, tzinfo=UTC),
        state=ReturnState.REQUESTED,
        lines=(
            ReturnLine(return_line_id="a", sku="MAT", quantity=1),
            ReturnLine(return_line_id="b", line_id="L1", quantity=2),
        ),
    )
    order = three_mats()
    assert wanted_of(told, order) == {"L1": 3}
    assert units_on_channel(told, order, {"L1": 2}) == {"a": 1, "b": 1}
    assert units_on_channel(told, None, {"L1": 2}) == {"b": 2}
