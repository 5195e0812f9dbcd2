"""Tax that was estimated while the engine was away is recorded when it is back; the order goes on meanwhile."""

from __future__ import annotations

from datetime import timedelta

from connectors.errors import Unavailable
from models.messages import OrderState
from models.order import Order
from tests.workflows.acting import A_MOMENT, cancel, finish, released
from tests.workflows.world import Handle, World, an_order, line, refused, taxed
from workflows import healing

BEFORE_THE_TABLE = 3
"""Attempts before the rate table is asked."""


def taxed_order() -> Order:
    return an_order(taxed(line("1", "MAT", 2, "30.00"), "11.40"))


def engine_is_away(world: World, calls: int) -> None:
    world.tax.will_fail("quote", *(Unavailable("away", timedelta(milliseconds=10)) for _ in range(calls)))


async def estimated(world: World, handle: Handle) -> None:
    await world.until(handle, lambda seen: seen.degraded.get(healing.TAX) == healing.ESTIMATED)


async def test_what_was_estimated_is_recorded_and_committed_when_the_engine_is_back(world: World) -> None:
    engine_is_away(world, 1_000)
    order = taxed_order()
    handle = await world.start(order)
    await estimated(world, handle)
    seen = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert world.tax.done == []
    await world.pay(handle, order, seen.expected)
    await world.until(handle, lambda seen: seen.waiting_for == "the tax engine to record the sale")
    world.tax.forget_trouble("quote")
    await world.fast_forward(handle, 3 * A_MOMENT)
    ended = await world.end(handle)
    assert (ended.state, ended.degraded) == (OrderState.CLOSED, {})
    assert [name for name, _ in world.tax.done] == ["quote", "commit"]


async def test_an_engine_that_declines_later_leaves_the_estimate(world: World) -> None:
    engine_is_away(world, BEFORE_THE_TABLE)
    world.tax.will_fail("quote", refused("code"))
    order = taxed_order()
    handle = await world.start(order)
    ended = await finish(world, handle, order)
    assert ended.degraded == {healing.TAX: healing.ESTIMATED}
    assert world.tax.count("commit") == 0


async def test_units_that_are_cancelled_while_the_engine_is_away_are_not_recorded(world: World) -> None:
    engine_is_away(world, 1_000)
    order = taxed_order()
    handle = await released(world, order)
    assert (await cancel(handle, l1=1)).confirmed
    again = f"{order.key}#BER-1.2"
    await world.wait_for(lambda: again in world.wms.releases)
    await world.wms.ship(again)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    world.tax.forget_trouble("quote")
    await world.fast_forward(handle, 3 * A_MOMENT)
    await finish(world, handle, order)
    recorded = [subject for name, subject in world.tax.done if name == "quote"]
    assert recorded[-1].lines[0].cancelled == 1
    assert world.tax.count("commit") == 1


async def test_an_order_that_is_cancelled_while_the_engine_is_away_leaves_no_document(world: World) -> None:
    engine_is_away(world, 1_000)
    handle = await released(world, taxed_order())
    assert (await cancel(handle)).confirmed
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert [name for name, _ in world.tax.done] == ["void"]
