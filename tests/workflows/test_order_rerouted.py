"""A node ships less, nothing, or not at all: the rest goes to another node, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.fulfilment import Shortfall, ShortfallKind
from models.messages import OrderState
from models.order import Order
from models.terms import SalesTerms
from tests.workflows.acting import A_MOMENT, cancel, finish, mats, released
from tests.workflows.world import PURCHASED, World, an_order, line, refused
from workflows import policy

PATIENCE = timedelta(hours=3)


def three_mats() -> Order:
    return an_order(line("1", "MAT", 3, "30.00"))


async def also_in_leipzig(world: World, units: int = 50) -> None:
    await world.put_stock("MAT-FOAM", "LEJ-2", units)


@pytest.mark.parametrize("kind", ShortfallKind)
async def test_what_a_node_does_not_ship_goes_to_another_one(world: World, kind: ShortfallKind) -> None:
    await also_in_leipzig(world)
    order = three_mats()
    handle = await released(world, order)
    first = next(iter(world.wms.releases))
    node = world.wms.releases[first].node
    for _ in range(2):
        await world.wms.fall_short(first, mats(2), kind=kind)
    await world.wait_for(lambda: len(world.wms.releases) == 2)
    second = next(name for name in world.wms.releases if name != first)
    assert (world.wms.releases[second].node != node, world.wms.releases[second].picks) == (True, (mats(2),))
    await world.wms.ship(first, (mats(1),))
    await world.wms.ship(second)
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, len(ended.nodes)) == (3, 2)
    lost = 2 if kind is ShortfallKind.SHORT_PICK else 0
    assert await world.free("MAT-FOAM") == 150 - 3 - lost


async def test_a_short_pick_that_nobody_else_has_is_back_ordered(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    await world.wms.fall_short(f"{order.key}#BER-1")
    seen = await world.until(handle, lambda seen: "stock of 3 × MAT-FOAM" in (seen.waiting_for or ""))
    assert (seen.state, seen.quantities["1"].open) == (OrderState.BACK_ORDERED, 3)
    await also_in_leipzig(world)
    await world.wait_for(lambda: f"{order.key}#LEJ-2" in world.wms.releases)
    await world.wms.ship(f"{order.key}#LEJ-2")
    ended = await finish(world, handle, order)
    assert ended.nodes == ("LEJ-2",)


async def test_a_node_that_refuses_the_release_is_passed_over(world: World) -> None:
    await also_in_leipzig(world)
    world.wms.will_fail("release", refused("node"))
    order = three_mats()
    handle = await world.start(order)
    ended = await finish(world, handle, order)
    [release] = world.wms.releases.values()
    assert ended.nodes == (release.node,)
    assert ended.cases == ()
    assert await world.free("MAT-FOAM") == 147


async def test_a_silent_node_loses_the_goods_to_one_that_has_them(world: World) -> None:
    await also_in_leipzig(world)
    world.sells_on(SalesTerms(node_patience=PATIENCE))
    order = three_mats()
    handle = await released(world, order)
    first = next(iter(world.wms.releases))
    await world.fast_forward(handle, PATIENCE - A_MOMENT)
    assert len(world.wms.releases) == 1
    await world.fast_forward(handle, policy.SILENT_NODE + 2 * A_MOMENT)
    await world.wait_for(lambda: len(world.wms.releases) == 2)
    assert first in world.wms.stopped
    second = next(name for name in world.wms.releases if name != first)
    await world.wms.ship(second)
    ended = await finish(world, handle, order)
    assert ended.nodes == (world.wms.releases[second].node,)
    assert await world.free("MAT-FOAM") == 147


async def test_a_warehouse_that_reports_nothing_is_asked_what_it_shipped_and_what_it_will_not(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    name = f"{order.key}#BER-1"
    await world.wms.ship(name, (mats(1),), report=False)
    world.wms.short[name] = [
        Shortfall(
            report_id=f"{name}~short",
            fulfilment_id=name,
            node="BER-1",
            kind=ShortfallKind.SHORT_PICK,
            reported_at=PURCHASED,
            picks=(mats(2),),
        )
    ]
    await also_in_leipzig(world)
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    await world.wait_for(lambda: len(world.wms.releases) == 2)
    second = next(each for each in world.wms.releases if each != name)
    assert world.wms.releases[second].picks == (mats(2),)
    await world.wms.ship(second)
    ended = await finish(world, handle, order)
    assert ended.quantities["1"].shipped == 3


@pytest.mark.parametrize("why", ["nobody else has it", "it does not stop"])
async def test_a_silent_node_keeps_the_goods_when(world: World, why: str) -> None:
    if why == "it does not stop":
        await also_in_leipzig(world)
        world.wms.says_no_to_cancel = True
    world.sells_on(SalesTerms(node_patience=PATIENCE))
    order = three_mats()
    handle = await released(world, order)
    first = next(iter(world.wms.releases))
    await world.fast_forward(handle, PATIENCE + policy.SILENT_NODE + A_MOMENT)
    await world.wait_for(lambda: world.wms.count("shipments") >= 3)
    if why == "it does not stop":
        await world.wait_for(lambda: world.wms.count("cancel") == 1)
    await world.wms.ship(first)
    ended = await finish(world, handle, order)
    assert list(world.wms.releases) == [first]
    assert ended.quantities["1"].shipped == 3


async def test_what_is_left_after_a_short_pick_can_be_cancelled(world: World) -> None:
    order = three_mats()
    handle = await released(world, order)
    await world.wms.ship(f"{order.key}#BER-1", (mats(1),))
    await world.wms.fall_short(f"{order.key}#BER-1", mats(2))
    await world.until(handle, lambda seen: "stock of 2 × MAT-FOAM" in (seen.waiting_for or ""))
    assert (await cancel(handle)).units == {"1": 2}
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (1, 2)
