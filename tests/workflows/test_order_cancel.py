"""Cancellation at every stage: it wins before the release, the warehouse decides after it, then it is too late."""

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateHandle, WorkflowUpdateStage
from temporalio.service import RPCError

from models.case import Action, CaseKind, Resolution
from models.fulfilment import PickLine
from models.messages import CancelOutcome, CancelRequest, CancelStatus, ChannelUpdate, OrderState
from models.order import ChannelState, FulfilmentSide, Order
from tests.workflows.world import PURCHASED, Handle, Scripted, World, an_order, line, refused, taxed
from workflows.order import OrderWorkflow

REQUEST = CancelRequest(reason="no longer wanted", actor="buyer")


def cancelled_on_channel(order: Order) -> ChannelUpdate:
    changes = {"version": PURCHASED + timedelta(hours=1), "state": ChannelState.CANCELLED, "cancel_reason": "customer"}
    return ChannelUpdate(order=order.model_copy(update=changes))


def system_of(world: World, operation: str) -> Scripted:
    systems = (world.fraud, world.tax, world.erp)
    return dict(zip(("assess", "quote", "create_order"), systems, strict=True))[operation]


@pytest.mark.parametrize("operation", ["assess", "quote", "create_order"])
async def test_a_cancellation_before_the_release_is_confirmed_and_undoes_everything(
    world: World, operation: str
) -> None:
    gate = system_of(world, operation).hold(operation)
    order = an_order(taxed(line("1", "MAT", 1, "34.50"), "6.55"))
    handle = await world.start(order)
    await world.wait_for(lambda: operation in system_of(world, operation).entered)
    asked = await ask_to_cancel(handle)
    gate.set()
    outcome = await asked.result()
    ended = await world.end(handle)

    assert outcome.confirmed
    assert ended.state is OrderState.CANCELLED
    assert ended.quantities["1"].cancelled == 1
    assert world.wms.releases == {}
    assert world.tax.count("void") == 1
    assert await world.free("MAT-FOAM") == 100
    if operation == "create_order":
        assert [name for name, _ in world.erp.done] == ["create_order", "cancel_order"]
        assert (await world.states(order))[-2:] == ["cancelling", "cancelled"]


async def test_an_order_that_arrives_cancelled_has_no_effect_anywhere(world: World) -> None:
    handle = await world.start(an_order(state=ChannelState.CANCELLED))
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.fraud.done == world.erp.done == world.tax.done == []


async def test_a_test_order_is_never_executed(world: World) -> None:
    handle = await world.start(an_order(test=True))
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.fraud.done == []


async def test_a_cancellation_ends_an_open_case(world: World) -> None:
    order = an_order(line("1", "NEW", 1, "44.00"))
    handle = await world.start(order)
    await world.until_case(handle)
    await handle.signal(OrderWorkflow.channel_changed, cancelled_on_channel(order))
    ended = await world.end(handle)
    assert (ended.state, ended.case) == (OrderState.CANCELLED, None)


async def test_a_cancellation_ends_the_case_of_a_declined_call(world: World) -> None:
    world.erp.will_fail("create_order", refused())
    handle = await world.start(an_order())
    await world.until_case(handle)
    outcome = await handle.execute_update(OrderWorkflow.cancel, REQUEST)
    assert (outcome.confirmed, outcome.reason) == (True, REQUEST.reason)
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_after_the_release_the_warehouse_may_still_stop(world: World) -> None:
    world.wms.manual = True
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    assert (await handle.execute_update(OrderWorkflow.cancel, REQUEST)).confirmed
    ended = await world.end(handle)
    assert ended.state is OrderState.CANCELLED
    assert world.wms.count("cancel") == world.erp.count("cancel_order") == 1
    assert await world.free("MAT-FOAM") == 100


async def test_the_channel_may_cancel_while_the_warehouse_has_the_order(world: World) -> None:
    """The channel's message wakes the order, which then waits for its turn behind the cancellation."""
    world.wms.manual = True
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    answered = world.wms.hold("cancel")
    await handle.signal(OrderWorkflow.channel_changed, cancelled_on_channel(order))
    await world.wait_for(lambda: "cancel" in world.wms.entered)
    answered.set()
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert await world.free("MAT-FOAM") == 100


@pytest.mark.parametrize("first", ["the refusal", "the answer"])
async def test_a_release_that_is_overtaken_by_its_cancellation_ends_no_order_in_a_case(
    world: World, first: str
) -> None:
    gate = world.wms.hold("release")
    answered = world.wms.hold("cancel")
    handle = await world.start(an_order())
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    world.wms.will_fail("release", refused("fulfilment_id"))
    await world.wait_for(lambda: "release" in world.wms.entered)
    asked = await ask_to_cancel(handle)
    await world.wait_for(lambda: "cancel" in world.wms.entered)
    if first == "the refusal":
        gate.set()
        await world.until_case(handle)
        answered.set()
    else:
        answered.set()
        await world.wait_for(lambda: world.wms.count("cancel") == 1)
        gate.set()
    assert (await asked.result()).confirmed
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_once_a_parcel_has_left_it_is_too_late(world: World) -> None:
    world.wms.manual = True
    order = an_order(line("1", "MAT", 2, "34.50"))
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    one = (PickLine(line_id="1", item="MAT-FOAM", quantity=1),)
    await world.wms.ship(f"{order.key}#BER-1", one)
    await world.until(handle, lambda seen: seen.state is OrderState.PARTIALLY_SHIPPED)
    world.wms.says_no_to_cancel = True
    outcome = await handle.execute_update(OrderWorkflow.cancel, REQUEST)
    assert (outcome.status, outcome.declined_units, outcome.return_offered) == (CancelStatus.DECLINED, {"1": 1}, True)
    await world.wms.ship(f"{order.key}#BER-1", one)
    await settle_late_case(world, handle, Action.SKIP)
    assert (await world.end(handle)).state is OrderState.CLOSED


@pytest.mark.parametrize("answer", ["no", "refusal"])
async def test_a_warehouse_that_says_no_is_believed(world: World, answer: str) -> None:
    world.wms.manual = world.wms.says_no_to_cancel = True
    if answer == "refusal":
        world.wms.will_fail("cancel", refused("fulfilment_id"))
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    assert not (await handle.execute_update(OrderWorkflow.cancel, REQUEST)).confirmed
    await world.wms.ship(f"{order.key}#BER-1")
    await settle_late_case(world, handle, Action.RETRY)
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_a_cancellation_after_shipping_is_declined_and_the_channels_becomes_a_case(world: World) -> None:
    order = an_order()
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.waiting_for is not None and "settlement" in seen.waiting_for)
    assert not (await handle.execute_update(OrderWorkflow.cancel, REQUEST)).confirmed
    await handle.signal(OrderWorkflow.channel_changed, cancelled_on_channel(order))
    await settle_late_case(world, handle, Action.SKIP)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_an_order_the_channel_fulfils_can_be_cancelled_by_it(world: World) -> None:
    order = an_order(fulfilled_by=FulfilmentSide.CHANNEL)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.waiting_for == "the channel to ship")
    await handle.signal(OrderWorkflow.channel_changed, cancelled_on_channel(order))
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.erp.count("cancel_order") == 1


async def test_an_older_version_changes_nothing(world: World) -> None:
    gate = world.fraud.hold("assess")
    order = an_order()
    handle = await world.start(order)
    older = order.model_copy(update={"version": PURCHASED - timedelta(hours=1), "state": ChannelState.CANCELLED})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=older))
    gate.set()
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_a_newer_version_replaces_the_order_while_nothing_was_done(world: World) -> None:
    gate = world.fraud.hold("assess")
    order = an_order()
    handle = await world.start(order)
    newer = an_order(line("1", "MAT", 2, "34.50"), key=order.key, version=PURCHASED + timedelta(hours=1))
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=newer))
    gate.set()
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, newer)
    assert (await world.end(handle)).quantities["1"].shipped == 2


async def test_a_compensation_that_is_declined_is_kept_as_a_case_until_it_is_done(world: World) -> None:
    gate = world.erp.hold("create_order")
    world.erp.will_fail("cancel_order", refused("status"))
    handle = await world.start(an_order())
    await world.wait_for(lambda: "create_order" in world.erp.entered)
    asked = await ask_to_cancel(handle)
    gate.set()
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is CaseKind.COMPENSATION_FAILED
    resolution = Resolution(case_id=parked.case.case_id, action=Action.RETRY, actor="test")
    await handle.execute_update(OrderWorkflow.resolve, resolution)
    assert (await asked.result()).confirmed
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.erp.count("cancel_order") == 1


async def test_a_cancelled_order_cannot_be_cancelled_again(world: World) -> None:
    handle = await world.start(an_order(state=ChannelState.CANCELLED))
    await world.end(handle)
    with pytest.raises(RPCError, match="already completed"):
        await handle.execute_update(OrderWorkflow.cancel, REQUEST)


async def ask_to_cancel(handle: Handle) -> WorkflowUpdateHandle[CancelOutcome]:
    """Returns as soon as the workflow has the request; `result()` waits for its decision."""
    return await handle.start_update(OrderWorkflow.cancel, REQUEST, wait_for_stage=WorkflowUpdateStage.ACCEPTED)


async def settle_late_case(world: World, handle: Handle, action: Action) -> None:
    parked = await world.until_case(handle)
    assert parked.case is not None
    assert parked.case.kind is CaseKind.CANCEL_TOO_LATE
    resolution = Resolution(case_id=parked.case.case_id, action=action, actor="test", note="return arranged")
    await handle.execute_update(OrderWorkflow.resolve, resolution)


async def test_an_order_that_arrives_with_all_units_cancelled_ends_at_once(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "34.50", cancelled=2), state=ChannelState.CANCELLED)
    ended = await world.end(await world.start(order))
    assert (ended.state, ended.quantities["1"].cancelled) == (OrderState.CANCELLED, 2)
    assert world.erp.done == world.channel.done == []


async def test_what_had_left_of_an_order_that_arrives_cancelled_is_settled(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "34.50", cancelled=1, shipped=1), state=ChannelState.CANCELLED)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED
