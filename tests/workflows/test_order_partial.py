"""Part of an order is cancelled, at each stage and by everybody: what was confirmed is true in every system."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.ports import ErpOrder
from models.case import Action, CaseKind
from models.channel import CancelReason
from models.messages import CancelStatus, OrderState
from models.order import ChannelState, Order
from tests.workflows.acting import begin_cancel, cancel, case_of, decide, finish, held, mats, released, tell
from tests.workflows.world import Handle, World, an_order, eur, line, taxed
from workflows import policy


def three_mats() -> Order:
    return an_order(taxed(line("1", "MAT", 3, "30.00"), "17.10"))


def last(world: World, operation: str) -> Any:
    systems = {"change_order": world.erp, "quote": world.tax, "cancel": world.channel}
    return [subject for name, subject in systems[operation].done if name == operation][-1]


async def until_told(world: World, handle: Handle) -> None:
    await world.until(handle, lambda seen: not seen.untold)


def cancelled_in(order: Order) -> dict[str, int]:
    return {each.line_id: each.cancelled for each in order.lines if each.cancelled}


async def test_units_that_are_still_open_are_cancelled_at_once(world: World) -> None:
    gate = world.fraud.hold("assess")
    order = three_mats()
    handle = await world.start(order)
    await world.wait_for(lambda: "assess" in world.fraud.entered and world.tax.count("quote") == 1)
    outcome = await cancel(handle, l1=1)
    assert (outcome.status, outcome.units) == (CancelStatus.CONFIRMED, {"1": 1})
    gate.set()
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].cancelled, ended.quantities["1"].shipped) == (1, 2)
    assert [release.picks[0].quantity for release in world.wms.releases.values()] == [2]
    assert cancelled_in(last(world, "quote")) == {"1": 1}
    created = next(subject for name, subject in world.erp.done if name == "create_order")
    assert cancelled_in(created.order) == {"1": 1}
    assert (last(world, "cancel").units, last(world, "cancel").whole) == ({"1": 1}, False)
    assert ended.expected == eur("71.40")


async def test_tax_is_recorded_for_what_is_left_when_units_were_cancelled_before(world: World) -> None:
    order = an_order(taxed(line("1", "MAT", 3, "30.00"), "17.10"), state=ChannelState.PENDING)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.ON_HOLD)
    assert (await cancel(handle, l1=2)).confirmed
    await tell(handle, order, state=ChannelState.OPEN)
    await finish(world, handle, order)
    assert [cancelled_in(quoted) for name, quoted in world.tax.done if name == "quote"] == [{"1": 2}]


async def test_reserved_units_go_back_to_stock_and_every_system_is_told_how_the_order_stands(world: World) -> None:
    order = three_mats()
    handle = await held(world, order)
    assert await world.free("MAT-FOAM") == 97
    assert (await cancel(handle, l1=2)).units == {"1": 2}
    await until_told(world, handle)
    assert await world.free("MAT-FOAM") == 99
    restated: ErpOrder = last(world, "change_order")
    assert (cancelled_in(restated.order), restated.revision) == ({"1": 2}, 1)
    assert cancelled_in(last(world, "quote")) == {"1": 2}
    assert last(world, "cancel").units == {"1": 2}
    assert (await cancel(handle, l1=1)).confirmed
    ended = await world.end(handle)
    assert ended.state is OrderState.CANCELLED
    assert (world.erp.count("cancel_order"), world.tax.count("void"), world.wms.done) == (1, 1, [])
    assert (last(world, "cancel").units, last(world, "cancel").whole) == ({"1": 1}, True)
    assert await world.free("MAT-FOAM") == 100


async def test_a_warehouse_that_stops_gets_the_rest_anew(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    assert (await cancel(handle, l1=1)).units == {"1": 1}
    again = f"{order.key}#BER-1.2"
    await world.wait_for(lambda: again in world.wms.releases)
    assert world.wms.releases[again].picks == (mats(2),)
    await world.wms.ship(again)
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (2, 1)
    assert await world.free("MAT-FOAM") == 98


async def test_a_warehouse_that_does_not_stop_is_believed_and_a_return_is_offered(world: World) -> None:
    world.wms.says_no_to_cancel = True
    order = three_mats()
    handle = await released(world, order)
    outcome = await cancel(handle, l1=1)
    assert (outcome.status, outcome.declined_units, outcome.return_offered) == (CancelStatus.DECLINED, {"1": 1}, True)
    assert "BER-1 ships already" in outcome.reason
    await world.wms.ship(f"{order.key}#BER-1")
    await decide(world, handle, CaseKind.CANCEL_TOO_LATE, Action.RETRY)
    ended = await finish(world, handle, order)
    assert ended.quantities["1"].shipped == 3
    assert world.channel.count("cancel") == world.erp.count("change_order") == 0
    assert "return_offered" in [notice.template for _, notice in world.notifier.done]


async def test_of_a_partly_shipped_order_the_rest_is_cancelled(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    await world.wms.ship(f"{order.key}#BER-1", (mats(1),))
    await world.until(handle, lambda seen: seen.state is OrderState.PARTIALLY_SHIPPED)
    assert (await cancel(handle)).units == {"1": 2}
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (1, 2)
    assert last(world, "cancel").units == {"1": 2}
    assert cancelled_in(last(world, "change_order").order) == {"1": 2}
    assert world.erp.count("cancel_order") == world.tax.count("void") == 0
    assert await world.free("MAT-FOAM") == 99


async def test_what_left_before_the_stop_and_was_never_reported_is_found_and_counts(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    await world.wms.ship(f"{order.key}#BER-1", (mats(2),), report=False)
    outcome = await cancel(handle)
    assert (outcome.units, outcome.declined_units) == ({"1": 1}, {"1": 2})
    assert "too late for 2 of line 1" in outcome.reason
    await decide(world, handle, CaseKind.CANCEL_TOO_LATE, Action.RETRY)
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (2, 1)


@pytest.mark.parametrize("stage", ["reserved", "released"])
async def test_units_that_the_channel_cancels_are_cancelled_and_it_is_not_told(world: World, stage: str) -> None:
    order = three_mats()
    handle = await (held(world, order) if stage == "reserved" else released(world, order))
    lines = (order.lines[0].model_copy(update={"cancelled": 2}),)
    await tell(handle, order, lines=lines, total=eur("35.70"))
    await tell(handle, order, hours=2, lines=lines, total=eur("35.70"))
    await world.until(handle, lambda seen: seen.quantities["1"].cancelled == 2)
    await until_told(world, handle)
    assert cancelled_in(last(world, "change_order").order) == {"1": 2}
    if stage == "reserved":
        await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    else:
        again = f"{order.key}#BER-1.2"
        await world.wait_for(lambda: again in world.wms.releases)
        await world.wms.ship(again)
    ended = await finish(world, handle, order)
    assert ended.quantities["1"].shipped == 1
    assert ended.expected == eur("35.70")
    assert world.channel.count("cancel") == 0


async def test_cancellations_that_come_together_are_decided_one_after_the_other(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    asked = [await begin_cancel(handle, l1=2), await begin_cancel(handle, l1=2)]
    first, second = [await each.result() for each in asked]
    assert (first.units, second.units, second.declined_units) == ({"1": 2}, {"1": 1}, {"1": 1})
    ended = await world.end(handle)
    assert (ended.state, ended.quantities["1"].cancelled) == (OrderState.CANCELLED, 3)
    assert await world.free("MAT-FOAM") == 100


async def test_while_the_warehouse_is_away_the_answer_is_in_doubt_and_it_is_asked_until_it_says(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    gate = world.wms.hold("cancel")
    asked = await begin_cancel(handle, l1=1)
    await world.wait_for(lambda: "cancel" in world.wms.entered)
    await world.fast_forward(handle, policy.IN_DOUBT_AFTER)
    doubtful = await asked.result()
    assert (doubtful.status, doubtful.units) == (CancelStatus.IN_DOUBT, {})
    gate.set()
    seen = await world.until(handle, lambda seen: seen.cancellations[0].confirmed)
    assert seen.cancellations[0].units == {"1": 1}
    again = f"{order.key}#BER-1.2"
    await world.wait_for(lambda: again in world.wms.releases)
    await world.wms.ship(again)
    assert (await finish(world, handle, order)).quantities["1"].cancelled == 1


async def test_the_buyers_own_reason_reaches_the_channel(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "30.00"), cancel_requested="ordered twice")
    handle = await world.start(order)
    await decide(world, handle, CaseKind.CANCEL_REQUESTED, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert (last(world, "cancel").reason, last(world, "cancel").units) == (CancelReason.BUYER, {"1": 2})


async def test_more_than_is_left_is_declined_for_the_difference(world: World) -> None:
    order = three_mats()
    handle = await held(world, order)
    outcome = await cancel(handle, l1=1)
    assert outcome.units == {"1": 1}
    outcome = await cancel(handle, l1=5)
    assert (outcome.units, outcome.declined_units) == ({"1": 2}, {"1": 3})
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_a_channel_that_pays_cancelled_units_back_owes_the_whole_before_its_refund(world: World) -> None:
    order = three_mats()
    handle = await held(world, order)
    await cancel(handle, l1=1)
    await until_told(world, handle)
    taken_off = await world.until(handle, lambda seen: seen.expected == eur("71.40"))
    assert taken_off.expected == eur("71.40")
    lines = tuple(line.model_copy(update={"cancelled": 1}) for line in order.lines)
    await tell(handle, order, lines=lines)
    await world.until(handle, lambda seen: seen.expected == order.receivable)
    await cancel(handle)
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_money_that_comes_late_ends_the_case_about_it(world: World) -> None:
    order = three_mats()
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.waiting_for is not None and "settlement" in seen.waiting_for)
    await world.pay(handle, order, order.receivable + eur("1.00"))
    await case_of(world, handle, CaseKind.SETTLEMENT_DIFFERS)
    await world.pay(handle, order, eur("-1.00"), "S2")
    ended = await world.end(handle)
    assert (ended.state, ended.received, ended.cases) == (OrderState.CLOSED, order.receivable, ())
