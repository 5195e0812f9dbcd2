"""Goods that are not there yet: waited for until the date that was promised, together or in parts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.case import Action, CaseKind
from models.catalogue import Component
from models.channel import CancelReason
from models.deadline import DeadlineKind
from models.messages import OrderSnapshot, OrderState
from models.terms import SalesTerms
from tests.workflows.acting import A_MOMENT, cancel, case_of, decide, finish, now, released
from tests.workflows.test_order_partial import last
from tests.workflows.world import Handle, World, an_order, line

PROMISE = timedelta(days=2)


def promise_of(seen: OrderSnapshot) -> list[tuple[bool, bool]]:
    return [(each.met, each.passed) for each in seen.deadlines if each.kind is DeadlineKind.BACK_ORDER]


async def back_ordered(world: World, handle: Handle) -> OrderSnapshot:
    return await world.until(handle, lambda seen: "stock of 1 × MAT-FOAM" in (seen.waiting_for or ""))


async def test_an_order_that_ships_as_a_whole_holds_nothing_until_everything_is_there(world: World) -> None:
    order = an_order(line("1", "MAT", 101, "1.00"))
    handle = await world.start(order)
    seen = await back_ordered(world, handle)
    assert (seen.state, seen.quantities["1"].open, await world.free("MAT-FOAM")) == (OrderState.BACK_ORDERED, 101, 100)
    assert promise_of(seen) == [(False, False)]
    await world.put_stock("MAT-FOAM", "BER-1", 101)
    ended = await finish(world, handle, order)
    assert promise_of(ended) == [(True, False)]
    assert len(world.wms.releases) == 1


async def test_an_order_that_may_ship_in_parts_ships_what_is_there_and_the_rest_when_it_comes(world: World) -> None:
    world.sells_on(SalesTerms(partial_shipments=True))
    order = an_order(line("1", "MAT", 101, "1.00"))
    handle = await world.start(order)
    seen = await back_ordered(world, handle)
    seen = await world.until(handle, lambda seen: seen.state is OrderState.PARTIALLY_SHIPPED)
    assert seen.quantities["1"].shipped == 100
    await world.put_stock("MAT-FOAM", "LEJ-2", 5)
    ended = await finish(world, handle, order)
    assert [sum(parcel.units.values()) for parcel in ended.shipments] == [100, 1]
    assert ended.nodes == ("BER-1", "LEJ-2")


@pytest.mark.parametrize("action", [Action.RETRY, Action.SKIP, Action.CANCEL])
async def test_when_the_promised_date_passes_a_person_decides(world: World, action: Action) -> None:
    world.sells_on(SalesTerms(promise=PROMISE))
    order = an_order(line("1", "MAT", 101, "1.00"), line("2", "BOTTLE", 1, "9.00"))
    handle = await world.start(order)
    await back_ordered(world, handle)
    await world.fast_forward(handle, PROMISE + A_MOMENT)
    case = await decide(world, handle, CaseKind.OUT_OF_STOCK, action)
    assert (case.detail, case.owner) == ({"short": {"MAT-FOAM": 1}}, "purchasing")
    if action is Action.RETRY:
        assert (await back_ordered(world, handle)).quantities["2"].open == 1
        await world.put_stock("MAT-FOAM", "BER-1", 101)
        ended = await finish(world, handle, order)
        assert ended.quantities["1"].shipped == 101
    elif action is Action.SKIP:
        seen = await world.until(handle, lambda seen: len(seen.shipments) == 2)
        assert (seen.quantities["1"].shipped, seen.quantities["2"].shipped) == (100, 1)
        assert (await cancel(handle)).units == {"1": 1}
        await finish(world, handle, order)
    else:
        ended = await world.end(handle)
        assert ended.state is OrderState.CANCELLED
        assert last(world, "cancel").reason is CancelReason.OUT_OF_STOCK
    assert promise_of(await world.end(handle) if action is not Action.RETRY else ended) == [(False, True)]


async def test_a_pre_order_is_not_reserved_before_its_day_and_then_goes_by_itself(world: World) -> None:
    day = now() + timedelta(days=2)
    await world.map_sku("NEXT", Component(item="BOTTLE-1L"), available_from=day)
    order = an_order(line("1", "NEXT", 1, "20.00"))
    handle = await world.start(order)
    seen = await world.until(handle, lambda seen: f"may be shipped, {day:%Y-%m-%d}" in (seen.waiting_for or ""))
    assert (seen.quantities["1"].open, await world.free("BOTTLE-1L")) == (1, 100)
    assert world.erp.count("create_order") == 1
    await world.fast_forward(handle, timedelta(days=2) - A_MOMENT)
    assert world.wms.done == []
    await world.fast_forward(handle, 2 * A_MOMENT)
    await finish(world, handle, order)


async def test_a_pre_order_whose_day_comes_while_the_erp_is_asked_goes_by_itself(world: World) -> None:
    day = now() + timedelta(seconds=6)
    await world.map_sku("NEXT", Component(item="BOTTLE-1L"), available_from=day)
    gate = world.erp.hold("create_order")
    order = an_order(line("1", "NEXT", 1, "20.00"))
    handle = await world.start(order)
    await world.wait_for(lambda: "create_order" in world.erp.entered)
    await world.wait_for(lambda: now() > day)
    gate.set()
    await finish(world, handle, order)


async def test_what_is_there_does_not_wait_for_the_pre_ordered_line(world: World) -> None:
    day = now() + timedelta(days=2)
    await world.map_sku("NEXT", Component(item="BOTTLE-1L"), available_from=day)
    order = an_order(line("1", "MAT", 1, "20.00"), line("2", "NEXT", 1, "20.00"))
    handle = await world.start(order)
    seen = await world.until(handle, lambda seen: len(seen.shipments) == 1)
    assert (seen.shipments[0].units, seen.quantities["2"].open) == ({"1": 1}, 1)
    await world.fast_forward(handle, timedelta(days=2) + A_MOMENT)
    assert len((await finish(world, handle, order)).shipments) == 2


async def test_units_that_are_waited_for_can_be_cancelled_without_asking_the_warehouse(world: World) -> None:
    world.sells_on(SalesTerms(partial_shipments=True))
    order = an_order(line("1", "MAT", 101, "1.00"))
    handle = await released(world, order)
    assert (await cancel(handle, l1=1)).units == {"1": 1}
    assert world.wms.count("cancel") == 0
    await world.wms.ship(f"{order.key}#BER-1")
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (100, 1)
    assert promise_of(ended) == [(True, False)]


async def test_a_case_of_missing_stock_ends_by_itself_when_the_stock_comes(world: World) -> None:
    world.sells_on(SalesTerms(promise=PROMISE))
    order = an_order(line("1", "MAT", 101, "1.00"))
    handle = await world.start(order)
    await back_ordered(world, handle)
    await world.fast_forward(handle, PROMISE + A_MOMENT)
    await case_of(world, handle, CaseKind.OUT_OF_STOCK)
    await world.put_stock("MAT-FOAM", "BER-1", 101)
    await finish(world, handle, order)
