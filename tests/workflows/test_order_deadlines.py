"""The channel's deadlines, what a warehouse does against its word, and what is counted of money and goods."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connectors.errors import Unavailable
from models.case import Action, CaseKind
from models.deadline import DeadlineKind
from models.messages import CauseGone, OrderSnapshot, OrderState, RefundCounted, ReturnCounted
from models.states import WAYS
from models.terms import SalesTerms
from tests.workflows.acting import A_MOMENT, cancel, case_of, decide, finish, mats, now, released
from tests.workflows.world import World, an_order, eur, line, refused
from workflows import policy
from workflows.order import OrderWorkflow


def marks(seen: OrderSnapshot, kind: DeadlineKind) -> tuple[bool, bool]:
    return next((each.met, each.passed) for each in seen.deadlines if each.kind is kind)


async def test_a_channel_that_hears_in_time_that_we_take_the_order_meets_the_deadline(world: World) -> None:
    order = an_order(acknowledge_by=now() + timedelta(hours=4))
    handle = await world.start(order)
    ended = await finish(world, handle, order)
    assert marks(ended, DeadlineKind.ACKNOWLEDGE) == (True, False)
    assert world.channel.count("acknowledge") == 1


async def test_an_acknowledgement_that_is_late_is_a_case_that_ends_when_the_channel_has_heard(world: World) -> None:
    world.channel.will_fail("acknowledge", *(Unavailable("away", timedelta(seconds=30)) for _ in range(1_000)))
    order = an_order(acknowledge_by=now() - timedelta(days=1))
    handle = await world.start(order)
    await world.wait_for(lambda: "acknowledge" in world.channel.entered)
    await world.fast_forward(handle, policy.AT_LEAST + A_MOMENT)
    case = await case_of(world, handle, CaseKind.ACKNOWLEDGE_OVERDUE)
    assert (case.owner, case.allowed) == ("channel", (Action.RETRY,))
    world.channel.forget_trouble("acknowledge")
    await world.fast_forward(handle, 3 * A_MOMENT)
    ended = await finish(world, handle, order)
    assert marks(ended, DeadlineKind.ACKNOWLEDGE) == (False, True)
    assert ended.cases == ()


async def test_a_parcel_that_the_channel_has_not_heard_of_in_time_is_a_case(world: World) -> None:
    world.sells_on(SalesTerms(confirm_within=timedelta(hours=2)))
    world.channel.will_fail("confirm", refused("carrier"))
    order = an_order()
    handle = await world.start(order)
    await case_of(world, handle, CaseKind.CHANNEL_DECLINED)
    await world.fast_forward(handle, timedelta(hours=2) - A_MOMENT)
    assert len((await world.until_case(handle)).cases) == 1
    await world.fast_forward(handle, 2 * A_MOMENT)
    await case_of(world, handle, CaseKind.CONFIRM_OVERDUE)
    await decide(world, handle, CaseKind.CHANNEL_DECLINED, Action.RETRY)
    ended = await finish(world, handle, order)
    assert marks(ended, DeadlineKind.CONFIRM_BY) == (False, True)


async def test_goods_that_leave_after_a_confirmed_stop_are_a_case_and_nothing_is_lost(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "30.00"))
    handle = await released(world, order)
    name = f"{order.key}#BER-1"
    assert (await cancel(handle, l1=1)).units == {"1": 1}
    again = f"{name}.2"
    await world.wait_for(lambda: again in world.wms.releases)
    await world.wms.ship(name, (mats(1),))
    case = await case_of(world, handle, CaseKind.LATE_EVENT)
    assert f"shipped TR1 after it had stopped {name}" in case.reason
    assert case.allowed == (Action.SKIP,)
    await decide(world, handle, CaseKind.LATE_EVENT, Action.SKIP)
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (1, 1)
    assert again in world.wms.stopped
    assert await world.free("MAT-FOAM") == 99


async def test_refunds_and_returns_are_counted_once_and_never_beyond_what_can_be(world: World) -> None:
    order = an_order(line("1", "MAT", 3, "30.00"))
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    back = ReturnCounted(return_id="R1", units={"1": 1})
    paid = RefundCounted(refund_id="F1", total=eur("30.00"), receivable=eur("30.00"), units={"1": 1})
    goodwill = RefundCounted(refund_id="F2", total=eur("5.00"), receivable=eur("5.00"), units={"1": 1}, goodwill=True)
    too_much = RefundCounted(refund_id="F3", total=eur("30.00"), receivable=eur("30.00"), units={"1": 9})
    for _ in range(2):
        await handle.signal(OrderWorkflow.goods_returned, back)
        await handle.signal(OrderWorkflow.refund_counted, paid)
        await handle.signal(OrderWorkflow.refund_counted, goodwill)
    await handle.signal(OrderWorkflow.refund_counted, too_much)
    seen = await world.until(handle, lambda seen: seen.refunded == eur("65.00"))
    counted = seen.quantities["1"]
    assert (counted.returned, counted.refunded, counted.goodwill, counted.shipped) == (1, 2, 1, 3)
    ended = await finish(world, handle, order)
    assert ended.received == eur("90.00")


@pytest.mark.parametrize("subject", ["tax_code:P123", "connection:erp"])
async def test_one_fix_outside_resumes_the_case_that_waits_for_it_and_no_other(world: World, subject: str) -> None:
    world.erp.will_fail("create_order", refused("tax_code:P123"))
    order = an_order()
    handle = await world.start(order)
    case = await case_of(world, handle, CaseKind.ERP_DECLINED)
    assert case.subject == "tax_code:P123"
    await handle.signal(OrderWorkflow.cause_gone, CauseGone(subject=subject, note="put right"))
    if subject != case.subject:
        assert (await world.until_case(handle)).cases == (case,)
        await handle.signal(OrderWorkflow.cause_gone, CauseGone(subject=case.subject))
    await finish(world, handle, order)
    assert world.erp.count("create_order") == 1


async def test_no_run_takes_a_way_that_the_page_of_states_does_not_have(world: World) -> None:
    order = an_order()
    await finish(world, await world.start(order), order)
    await world.check_way(order)


async def test_a_way_that_the_page_of_states_does_not_have_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = an_order()
    await finish(world, await world.start(order), order)
    with monkeypatch.context() as patched:
        patched.setitem(WAYS, OrderState.ACCEPTED, frozenset({OrderState.RELEASED}))
        with pytest.raises(AssertionError, match="took ways that"):
            await world.check_way(order)


async def test_the_return_window_shows_until_it_has_passed(world: World) -> None:
    world.sells_on(SalesTerms(return_window=timedelta(days=20)))
    order = an_order()
    handle = await world.start(order)
    seen = await world.until(handle, lambda seen: "settlement" in (seen.waiting_for or ""))
    due = next(each.due for each in seen.deadlines if each.kind is DeadlineKind.RETURN_WINDOW)
    assert due == seen.shipments[0].shipped_at + timedelta(days=20)
    await world.fast_forward(handle, due - now() - A_MOMENT)
    assert marks(await world.until(handle, bool), DeadlineKind.RETURN_WINDOW) == (False, False)
    await world.fast_forward(handle, 2 * A_MOMENT)
    await world.until(handle, lambda seen: marks(seen, DeadlineKind.RETURN_WINDOW) == (False, True))
    await finish(world, handle, order)
