"""Moving orders that run: what `patched` makes possible, what a careless change does, and the way back."""

from __future__ import annotations

from models.messages import OrderState
from stack.rescue import RUNNING, Moved, Pinned, move, of_workflows, on_build, pinned
from tests.versioning.fleet import NEW, OLD, Fleet, build_of, builds_in, contradictions, doubled, until
from tests.versioning.later import CarelessOrderWorkflow, PatchedOrderWorkflow
from tests.workflows.world import Handle, World, an_order, line


async def test_an_order_whose_build_has_no_workers_any_more_is_rescued_by_one_that_heeds_its_history(
    fleet: Fleet,
) -> None:
    world = fleet.world
    handle = await released(fleet)
    await fleet.start(NEW, PatchedOrderWorkflow)
    await fleet.rollout.set_current(NEW)
    await fleet.stop(OLD)
    await ship(world)

    assert (await rescued(fleet, handle, NEW)).moved == 1

    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert await builds_in(handle) == [OLD, NEW]
    assert await contradictions(handle) == []
    assert doubled(world) == {}


async def test_a_rescue_by_a_careless_build_stops_the_order_and_the_way_back_lets_it_go_on(fleet: Fleet) -> None:
    world = fleet.world
    handle = await released(fleet)
    await fleet.start(NEW, CarelessOrderWorkflow)
    await rescued(fleet, handle, NEW)
    await ship(world)
    (said, *_) = await until(lambda: contradictions(handle), bool)
    assert "TMPRL1100" in said

    assert (await rescued(fleet, handle, OLD)).moved == 1

    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert await builds_in(handle) == [OLD]
    assert doubled(world) == {}


async def test_a_query_finds_the_orders_of_a_build_and_no_others(fleet: Fleet) -> None:
    world = fleet.world
    old = await released(fleet)
    await fleet.start(NEW, CarelessOrderWorkflow)
    await fleet.rollout.set_current(NEW)
    new = await begun(world)
    client = world.client
    both = [Pinned(old.id, OLD), Pinned(new.id, NEW)]
    assert await until(lambda: pinned(client, RUNNING), lambda found: len(found) == 2) == sorted(both)
    assert await pinned(client, on_build(OLD)) == both[:1]
    assert await pinned(client, of_workflows([new.id])) == both[1:]
    assert await pinned(client, of_workflows(["order/shopify/o'neill/\\1"])) == []


async def test_an_order_that_has_ended_meanwhile_is_counted_and_left_alone(fleet: Fleet) -> None:
    world = fleet.world
    handle = await released(fleet)
    await handle.terminate()
    moved = await move(world.client, [Pinned(handle.id, OLD), Pinned("order/shopify/main/never", OLD)], OLD)
    assert (moved.moved, moved.ended) == (0, 2)


async def released(fleet: Fleet, *skus: str) -> Handle:
    """An order on the old build that waits for the warehouse."""
    fleet.world.wms.manual = True
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    return await begun(fleet.world, *skus)


async def begun(world: World, *skus: str) -> Handle:
    lines = [line(str(number), sku, 1, "34.50") for number, sku in enumerate(skus or ("MAT",), 1)]
    handle = await world.start(an_order(*lines))
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    await until(lambda: build_of(handle), bool)
    return handle


async def rescued(fleet: Fleet, handle: Handle, build: str, at_least: int = 1) -> Moved:
    client = fleet.world.client
    found = await until(lambda: pinned(client, of_workflows([handle.id])), lambda seen: len(seen) >= at_least)
    return await move(client, found, build)


async def ship(world: World) -> None:
    for fulfilment_id in list(world.wms.releases):
        await world.wms.ship(fulfilment_id)
