"""A roll-out with orders in flight: tried out on a share, taken back, made general, taken back, made general again.

The later build really differs in its commands: an order that changed builds on the way would contradict its history.
"""

from __future__ import annotations

from collections import Counter

import pytest

from capture.temporal import tell_order
from models.messages import OrderState
from models.order import ChannelState, Order
from store import stock
from tests.versioning.fleet import NEW, OLD, Fleet, build_of, builds_in, contradictions, doubled, each, effects, until
from tests.versioning.later import CarelessOrderWorkflow
from tests.workflows.world import PURCHASED, Handle, World, an_order

Orders = list[tuple[Handle, Order]]


async def test_twenty_orders_in_flight_survive_a_roll_out_and_its_roll_backs(fleet: Fleet) -> None:
    await roll_out(fleet, 4)


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_two_hundred_orders_in_flight_survive_a_roll_out_and_its_roll_backs(fleet: Fleet) -> None:
    shares = await roll_out(fleet, 40)
    assert min(shares.values()) > 0  # Of forty orders that chance sends one way or the other.


async def roll_out(fleet: Fleet, wave: int) -> Counter[str]:
    """Five waves of orders; returns how those of the ramp were shared out."""
    world, rollout = fleet.world, fleet.rollout
    world.wms.manual = True
    async with world.database.session() as session:
        await stock.set_level(session, "MAT-FOAM", "BER-1", 10 * wave)
    await fleet.start(OLD)
    await rollout.set_current(OLD)
    before = await buy(world, wave)
    await fleet.start(NEW, CarelessOrderWorkflow)
    await rollout.ramp(NEW, 50)
    ramped = await buy(world, wave)
    await rollout.ramp(NEW, 0)
    after_the_ramp = await buy(world, wave)
    await rollout.set_current(NEW)
    rolled_out = await buy(world, wave)
    await rollout.set_current(OLD)
    rolled_back = await buy(world, wave)
    await rollout.set_current(NEW)

    begun = dict.fromkeys((handle.id for handle, _ in before + after_the_ramp + rolled_back), OLD)
    begun |= dict.fromkeys((handle.id for handle, _ in rolled_out), NEW)
    begun |= {handle.id: await build_of(handle) for handle, _ in ramped}
    for build in (OLD, NEW):
        await fleet.restart(build)
    bought = before + ramped + after_the_ramp + rolled_out + rolled_back
    await come_to_an_end(world, bought)

    handles = [handle for handle, _ in bought]
    names = [handle.id for handle in handles]
    stayed = dict(zip(names, await each(handles, builds_in), strict=True))
    assert stayed == {workflow_id: [build] for workflow_id, build in begun.items()}
    wrong = [said for found in await each(handles, contradictions) for said in found]
    print(f"{len(handles)} orders, {Counter(begun.values())}, {len(wrong)} contradictions, doubled: {doubled(world)}")
    assert wrong == []
    assert doubled(world) == {}
    assert {name: len(counts) for name, counts in effects(world).items()} == dict.fromkeys(effects(world), len(bought))
    return Counter(begun[handle.id] for handle, _ in ramped)


async def buy(world: World, count: int) -> Orders:
    """Half of them wait at the very front, for the buyer's payment, and half in the middle, for the warehouse."""
    orders = [an_order(state=ChannelState.PENDING if number % 2 else ChannelState.OPEN) for number in range(count)]
    bought = [(await world.start(order), order) for order in orders]
    for handle, order in bought:
        await in_flight(
            world, handle, OrderState.ON_HOLD if order.state is ChannelState.PENDING else OrderState.RELEASED
        )
    return bought


async def in_flight(world: World, handle: Handle, state: OrderState) -> None:
    await world.until(handle, lambda seen: seen.state is state)
    await until(lambda: build_of(handle), bool)


async def come_to_an_end(world: World, bought: Orders) -> None:
    """Buyers pay, the warehouse ships, money comes."""
    for _, order in bought:
        if order.state is ChannelState.PENDING:
            paid = order.model_copy(update={"state": ChannelState.OPEN, "version": PURCHASED.replace(hour=12)})
            assert await tell_order(world.client, paid)
    await world.wait_for(lambda: len(world.wms.releases) == len(bought))
    for fulfilment_id in list(world.wms.releases):
        await world.wms.ship(fulfilment_id)
    for handle, order in bought:
        await world.pay(handle, order)
    ended = await each([handle for handle, _ in bought], world.end)
    assert Counter(snapshot.state for snapshot in ended) == {OrderState.CLOSED: len(bought)}
