"""Every wait of an order, with the clock moved forward."""

from datetime import timedelta

from connectors.errors import Unavailable
from models.case import Action, CaseKind, Resolution
from models.ledger import AccountRole
from models.messages import CancelRequest, ChannelUpdate, OrderState
from models.order import ChannelState
from models.terms import SalesTerms
from tests.workflows.world import PURCHASED, Handle, World, an_order, eur, refused
from workflows import policy
from workflows.order import OrderWorkflow

A_MOMENT = timedelta(minutes=1)


async def decide(handle: Handle, world: World, kind: CaseKind, action: Action) -> None:
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is kind
    resolution = Resolution(case_id=parked.case.case_id, action=action, actor="test")
    await handle.execute_update(OrderWorkflow.resolve, resolution)


async def test_an_unpaid_order_waits_and_goes_on_when_it_is_paid(world: World) -> None:
    order = an_order(state=ChannelState.PENDING)
    handle = await world.start(order)
    held = await world.until(handle, lambda seen: seen.state is OrderState.ON_HOLD)
    assert held.waiting_for == "payment"
    await world.fast_forward(handle, policy.PAYMENT_WINDOW - A_MOMENT)
    assert (await handle.query(OrderWorkflow.snapshot)).state is OrderState.ON_HOLD
    paid = order.model_copy(update={"state": ChannelState.OPEN, "version": PURCHASED + timedelta(days=1)})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=paid))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_an_order_that_is_never_paid_becomes_a_case_again_and_again(world: World) -> None:
    handle = await world.start(an_order(state=ChannelState.PENDING))
    await world.until(handle, lambda seen: seen.state is OrderState.ON_HOLD)
    await world.fast_forward(handle, policy.PAYMENT_WINDOW + A_MOMENT)
    await decide(handle, world, CaseKind.PAYMENT_OVERDUE, Action.RETRY)
    await world.until(handle, lambda seen: seen.case is None)
    await world.fast_forward(handle, policy.PAYMENT_WINDOW + A_MOMENT)
    await decide(handle, world, CaseKind.PAYMENT_OVERDUE, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_an_unpaid_order_that_is_cancelled_ends(world: World) -> None:
    order = an_order(state=ChannelState.PENDING)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.ON_HOLD)
    changes = {"state": ChannelState.CANCELLED, "version": PURCHASED + timedelta(days=1)}
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=order.model_copy(update=changes)))
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.fraud.done == []


async def test_a_silent_node_is_asked_and_a_lost_report_is_healed(world: World) -> None:
    world.wms.manual = True
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    world.wms.will_fail("shipments", refused("fulfilment_id"))
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    await world.wms.ship(f"{order.key}#BER-1", report=False)
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert world.wms.count("shipments") == 1
    await world.pay(handle, order)
    await world.end(handle)


async def test_a_node_that_misses_the_ship_by_date_is_a_case_that_a_parcel_ends(world: World) -> None:
    world.wms.manual = True
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    await world.fast_forward(handle, policy.SHIP_BY_DEFAULT + policy.SILENT_NODE + A_MOMENT)
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is CaseKind.NOT_SHIPPED_IN_TIME
    await world.wms.ship(f"{order.key}#BER-1")
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_a_stated_ship_by_date_counts_and_is_escalated_once(world: World) -> None:
    world.wms.manual = True
    order = an_order(ship_by=PURCHASED)
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    await decide(handle, world, CaseKind.NOT_SHIPPED_IN_TIME, Action.RETRY)
    await world.until(handle, lambda seen: seen.case is None)
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    assert (await handle.query(OrderWorkflow.snapshot)).case is None
    await world.wms.ship(f"{order.key}#BER-1")
    await world.pay(handle, order)
    await world.end(handle)


async def test_money_that_does_not_come_is_overdue_and_can_be_written_off(world: World) -> None:
    order = an_order()
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.waiting_for is not None and "settlement" in seen.waiting_for)
    await world.fast_forward(handle, policy.SETTLEMENT_WINDOW - timedelta(hours=1))
    assert (await handle.query(OrderWorkflow.snapshot)).case is None
    await world.fast_forward(handle, timedelta(hours=2))
    await decide(handle, world, CaseKind.SETTLEMENT_OVERDUE, Action.RETRY)
    await world.until(handle, lambda seen: seen.case is None)
    await world.fast_forward(handle, policy.SETTLEMENT_WINDOW + A_MOMENT)
    await decide(handle, world, CaseKind.SETTLEMENT_OVERDUE, Action.SKIP)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_money_that_stays_short_differs(world: World) -> None:
    order = an_order()
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.waiting_for is not None and "settlement" in seen.waiting_for)
    await world.pay(handle, order, eur("30.00"))
    await world.fast_forward(handle, policy.SETTLEMENT_WINDOW + A_MOMENT)
    world.journals.closed = True
    await decide(handle, world, CaseKind.SETTLEMENT_DIFFERS, Action.SKIP)
    refused = await world.until(handle, lambda seen: seen.case is not None and seen.case.step == "write_off")
    assert refused.case is not None
    assert "the period is closed" in refused.case.reason
    world.journals.closed = False
    await decide(handle, world, CaseKind.ERP_DECLINED, Action.RETRY)
    ended = await world.end(handle)
    assert (ended.state, ended.received) == (OrderState.CLOSED, eur("30.00"))
    # No settlement document has paid it: all of it is written off.
    assert world.journals.balance(AccountRole.ADJUSTMENT) == order.receivable.amount


async def test_a_fraud_service_that_is_back_before_the_release_is_believed(world: World) -> None:
    world.sells_on(SalesTerms(cancel_window=timedelta(days=400)))
    world.fraud.will_fail("assess", *(Unavailable("away", timedelta(milliseconds=10)) for _ in range(3)))
    handle = await world.start(an_order())
    healed = await world.until(handle, lambda seen: seen.hold is None and "cancel window" in (seen.waiting_for or ""))
    await world.wait_for(lambda: world.fraud.count("assess") == 1)
    assert "screen" not in (await world.until(handle, lambda seen: not seen.degraded)).degraded
    assert healed.released_at is None
    await handle.execute_update(OrderWorkflow.cancel, CancelRequest(reason="test", actor="test"))
    await world.end(handle)


async def test_a_buyer_whom_nobody_could_tell_is_told_when_the_service_is_back(world: World) -> None:
    world.notifier.will_fail("send", *(Unavailable("away", timedelta(milliseconds=10)) for _ in range(6)))
    order = an_order()
    handle = await world.start(order)
    await world.until(handle, lambda seen: bool(seen.degraded))
    await world.wait_for(lambda: world.notifier.count("send") == 1)
    await world.until(handle, lambda seen: not seen.degraded)
    await world.pay(handle, order)
    await world.end(handle)
