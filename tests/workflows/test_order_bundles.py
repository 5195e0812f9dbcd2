"""A bundle is one unit of the order, whatever part of it is where: shipped, cancelled, re-routed, changed."""

from __future__ import annotations

from models.case import Action, CaseKind
from models.catalogue import Component
from models.fulfilment import PickLine
from models.messages import CancelStatus, OrderState
from models.order import Order
from models.terms import SalesTerms
from tests.workflows.acting import cancel, change, decide, finish, held, released
from tests.workflows.test_order_partial import last, until_told
from tests.workflows.world import World, an_order, line


def two_sets() -> Order:
    """A set is one tent and two lamps."""
    return an_order(line("1", "SET", 2, "99.99"))


def tents(units: int) -> PickLine:
    return PickLine(line_id="1", item="TENT", quantity=units)


def lamps(units: int) -> PickLine:
    return PickLine(line_id="1", item="LAMP", per_unit=2, quantity=units)


async def free(world: World) -> tuple[int, int]:
    return await world.free("TENT"), await world.free("LAMP")


async def test_a_reserved_set_is_cancelled_with_all_its_parts(world: World) -> None:
    order = two_sets()
    handle = await held(world, order)
    assert await free(world) == (98, 96)
    assert (await cancel(handle, l1=1)).units == {"1": 1}
    await until_told(world, handle)
    assert await free(world) == (99, 98)
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    ended = await finish(world, handle, order)
    [release] = world.wms.releases.values()
    assert sorted((pick.item, pick.quantity) for pick in release.picks) == [("LAMP", 2), ("TENT", 1)]
    assert ended.quantities["1"].shipped == 1


async def test_a_set_of_which_a_part_has_left_is_too_late_and_the_untouched_one_is_not(world: World) -> None:
    order = two_sets()
    handle = await released(world, order)
    name = f"{order.key}#BER-1"
    await world.wms.ship(name, (tents(1),))
    await world.until(handle, lambda seen: len(seen.shipments) == 1)
    outcome = await cancel(handle)
    assert (outcome.status, outcome.units, outcome.declined_units) == (CancelStatus.CONFIRMED, {"1": 1}, {"1": 1})
    again = f"{name}.2"
    await world.wait_for(lambda: again in world.wms.releases)
    assert world.wms.releases[again].picks == (lamps(2),)
    await world.wms.ship(again)
    await decide(world, handle, CaseKind.CANCEL_TOO_LATE, Action.RETRY)
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (1, 1)
    assert [parcel.units for name, parcel in world.channel.done if name == "confirm"] == [{"1": 1}]
    assert await free(world) == (99, 98)


async def test_what_is_missing_of_a_set_comes_from_another_node_and_the_set_is_confirmed_once(world: World) -> None:
    await world.put_stock("LAMP", "LEJ-2", 10)
    order = two_sets()
    handle = await released(world, order)
    first = f"{order.key}#BER-1"
    await world.wms.fall_short(first, lamps(3))
    second = f"{order.key}#LEJ-2"
    await world.wait_for(lambda: second in world.wms.releases)
    assert world.wms.releases[second].picks == (lamps(3),)
    await world.wms.ship(first, (tents(2), lamps(1)))
    seen = await world.until(handle, lambda seen: len(seen.shipments) == 1)
    assert (seen.quantities["1"].shipped, world.channel.count("confirm")) == (0, 0)
    await world.wms.ship(second)
    ended = await finish(world, handle, order)
    assert [parcel.units for parcel in ended.shipments] == [{}, {"1": 2}]
    assert world.channel.count("confirm") == world.erp.count("post_invoice") == 1


async def test_a_set_is_back_ordered_when_one_of_its_parts_is_missing(world: World) -> None:
    world.sells_on(SalesTerms(partial_shipments=False))
    await world.put_stock("LAMP", "BER-1", 3)
    order = two_sets()
    handle = await world.start(order)
    seen = await world.until(handle, lambda seen: "stock of 1 × TENT, 2 × LAMP" in (seen.waiting_for or ""))
    assert (seen.state, seen.quantities["1"].open) == (OrderState.BACK_ORDERED, 2)
    assert (await cancel(handle, l1=1)).units == {"1": 1}
    ended = await finish(world, handle, order)
    assert ended.quantities["1"].shipped == 1
    assert await free(world) == (99, 1)


async def test_a_set_may_be_replaced_by_another_one_before_its_release(world: World) -> None:
    await world.map_sku("SET-2", Component(item="TENT"), Component(item="MAT-FOAM"))
    order = two_sets()
    handle = await held(world, order)
    await change(handle, sku={"1": "SET-2"})
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    ended = await finish(world, handle, order)
    assert [part.item for part in last(world, "change_order").components] == ["TENT", "MAT-FOAM"]
    assert (await free(world), await world.free("MAT-FOAM")) == ((98, 100), 98)
    assert ended.quantities["1"].shipped == 2
