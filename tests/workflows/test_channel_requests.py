"""What the order tells its channel: that it is taken, that it is cancelled; and that taken is not done."""

from datetime import timedelta

import pytest

from connectors.errors import NOT_FOUND, Declined
from models.case import Action, CaseKind, Resolution
from models.channel import CancelReason, Progress
from models.messages import CancelRequest, ChannelUpdate, OrderState
from models.order import ChannelState
from tests.workflows.world import PURCHASED, Handle, World, an_order, line, refused
from workflows import policy
from workflows.order import OrderWorkflow

SOON = PURCHASED + timedelta(hours=4)


async def resolve(handle: Handle, world: World, action: Action) -> None:
    case = (await world.until_case(handle)).case
    assert case is not None
    await handle.execute_update(OrderWorkflow.resolve, Resolution(case_id=case.case_id, action=action, actor="anna"))


async def test_a_channel_that_asks_hears_first_that_the_order_is_taken(world: World) -> None:
    order = an_order(acknowledge_by=SOON)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert [name for name, _ in world.channel.done] == ["acknowledge", "confirm"]
    [(_, request)] = world.channel.done[:1]
    assert (request.request_id, request.lines) == (f"{order.key}#acknowledge", ("1",))


async def test_an_order_that_is_paid_only_once_it_is_taken_is_taken_before(world: World) -> None:
    order = an_order(state=ChannelState.PENDING, acknowledge_by=SOON, ship_to=None)
    handle = await world.start(order)
    await world.wait_for(lambda: world.channel.count("acknowledge") == 1)
    paid = an_order(key=order.key, version=PURCHASED + timedelta(minutes=1))
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=paid))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert world.channel.count("acknowledge") == 1
    assert world.channel.count("confirm") == 1


async def test_a_channel_that_asks_later_hears_it_then(world: World) -> None:
    order = an_order(state=ChannelState.PENDING)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.ON_HOLD)
    asking = order.model_copy(update={"version": PURCHASED + timedelta(minutes=1), "acknowledge_by": SOON})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=asking))
    await world.wait_for(lambda: world.channel.count("acknowledge") == 1)


async def test_a_refused_acknowledgement_is_a_case(world: World) -> None:
    world.channel.will_fail("acknowledge", refused("lines"))
    handle = await world.start(an_order(acknowledge_by=SOON))
    snapshot = await world.until_case(handle)
    assert snapshot.case is not None
    assert (snapshot.case.kind, snapshot.case.step) == (CaseKind.CHANNEL_DECLINED, "acknowledge")
    await resolve(handle, world, Action.RETRY)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)


async def test_a_cancellation_is_told_to_the_channel_too(world: World) -> None:
    world.wms.manual = True
    order = an_order(line("1", "MAT", 2, "34.50"))
    handle = await world.start(order)
    await world.wait_for(lambda: bool(world.wms.releases))
    request = CancelRequest(reason="no longer wanted", actor="anna", why=CancelReason.BUYER)
    assert (await handle.execute_update(OrderWorkflow.cancel, request)).confirmed
    await world.end(handle)
    [(_, told)] = [done for done in world.channel.done if done[0] == "cancel"]
    assert (told.units, told.whole, told.reason, told.note) == (
        {"1": 2},
        True,
        CancelReason.BUYER,
        "no longer wanted",
    )
    assert world.erp.count("cancel_order") == 1


async def test_a_channel_that_cancelled_itself_is_not_told(world: World) -> None:
    order = an_order(state=ChannelState.CANCELLED)
    await world.end(await world.start(order))
    assert world.channel.done == []


@pytest.mark.parametrize(
    ("kind", "why"),
    [(CaseKind.OUT_OF_STOCK, CancelReason.OUT_OF_STOCK), (CaseKind.CANCEL_REQUESTED, CancelReason.BUYER)],
)
async def test_the_channel_hears_why(world: World, kind: CaseKind, why: CancelReason) -> None:
    wanted = an_order(cancel_requested="changed my mind") if kind is CaseKind.CANCEL_REQUESTED else None
    handle = await world.start(wanted or an_order(line("1", "MAT", 500, "1.00")))
    if kind is CaseKind.OUT_OF_STOCK:
        await world.until(handle, lambda seen: "stock" in (seen.waiting_for or ""))
        await world.fast_forward(handle, policy.PROMISE + timedelta(minutes=1))
    snapshot = await world.until_case(handle)
    assert snapshot.case is not None
    assert snapshot.case.kind is kind
    await resolve(handle, world, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert [told.reason for name, told in world.channel.done if name == "cancel"] == [why]


async def test_taken_is_not_done_the_real_result_is_awaited(world: World) -> None:
    world.channel.takes_its_time = True
    world.channel.results = [Progress(operation="cancel", look_again=timedelta()), Progress()]
    handle = await world.start(an_order(line("1", "NEW", 1, "44.00")))
    await resolve(handle, world, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.channel.count("follow") == 2


async def test_a_failure_that_shows_late_is_kept_as_a_case_until_it_is_done(world: World) -> None:
    world.channel.takes_its_time = True
    world.channel.will_fail("follow", Declined("feed 17: the order is shipped", code="shipped"))
    handle = await world.start(an_order(line("1", "NEW", 1, "44.00")))
    await resolve(handle, world, Action.CANCEL)
    snapshot = await world.until(
        handle, lambda seen: seen.case is not None and seen.case.kind is CaseKind.COMPENSATION_FAILED
    )
    assert snapshot.case is not None
    assert snapshot.case.reason == "feed 17: the order is shipped"
    await resolve(handle, world, Action.RETRY)
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert world.channel.count("cancel") == 2


async def test_the_channels_own_news_of_the_cancellation_ends_its_case(world: World) -> None:
    world.channel.will_fail("cancel", refused("state"))
    order = an_order(line("1", "NEW", 1, "44.00"))
    handle = await world.start(order)
    await resolve(handle, world, Action.CANCEL)
    await world.until(handle, lambda seen: seen.case is not None and seen.case.kind is CaseKind.COMPENSATION_FAILED)
    news = order.model_copy(update={"version": PURCHASED + timedelta(hours=1), "state": ChannelState.CANCELLED})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=news))
    ended = await world.end(handle)
    assert (ended.state, ended.case) == (OrderState.CANCELLED, None)
    assert world.channel.done == []


async def test_a_buyers_wish_that_comes_before_the_release_is_put_to_a_person(world: World) -> None:
    gate = world.erp.hold("create_order")
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: "create_order" in world.erp.entered)
    wish = order.model_copy(update={"version": PURCHASED + timedelta(hours=1), "cancel_requested": "too late"})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=wish))
    gate.set()
    snapshot = await world.until_case(handle)
    assert snapshot.case is not None
    assert snapshot.case.kind is CaseKind.CANCEL_REQUESTED
    await resolve(handle, world, Action.SKIP)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)


async def test_an_order_that_the_channel_does_not_have_needs_no_cancellation_there(world: World) -> None:
    world.channel.will_fail("cancel", Declined("no such order", code=NOT_FOUND))
    handle = await world.start(an_order(line("1", "NEW", 1, "44.00")))
    await resolve(handle, world, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED
