"""What a channel ships beside us: every unit is booked once, whatever the channel shows of its parcels."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import ComponentLine
from models.fulfilment import PickLine
from models.goods import Counted, FulfilmentPart, Goods, Stage
from models.messages import ShipmentRecord
from models.order import ChannelState, FulfilmentSide, Order, OrderLine, Parcel
from tests.models.examples import CONFIRMED, LINE, NOON, ORDER, eur
from workflows.channel_parcels import (
    CHANNEL_NODE,
    left_elsewhere,
    lines_to_ship,
    newly_cancelled,
    progressed,
    record,
    shipped_by_hand,
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


def goods_of(order: Order, *parts: FulfilmentPart, elsewhere: dict[str, int] | None = None) -> Goods:
    """As `OrderLife` begins: what the channel had cancelled or shipped before counts."""
    before = {line.line_id: line.shipped for line in order.lines if line.shipped}
    cancelled = {line.line_id: line.cancelled for line in order.lines if line.cancelled}
    counted = Counted(cancelled=cancelled, elsewhere=before if elsewhere is None else elsewhere)
    components = tuple(
        ComponentLine(line_id=line.line_id, item=line.sku, per_unit=1, quantity=line.quantity, amount=eur("1.00"))
        for line in order.lines
    )
    return Goods.of(order, components, counted, parts)


def booked(order: Order, elsewhere: dict[str, int], recorded: list[ShipmentRecord]) -> None:
    """Book all parcels that are not booked yet, as the order workflow does."""
    for parcel in unrecorded(order, elsewhere, recorded):
        confirmed = CONFIRMED.model_copy(update={"shipment_id": parcel.parcel_id, "units": parcel.quantities})
        recorded.append(record(confirmed, "INV-1"))


def gone(order: Order, line: OrderLine) -> int:
    """Units that have left: what the channel counts, and in a merchant's order all that is never shipped."""
    never_shipped = not line.needs_shipping and order.fulfilled_by is FulfilmentSide.MERCHANT
    return line.quantity - line.cancelled if never_shipped else line.shipped


@given(orders())
def test_at_the_start_every_unit_is_open_cancelled_or_gone(order: Order) -> None:
    ledger = goods_of(order).quantities()
    for line in order.lines:
        kept = ledger[line.line_id]
        assert (kept.ordered, kept.open) == (line.quantity, line.open)
        assert (kept.cancelled, kept.released, kept.shipped) == (line.cancelled, 0, line.shipped)


@given(orders())
def test_our_nodes_ship_lines_that_are_things_unless_the_channel_ships(order: Order) -> None:
    ours = {line.line_id for line in lines_to_ship(order)}
    for line in order.lines:
        assert (line.line_id in ours) == (line.needs_shipping and order.fulfilled_by is FulfilmentSide.MERCHANT)


@given(orders())
def test_each_unit_that_left_without_us_is_booked_exactly_once(order: Order) -> None:
    recorded: list[ShipmentRecord] = []
    elsewhere = left_elsewhere(order, order, goods_of(order))
    booked(order, elsewhere, recorded)
    for line in order.lines:
        assert sum(parcel.units.get(line.line_id, 0) for parcel in recorded) == gone(order, line)
        assert elsewhere.get(line.line_id, 0) == gone(order, line)
    assert unrecorded(order, elsewhere, recorded) == []


@given(st.data())
def test_no_parcel_is_booked_twice_under_one_number_while_the_channel_goes_on(data: st.DataObject) -> None:
    order = data.draw(orders().map(lambda drawn: drawn.model_copy(update={"fulfilled_by": FulfilmentSide.CHANNEL})))
    recorded = list[ShipmentRecord]()
    elsewhere = left_elsewhere(order, order, goods_of(order))
    for _ in range(data.draw(st.integers(1, 4))):
        booked(order, elsewhere, recorded)
        further = tuple(
            line.model_copy(update={"shipped": data.draw(st.integers(0, line.quantity))}) for line in order.lines
        )
        seen = order.model_copy(update={"lines": further, "parcels": data.draw(parcels)})
        before, order = elsewhere, progressed(order, seen)
        elsewhere = left_elsewhere(order, seen, goods_of(order, elsewhere=elsewhere))
        assert all(elsewhere[name] >= units for name, units in before.items())
    names = [parcel.shipment_id for parcel in recorded]
    assert len(set(names)) == len(names)
    assert all(parcel.units and min(parcel.units.values()) > 0 for parcel in recorded)
    goods_of(order, elsewhere=elsewhere).quantities()


@given(orders(), orders())
def test_news_of_the_channel_never_change_what_was_ordered(known: Order, told: Order) -> None:
    latest = told.model_copy(update={"version": NOON + timedelta(hours=1), "state": ChannelState.SHIPPED})
    order = progressed(known, latest)
    assert (order.version, order.state, order.parcels) == (latest.version, latest.state, latest.parcels)
    assert order.lines == known.lines


@given(orders(), st.data())
def test_each_unit_that_the_channel_cancels_is_heard_once(order: Order, data: st.DataObject) -> None:
    known = {line.line_id: line.cancelled for line in order.lines}
    heard: dict[str, int] = {}
    total = dict.fromkeys(known, 0)
    for _ in range(data.draw(st.integers(1, 4))):
        lines = tuple(
            line.model_copy(update={"cancelled": data.draw(st.integers(line.cancelled, line.quantity))})
            for line in order.lines
        )
        order = order.model_copy(update={"lines": lines})
        for name, units in newly_cancelled(order, known, heard).items():
            total[name] += units
        heard = {line.line_id: line.cancelled for line in lines}
    assert total == {line.line_id: line.cancelled - known[line.line_id] for line in order.lines}


def test_what_we_cancelled_ourselves_is_no_news_from_the_channel() -> None:
    order = ORDER.model_copy(update={"lines": (a_line("L1", 5, cancelled=3),)})
    assert newly_cancelled(order, {"L1": 3}, {}) == {}
    assert newly_cancelled(order, {"L1": 1}, {}) == {"L1": 2}


def test_units_that_the_channel_ships_are_counted_from_its_news() -> None:
    order = ORDER.model_copy(
        update={"fulfilled_by": FulfilmentSide.CHANNEL, "lines": (a_line("L1", 3), a_line("L2", 2))}
    )
    news = order.model_copy(update={"lines": (a_line("L1", 3, shipped=2), a_line("L3", 5, shipped=5))})
    assert left_elsewhere(order, news, goods_of(order)) == {"L1": 2}


def a_part(units: int, **changes: object) -> FulfilmentPart:
    picks = (PickLine(line_id="L1", item="TENT", quantity=units),)
    part = FulfilmentPart(fulfilment_id="F1", number=1, node="BER-1", picks=picks, stage=Stage.RELEASED)
    return part.model_copy(update=changes)


def test_an_order_is_shipped_by_hand_when_the_channel_saw_all_of_it_leave_and_we_shipped_nothing() -> None:
    order = ORDER.model_copy(update={"lines": (a_line("L1", 2),), "parcels": ()})
    some = order.model_copy(update={"lines": (a_line("L1", 2, shipped=1),)})
    every = order.model_copy(update={"lines": (a_line("L1", 2, shipped=2),)})
    waiting = goods_of(order, a_part(2))
    assert shipped_by_hand(order, every, waiting)
    assert not shipped_by_hand(order, some, waiting)
    assert not shipped_by_hand(order, every, goods_of(order, a_part(2, shipped={"L1|TENT": 1})))
    assert left_elsewhere(order, every, waiting) == {}
    assert left_elsewhere(order, every, waiting, {"L1": 2}) == {"L1": 2}
    assert left_elsewhere(order, every, waiting, {"L1": 1}) == {"L1": 1}


def test_units_without_a_parcel_travel_in_one_that_is_named_after_the_order() -> None:
    lines = (a_line("L1", 3, shipped=3), a_line("L2", 1, shipped=1))
    shown = Parcel(parcel_id="P-1", carrier="DHL", tracking="0034", quantities={"L1": 2})
    order = ORDER.model_copy(update={"lines": lines, "parcels": (shown,)})
    first, rest = unrecorded(order, {"L1": 3, "L2": 1}, [])
    assert first == shown
    assert (rest.parcel_id, rest.quantities) == (f"{ORDER.key.external_id}-unseen-2", {"L1": 1, "L2": 1})


def test_a_parcel_that_claims_more_than_has_left_is_cut_to_what_has() -> None:
    parcel = Parcel(parcel_id="P-1", quantities={"L1": 3, "L9": 1})
    order = ORDER.model_copy(update={"lines": (a_line("L1", 3, shipped=1),), "parcels": (parcel,)})
    assert [each.quantities for each in unrecorded(order, {"L1": 1}, [])] == [{"L1": 1}]


def test_a_service_is_the_buyers_by_its_sale() -> None:
    order = ORDER.model_copy(update={"lines": (a_line("L1", 2, needs_shipping=False, cancelled=1),), "parcels": ()})
    assert left_elsewhere(order, order, goods_of(order)) == {"L1": 1}


def test_a_parcel_of_the_channel_is_recorded_as_confirmed_by_itself() -> None:
    kept = record(CONFIRMED, None)
    assert (kept.node, kept.confirmed, kept.invoice, kept.units) == (CHANNEL_NODE, True, None, CONFIRMED.units)
    assert record(CONFIRMED, "INV-1").invoice == "INV-1"
