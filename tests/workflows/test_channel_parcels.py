"""What a channel ships beside us: every unit is booked once, whatever the channel shows of its parcels."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.messages import ShipmentRecord
from models.order import ChannelState, FulfilmentSide, Order, OrderLine, Parcel
from models.quantities import Bucket, LineQuantities, QuantityError, QuantityLedger
from tests.models.examples import CONFIRMED, LINE, NOON, ORDER
from workflows.channel_parcels import (
    CHANNEL_NODE,
    cancelled,
    ledger_of,
    progressed,
    record,
    shipped,
    units_to_ship,
    unrecorded,
)

LINE_IDS = ("L1", "L2", "L3")
sides = st.sampled_from(FulfilmentSide)
parcels = st.lists(
    st.builds(
        Parcel,
        parcel_id=st.sampled_from(["P-1", "P-2", "P-3"]),
        quantities=st.dictionaries(st.sampled_from([*LINE_IDS, "L9"]), st.integers(-1, 5), max_size=3),
    ),
    max_size=4,
).map(tuple)


def a_line(line_id: str, quantity: int, **changes: object) -> OrderLine:
    return LINE.model_copy(update={"line_id": line_id, "quantity": quantity, **changes})


@st.composite
def order_lines(draw: st.DrawFn, line_id: str) -> OrderLine:
    cancelled, shipped, open_units = draw(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).filter(any)
    )
    return a_line(
        line_id,
        cancelled + shipped + open_units,
        cancelled=cancelled,
        shipped=shipped,
        needs_shipping=draw(st.booleans()),
    )


@st.composite
def orders(draw: st.DrawFn) -> Order:
    lines = tuple(draw(order_lines(line_id)) for line_id in LINE_IDS[: draw(st.integers(1, 3))])
    return ORDER.model_copy(update={"lines": lines, "parcels": draw(parcels), "fulfilled_by": draw(sides)})


def booked(order: Order, ledger: QuantityLedger, recorded: list[ShipmentRecord]) -> QuantityLedger:
    """Book all parcels that are not booked yet, as the order workflow does."""
    for parcel in unrecorded(order, ledger, recorded):
        ledger = shipped(ledger, parcel.quantities)
        confirmed = CONFIRMED.model_copy(update={"shipment_id": parcel.parcel_id, "units": parcel.quantities})
        recorded.append(record(confirmed, "INV-1"))
    return ledger


def gone(order: Order, line: OrderLine) -> int:
    """Units that have left: what the channel counts, and in a merchant's order all that is never shipped."""
    never_shipped = not line.needs_shipping and order.fulfilled_by is FulfilmentSide.MERCHANT
    return line.quantity - line.cancelled if never_shipped else line.shipped


@given(orders())
def test_at_the_start_every_unit_is_open_cancelled_or_already_on_its_way(order: Order) -> None:
    ledger = ledger_of(order)
    for line in order.lines:
        kept = ledger[line.line_id]
        assert (kept.ordered, kept.open) == (line.quantity, line.open)
        assert (kept.cancelled, kept.released, kept.shipped) == (line.cancelled, line.shipped, 0)


@given(orders())
def test_our_nodes_ship_what_is_open_and_a_thing_unless_the_channel_ships(order: Order) -> None:
    units = units_to_ship(order)
    for line in order.lines:
        ours = line.needs_shipping and order.fulfilled_by is FulfilmentSide.MERCHANT
        assert units.pop(line.line_id, 0) == (line.open if ours else 0)
    assert not units


@given(orders())
def test_each_unit_that_left_without_us_is_booked_exactly_once(order: Order) -> None:
    recorded: list[ShipmentRecord] = []
    ledger = booked(order, ledger_of(order), recorded)
    for line in order.lines:
        assert sum(parcel.units.get(line.line_id, 0) for parcel in recorded) == gone(order, line)
        assert ledger[line.line_id].shipped == gone(order, line)
    assert unrecorded(order, ledger, recorded) == []


@given(st.data())
def test_no_parcel_is_booked_twice_under_one_number_while_the_channel_goes_on(data: st.DataObject) -> None:
    order = data.draw(orders().map(lambda drawn: drawn.model_copy(update={"fulfilled_by": FulfilmentSide.CHANNEL})))
    ledger, recorded = ledger_of(order), list[ShipmentRecord]()
    for _ in range(data.draw(st.integers(1, 4))):
        ledger = booked(order, ledger, recorded)
        further = tuple(
            line.model_copy(update={"shipped": data.draw(st.integers(0, line.quantity))}) for line in order.lines
        )
        order = progressed(order, order.model_copy(update={"lines": further, "parcels": data.draw(parcels)}))
    names = [parcel.shipment_id for parcel in recorded]
    assert len(set(names)) == len(names)
    assert all(parcel.units and min(parcel.units.values()) > 0 for parcel in recorded)


@given(orders(), orders())
def test_news_of_the_channel_never_change_what_was_ordered_nor_take_a_shipped_unit_back(
    known: Order, told: Order
) -> None:
    latest = told.model_copy(update={"version": NOON + timedelta(hours=1), "state": ChannelState.SHIPPED})
    order = progressed(known, latest)
    assert (order.version, order.state, order.parcels) == (latest.version, latest.state, latest.parcels)
    assert [line.model_copy(update={"shipped": 0}) for line in order.lines] == [
        line.model_copy(update={"shipped": 0}) for line in known.lines
    ]
    for before, after in zip(known.lines, order.lines, strict=True):
        assert before.shipped <= after.shipped <= after.quantity - after.cancelled
        if known.fulfilled_by is FulfilmentSide.MERCHANT:
            assert after == before


def test_units_that_the_channel_ships_are_counted_from_its_news() -> None:
    known = ORDER.model_copy(
        update={"fulfilled_by": FulfilmentSide.CHANNEL, "lines": (a_line("L1", 3), a_line("L2", 2))}
    )
    news = known.model_copy(update={"lines": (a_line("L1", 3, shipped=2), a_line("L3", 5, shipped=5))})
    assert [line.shipped for line in progressed(known, news).lines] == [2, 0]


def test_units_without_a_parcel_travel_in_one_that_is_named_after_the_order() -> None:
    lines = (a_line("L1", 3, shipped=3), a_line("L2", 1, shipped=1))
    shown = Parcel(parcel_id="P-1", carrier="DHL", tracking="0034", quantities={"L1": 2})
    order = ORDER.model_copy(update={"lines": lines, "parcels": (shown,)})
    first, rest = unrecorded(order, ledger_of(order), [])
    assert first == shown
    assert (rest.parcel_id, rest.quantities) == (f"{ORDER.key.external_id}-unseen-2", {"L1": 1, "L2": 1})


def test_a_parcel_that_claims_more_than_has_left_is_cut_to_what_has() -> None:
    order = ORDER.model_copy(
        update={
            "lines": (a_line("L1", 3, shipped=1),),
            "parcels": (Parcel(parcel_id="P-1", quantities={"L1": 3, "L9": 1}),),
        }
    )
    assert [parcel.quantities for parcel in unrecorded(order, ledger_of(order), [])] == [{"L1": 1}]


def test_a_service_is_the_buyers_by_its_sale() -> None:
    order = ORDER.model_copy(update={"lines": (a_line("L1", 2, needs_shipping=False, cancelled=1),), "parcels": ()})
    assert [parcel.quantities for parcel in unrecorded(order, ledger_of(order), [])] == [{"L1": 1}]


def test_shipping_takes_released_units_first_then_open_ones_and_never_more_than_there_are() -> None:
    line = LineQuantities(ordered=6, open=2, reserved=1, released=2, cancelled=1)
    ledger = QuantityLedger(lines={"L1": line})
    some = shipped(ledger, {"L1": 3})["L1"]
    assert (some.released, some.open, some.shipped) == (0, 1, 3)
    more = shipped(ledger, {"L1": 99})["L1"]
    assert (more.released, more.open, more.reserved, more.cancelled, more.shipped) == (0, 0, 1, 1, 4)


def test_a_line_that_the_order_does_not_have_is_not_shipped() -> None:
    with pytest.raises(QuantityError, match="no line 'L9'"):
        shipped(ledger_of(ORDER), {"L9": 1})


def test_a_cancellation_takes_everything_that_has_not_left() -> None:
    lines = {
        "L1": LineQuantities(ordered=6, open=1, reserved=1, released=1, shipped=2, cancelled=1),
        "L2": LineQuantities(ordered=1, open=1),
    }
    ledger = cancelled(QuantityLedger(lines=lines))
    assert (ledger["L1"].cancelled, ledger["L1"].shipped, ledger["L2"].cancelled) == (4, 2, 1)
    assert ledger.finished
    assert ledger.total(Bucket.CANCELLED) == 5


def test_a_parcel_of_the_channel_is_recorded_as_confirmed_by_itself() -> None:
    kept = record(CONFIRMED, None)
    assert (kept.node, kept.confirmed, kept.invoice, kept.units) == (CHANNEL_NODE, True, None, CONFIRMED.units)
    assert record(CONFIRMED, "INV-1").invoice == "INV-1"
