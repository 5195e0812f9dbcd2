"""What keeps an order from being released, who decides, and what happens when nobody does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.client import WorkflowUpdateFailedError

from models.case import Action, Amendment, CaseKind
from models.catalogue import Component
from models.channel import CancelReason
from models.deadline import DeadlineKind
from models.messages import OrderState
from models.order import Discount, Funder
from models.terms import SalesTerms
from tests.workflows.acting import A_MOMENT, cancel, case_of, decide, finish, held, hold, now, released, tell
from tests.workflows.test_order_partial import last
from tests.workflows.world import ADDRESS, World, an_order, eur, line

WINDOW = timedelta(hours=2)


@pytest.mark.parametrize("action", [Action.SKIP, Action.AMEND, Action.CANCEL])
async def test_an_operators_hold_keeps_the_order_until_somebody_decides(world: World, action: Action) -> None:
    order = an_order()
    handle = await held(world, order)
    seen = await world.until(handle, lambda seen: seen.case is not None)
    assert seen.case is not None
    assert (seen.state, seen.case.is_hold, seen.case.owner) == (OrderState.ON_HOLD, True, "operations")
    assert "held by operator: ask the buyer" in seen.case.reason
    assert world.wms.done == []
    moved = ADDRESS.model_copy(update={"postal_code": "10117"})
    amendment = Amendment(ship_to=moved) if action is Action.AMEND else None
    await decide(world, handle, CaseKind.OPERATOR_HOLD, action, amendment)
    if action is Action.CANCEL:
        assert (await world.end(handle)).state is OrderState.CANCELLED
        assert await world.free("MAT-FOAM") == 100
        return
    await finish(world, handle, order)
    [release] = world.wms.releases.values()
    assert release.ship_to == (moved if action is Action.AMEND else ADDRESS)


@pytest.mark.parametrize(("on_expiry", "state"), [(Action.SKIP, "closed"), (Action.CANCEL, "cancelled")])
async def test_a_hold_that_nobody_decides_on_ends_as_was_agreed(world: World, on_expiry: Action, state: str) -> None:
    order = an_order()
    gate = world.fraud.hold("assess")
    handle = await world.start(order)
    await hold(handle, expires_at=now() + WINDOW, on_expiry=on_expiry)
    gate.set()
    await case_of(world, handle, CaseKind.OPERATOR_HOLD)
    await world.fast_forward(handle, WINDOW - A_MOMENT)
    assert (await world.until_case(handle)).state is OrderState.ON_HOLD
    await world.fast_forward(handle, 2 * A_MOMENT)
    if on_expiry is Action.SKIP:
        await finish(world, handle, order)
    assert (await world.end(handle)).state == state


async def test_a_hold_comes_too_late_once_the_order_is_released(world: World) -> None:
    order = an_order()
    handle = await released(world, order)
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await hold(handle)
    assert "is released already: cancel it, or have it returned" in str(refusal.value.cause)
    assert (await cancel(handle)).confirmed
    await world.end(handle)


@pytest.mark.parametrize("action", [Action.SKIP, Action.CANCEL])
async def test_a_price_below_its_floor_is_a_persons_decision(world: World, action: Action) -> None:
    await world.map_sku("CHEAP", Component(item="MAT-FOAM"), floor=eur("30.00"))
    given = Discount(amount=eur("10.00"), funded_by=Funder.SELLER)
    order = an_order(line("1", "CHEAP", 2, "34.00", discounts=(given,)))
    handle = await world.start(order)
    case = await decide(world, handle, CaseKind.PRICE_BELOW_FLOOR, action)
    assert "CHEAP at 58.00 EUR, floor 30.00 EUR a unit" in case.reason
    if action is Action.SKIP:
        await finish(world, handle, order)
    else:
        assert (await world.end(handle)).state is OrderState.CANCELLED
        assert last(world, "cancel").reason is CancelReason.PRICING_ERROR


@pytest.mark.parametrize("amount", ["30.00", "30.01"])
async def test_a_price_at_its_floor_is_not_held(world: World, amount: str) -> None:
    await world.map_sku("FAIR", Component(item="MAT-FOAM"), floor=eur("30.00"))
    paid_by_channel = Discount(amount=eur("5.00"), funded_by=Funder.CHANNEL)
    order = an_order(line("1", "FAIR", 1, amount, discounts=(paid_by_channel,)))
    await finish(world, await world.start(order), order)


async def test_floors_may_be_switched_off_and_their_hold_may_end_in_a_sale(world: World) -> None:
    await world.map_sku("CHEAP", Component(item="MAT-FOAM"), floor=eur("90.00"))
    world.sells_on(SalesTerms(price_floors=False))
    order = an_order(line("1", "CHEAP", 1, "34.00"))
    await finish(world, await world.start(order), order)
    world.sells_on(SalesTerms(hold_window=WINDOW, floor_hold_ends_in=Action.SKIP))
    order = an_order(line("1", "CHEAP", 1, "34.00"))
    handle = await world.start(order)
    await case_of(world, handle, CaseKind.PRICE_BELOW_FLOOR)
    await world.fast_forward(handle, WINDOW + A_MOMENT)
    await finish(world, handle, order)


async def test_nothing_is_released_before_the_cancel_window_ends(world: World) -> None:
    world.sells_on(SalesTerms(cancel_window=WINDOW))
    order = an_order(purchased_at=now(), version=now())
    handle = await world.start(order)
    seen = await world.until(handle, lambda seen: "cancel window" in (seen.waiting_for or ""))
    [deadline] = [each for each in seen.deadlines if each.kind is DeadlineKind.CANCEL_WINDOW]
    assert (deadline.due, deadline.passed) == (order.purchased_at + WINDOW, False)
    await world.fast_forward(handle, WINDOW - A_MOMENT)
    assert world.wms.done == []
    await world.fast_forward(handle, 2 * A_MOMENT)
    ended = await finish(world, handle, order)
    assert [each.passed for each in ended.deadlines if each.kind is DeadlineKind.CANCEL_WINDOW] == [True]


async def test_within_the_cancel_window_a_buyers_wish_needs_no_decision(world: World) -> None:
    world.sells_on(SalesTerms(cancel_window=WINDOW))
    order = an_order(purchased_at=now(), version=now())
    handle = await world.start(order)
    await world.until(handle, lambda seen: "cancel window" in (seen.waiting_for or ""))
    later = order.model_copy(update={"version": order.version + A_MOMENT})
    await tell(handle, later, cancel_requested="too big", version=later.version)
    ended = await world.end(handle)
    assert ended.state is OrderState.CANCELLED
    assert ended.cancellations[0].reason == "the buyer asks to cancel: too big"
    assert world.wms.done == []


async def test_a_suspicious_order_that_nobody_reviews_is_cancelled_for_fraud(world: World) -> None:
    world.sells_on(SalesTerms(hold_window=WINDOW))
    world.fraud.decision = "review"
    handle = await world.start(an_order())
    case = await case_of(world, handle, CaseKind.FRAUD_REVIEW)
    assert (case.on_expiry, case.owner) == (Action.CANCEL, "fraud")
    await world.fast_forward(handle, WINDOW + A_MOMENT)
    assert (await world.end(handle)).state is OrderState.CANCELLED
