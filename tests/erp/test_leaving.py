"""Where goods leave from, and on which line of the sales order they are booked."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from connectors.erp.leaving import Load, OrderedItem, beyond_order, completed, held_at, loads
from models.fulfilment import ConfirmedParcel
from models.order import OrderKey

KEY = OrderKey(channel="amazon", account="EU-DE", external_id="302-1")
TENT, STOVE = 11, 22
NODES = ("BER-1", "LEJ-2")


def item(number: int, line: str, product: int, ordered: int, *, per_unit: int = 1, gone: int = 0) -> OrderedItem:
    return OrderedItem(number, line, product, per_unit, ordered, gone)


def parcel(units: dict[str, int]) -> ConfirmedParcel:
    return ConfirmedParcel(
        order_key=KEY,
        correlation_id="c",
        shipment_id="P1",
        package_number=1,
        carrier="DHL",
        tracking="T1",
        shipped_at=datetime(2026, 11, 20, tzinfo=UTC),
        units=units,
    )


def test_an_items_units_are_booked_on_the_line_that_they_complete_before_another_with_the_same_item() -> None:
    alone, in_set = item(1, "L1", TENT, 3), item(2, "L2", TENT, 2)
    found = loads((alone, in_set), {"L2": 2}, {("BER-1", TENT): 1, ("LEJ-2", TENT): 2})
    assert found == {"BER-1": [Load(2, TENT, 1)], "LEJ-2": [Load(2, TENT, 1), Load(1, TENT, 1)]}


def test_goods_beyond_the_order_and_goods_that_it_does_not_name_leave_without_a_line() -> None:
    found = loads((item(1, "L1", TENT, 1, gone=1),), {}, {("BER-1", TENT): 1, ("BER-1", STOVE): 2})
    assert found == {"BER-1": [Load(None, TENT, 1), Load(None, STOVE, 2)]}


def test_a_part_that_left_ahead_does_not_count_as_a_unit_too_many() -> None:
    bundle = (item(1, "L1", TENT, 2, gone=2), item(2, "L1", STOVE, 2, gone=1))
    assert not beyond_order(bundle, {"L1": 1})
    assert beyond_order(bundle, {"L1": 2}) == "1 of 2 units of line L1 have left, and 2 more"


def test_a_parcel_that_names_no_goods_is_made_of_its_units() -> None:
    bundle = (item(1, "L1", TENT, 2), item(2, "L1", STOVE, 6, per_unit=3), item(3, "L2", TENT, 1))
    assert completed(bundle, parcel({"L1": 2}), "channel") == {("channel", TENT): 2, ("channel", STOVE): 6}


def test_goods_of_a_channel_stand_where_the_most_exact_entry_says_or_nowhere() -> None:
    known = {"amazon/EU-DE": "FBA-DE", "amazon": "FBA", "*": "channel"}
    us, shop = OrderKey(channel="amazon", account="US-1", external_id="1"), OrderKey.from_string("shopify/a/1")
    assert [held_at(known, key) for key in (KEY, us, shop)] == ["FBA-DE", "FBA", "channel"]
    assert held_at({"amazon": "FBA"}, shop) == ""


@given(
    st.lists(st.tuples(st.sampled_from(("L1", "L2")), st.sampled_from((TENT, STOVE)), st.integers(0, 6)), max_size=4),
    st.dictionaries(st.sampled_from(("L1", "L2")), st.integers(1, 4)),
    st.dictionaries(st.tuples(st.sampled_from(NODES), st.sampled_from((TENT, STOVE))), st.integers(1, 9)),
)
def test_all_goods_leave_their_own_node_and_no_line_sends_out_more_than_it_has(
    lines: list[tuple[str, int, int]], units: dict[str, int], goods: dict[tuple[str, int], int]
) -> None:
    items = [item(number, line, product, ordered) for number, (line, product, ordered) in enumerate(lines, 1)]
    found = loads(items, units, goods)
    left: Counter[tuple[str, int]] = Counter()
    taken: Counter[int] = Counter()
    for node, leaving in found.items():
        for load in leaving:
            left[node, load.product] += load.units
            if load.line is not None:
                assert items[load.line - 1].product == load.product
                taken[load.line] += load.units
    assert left == Counter(goods)
    assert all(taken[each.id] <= each.ordered for each in items)
