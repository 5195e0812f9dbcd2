"""An order's page in the Temporal UI tells, in words, how it stands, who has to decide, and what happened."""

from __future__ import annotations

from datetime import UTC, datetime

from models.case import Action, CaseKind, ExceptionCase
from models.deadline import Deadline, DeadlineKind
from models.messages import CancelOutcome, CancelStatus, OrderSnapshot, OrderState, ShipmentRecord, Transition
from models.order import OrderKey
from models.quantities import LineQuantities, QuantityLedger
from tests.workflows.world import eur
from workflows.telling import LONGEST, told

KEY = OrderKey(channel="shopify", account="main", external_id="1")
AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
LINE = LineQuantities(ordered=4, open=1, shipped=2, cancelled=1, returned=1)
CASE = ExceptionCase(
    case_id="order/shopify/main/1~1",
    order_key=KEY,
    workflow_id="order/shopify/main/1",
    kind=CaseKind.OPERATOR_HOLD,
    step="hold",
    reason="held by ann: the buyer calls back. skip lets the order go on",
    owner="operations",
    opened_at=AT,
    expires_at=AT,
    on_expiry=Action.SKIP,
    allowed=(Action.SKIP, Action.CANCEL),
)
PARCEL = ShipmentRecord(
    shipment_id="P1", node="BER-1", carrier="DHL", tracking="T1", shipped_at=AT, units={"1": 2}, invoice="INV-1"
)
SNAPSHOT = OrderSnapshot(
    key=KEY,
    state=OrderState.PARTIALLY_SHIPPED,
    waiting_for="parcels from LEJ-2",
    quantities=QuantityLedger(lines={"1": LINE}),
    cases=(CASE,),
    decided=("2026-11-28 09:00:00 fraud review: skip by ann: known customer",),
    shipments=(PARCEL,),
    expected=eur("30.00"),
    degraded={"tax": "tax engine away: estimated by the rate table"},
    deadlines=(
        Deadline(kind=DeadlineKind.SHIP_BY, due=AT, acts="a case: the warehouse is late"),
        Deadline(kind=DeadlineKind.ACKNOWLEDGE, due=AT, acts="nobody reads this", met=True),
    ),
    cancellations=(
        CancelOutcome(
            status=CancelStatus.CONFIRMED,
            reason="the buyer called",
            units={"1": 1},
            declined_units={"1": 2},
            return_offered=True,
        ),
    ),
    untold=("erp",),
)


def event(state: OrderState, cause: str) -> Transition:
    return Transition(at=AT, state=state, cause=cause)


def test_everything_that_a_person_asks_is_answered_in_words() -> None:
    text = told(SNAPSHOT, [event(OrderState.ACCEPTED, "screened and taxed")])
    for answer in (
        "**partially shipped** · waits for parcels from LEJ-2",
        "**operator hold**, for operations: held by ann",
        "`exceptions resolve 'order/shopify/main/1~1' skip|cancel`; if nobody does by 2026-11-28 09:30 UTC: skip",
        "line 1: 4 ordered: 1 to be reserved, 2 shipped, 1 cancelled, 1 come back",
        "parcel T1 (DHL) from BER-1: 2 of line 1, invoice INV-1, the channel has not heard of it yet",
        "expected from the channel: 30.00 EUR",
        "confirmed: the buyer called; cancelled: 1 of line 1; too late: 2 of line 1; the buyer is offered a return",
        "tax: tax engine away",
        "- erp",
        "- 2026-11-28 09:00:00 fraud review: skip by ann: known customer",
        "2026-11-28 09:30 UTC, ship by: a case: the warehouse is late",
        "2026-11-28 09:30:00 **accepted**: screened and taxed (orderyard)",
    ):
        assert answer in text
    assert "nobody reads this" not in text


def test_the_latest_event_is_read_first_and_a_long_story_fits() -> None:
    story = [event(OrderState.ACCEPTED, "first"), *[event(OrderState.RELEASED, "x" * 2000) for _ in range(40)]]
    text = told(SNAPSHOT, story)
    assert len(text) <= LONGEST
    assert text.index("released") > 0
    assert "first" not in text


def test_what_does_not_exist_is_not_mentioned() -> None:
    plain = OrderSnapshot(key=KEY, state=OrderState.ACCEPTED, quantities=SNAPSHOT.quantities)
    text = told(plain, [])
    assert all(word not in text for word in ("decide", "Money", "Wishes", "Deadlines", "What happened"))
