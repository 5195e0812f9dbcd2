"""What is said of an order after its end is somebody's turn, once for each event."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from capture.late import late_message, late_report, late_version
from capture.temporal import follow_up
from models.case import Action, CaseKind, ExceptionCase, Resolution
from models.fulfilment import PickLine, Shipment, Shortfall, ShortfallKind
from models.messages import LateEvent, OrderState
from models.order import ChannelState, Order
from models.settlement import OrderMoney
from store import cases, orders
from store.tables import OutboxMessage
from tests.recorded import FOLDER, keep, recorded, replay
from tests.workflows.world import PURCHASED, World, an_order, eur
from workflows.follow_up import FollowUpWorkflow

HISTORY = FOLDER / "follow-up" / "two-events.json"
Handle = WorkflowHandle[FollowUpWorkflow, int]


def an_event(order: Order, event_id: str = "S-1") -> LateEvent:
    return LateEvent(
        order_key=order.key, kind="shipment_reported", event_id=event_id, told="BER-1 shipped 1", at=PURCHASED
    )


async def heard(world: World, *events: LateEvent) -> Handle:
    ids = [await follow_up(world.client, event) for event in events]
    return world.client.get_workflow_handle_for(FollowUpWorkflow.run, ids[0])


async def open_cases(world: World, order: Order) -> list[ExceptionCase]:
    async with world.database.session() as session:
        found = await cases.find(session, kind=CaseKind.LATE_EVENT, limit=100)
    return [case for case in found if case.order_key == order.key]


async def shown(world: World, handle: Handle, event_id: str) -> ExceptionCase:
    found: list[ExceptionCase] = []

    async def look() -> bool:
        case = await handle.query(FollowUpWorkflow.case)
        found[:] = [case] if case and case.step == event_id else []
        return bool(found)

    while not await look():
        await world.client.service_client.check_health()
    return found[0]


async def decide(handle: Handle, case: ExceptionCase, action: Action = Action.SKIP) -> None:
    resolution = Resolution(case_id=case.case_id, action=action, actor="kim", note="dealt with")
    await handle.execute_update(FollowUpWorkflow.resolve, resolution)


async def test_each_late_event_is_a_case_once_and_the_process_ends_when_all_are_decided(world: World) -> None:
    order = an_order()
    async with world.database.session() as session:
        await orders.register(session, order, 1)
    handle = await heard(world, an_event(order), an_event(order), an_event(order, "S-2"))
    first = await shown(world, handle, "S-1")
    assert (first.kind, first.allowed, first.owner) == (CaseKind.LATE_EVENT, (Action.SKIP,), "operations")
    assert f"{order.key} had ended when this came: BER-1 shipped 1" in first.reason
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await decide(handle, first, Action.CANCEL)
    assert "cancel is not possible for late_event" in str(refusal.value.cause)
    await decide(handle, first)
    await decide(handle, await shown(world, handle, "S-2"))
    assert await handle.result() == 2
    assert await open_cases(world, order) == []
    await keep(handle, HISTORY)
    await replay(recorded(HISTORY), [FollowUpWorkflow])


async def test_a_later_event_begins_a_new_follow_up(world: World) -> None:
    order = an_order()
    async with world.database.session() as session:
        await orders.register(session, order, 1)
    for event_id in ("S-1", "S-2"):
        handle = await heard(world, an_event(order, event_id))
        await decide(handle, await shown(world, handle, event_id))
        assert await handle.result() == 1


def versions(**changes: object) -> Order:
    return an_order(version=PURCHASED + timedelta(days=1)).model_copy(update=changes)


@pytest.mark.parametrize(
    ("state", "changes", "late"),
    [
        (OrderState.CLOSED, {"state": ChannelState.CANCELLED}, True),
        (OrderState.CLOSED, {"cancel_requested": "too big"}, True),
        (OrderState.CLOSED, {"state": ChannelState.SHIPPED}, False),
        (OrderState.CANCELLED, {"state": ChannelState.SHIPPED}, True),
        (OrderState.CANCELLED, {"state": ChannelState.PARTIALLY_SHIPPED}, True),
        (OrderState.CANCELLED, {"state": ChannelState.CANCELLED}, False),
        (OrderState.CANCELLED, {"cancel_requested": "too big"}, False),
    ],
)
def test_a_version_is_seen_to_when_it_contradicts_the_end(
    state: OrderState, changes: dict[str, object], late: bool
) -> None:
    order = versions(**changes)
    event = late_version(order, state)
    assert (event is not None) == late
    if event:
        assert event.event_id == f"channel_changed:{order.version.isoformat()}"
        assert str(changes.get("cancel_requested", order.state)) in event.told


PICKS = (PickLine(line_id="1", item="MAT-FOAM", quantity=2),)


async def test_a_warehouses_report_is_seen_to_when_its_order_is_known(world: World) -> None:
    order = an_order()
    shipment = Shipment(
        shipment_id="S-1",
        fulfilment_id=f"{order.key}#BER-1",
        node="BER-1",
        carrier="DHL",
        tracking="T1",
        shipped_at=PURCHASED,
        picks=PICKS,
    )
    shortfall = Shortfall(
        report_id="F-1",
        fulfilment_id=f"{order.key}#BER-1",
        node="BER-1",
        kind=ShortfallKind.SHORT_PICK,
        reported_at=PURCHASED,
        picks=PICKS,
    )
    nobodys = shipment.model_copy(update={"fulfilment_id": "nonsense"})
    async with world.database.session() as session:
        assert await late_report(session, shipment) is None
        assert await late_report(session, nobodys) is None
        await orders.register(session, order, 1)
        left, short = await late_report(session, shipment), await late_report(session, shortfall)
    assert left is not None
    assert short is not None
    assert (left.event_id, left.told) == (
        "shipment_reported:S-1",
        "BER-1 shipped 2 × MAT-FOAM (T1): get it back or charge for it",
    )
    assert (short.event_id, short.told) == ("shortfall_reported:F-1", "BER-1 will not ship 2 × MAT-FOAM")


def test_money_for_an_order_that_has_ended_is_seen_to_and_a_wake_up_is_not() -> None:
    order = an_order()
    money = OrderMoney(
        order_key=order.key, settlement_id="S1", received=eur("34.50"), fees=eur("-1.00"), refunds=eur("0.00")
    )
    payload = money.model_dump(mode="json")
    late = late_message(OutboxMessage(workflow_id=order.key.workflow_id, message="money_received", payload=payload))
    assert late is not None
    assert (late.event_id, late.order_key) == ("money_received:S1", order.key)
    assert "settlement S1 pays 34.50 EUR" in late.told
    for workflow_id, message in ((order.key.workflow_id, "stock_arrived"), ("return/R1", "money_received")):
        assert late_message(OutboxMessage(workflow_id=workflow_id, message=message, payload=payload)) is None
