"""Changes before the release reach every system; after it they are refused with the reason."""

from __future__ import annotations

import pytest

from models.case import Action, CaseKind
from models.messages import Correction, OrderState
from models.order import Address
from store import stock
from tests.workflows.acting import cancel, change, decide, finish, held, mats, refusal, released
from tests.workflows.test_order_partial import last, until_told
from tests.workflows.world import ADDRESS, World, an_order, eur, line, taxed
from workflows.order import OrderWorkflow

MOVED = ADDRESS.model_copy(update={"postal_code": "10117", "lines": ("Side Street 2",)})


async def test_address_and_service_are_changed_and_everything_is_planned_anew(world: World) -> None:
    order = an_order(taxed(line("1", "MAT", 2, "30.00"), "11.40"))
    handle = await held(world, order)
    await change(handle, ship_to=MOVED, service_level="express")
    await until_told(world, handle)
    restated = last(world, "change_order")
    assert (restated.order.ship_to, restated.order.service_level) == (MOVED, "express")
    assert last(world, "quote").ship_to == MOVED
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    await finish(world, handle, order)
    [release] = world.wms.releases.values()
    assert (release.ship_to, release.service_level, release.picks) == (MOVED, "express", (mats(2),))
    assert await world.free("MAT-FOAM") == 98


async def test_a_lower_quantity_is_a_cancellation_of_the_difference(world: World) -> None:
    order = an_order(line("1", "MAT", 3, "30.00"))
    handle = await held(world, order)
    await change(handle, quantity={"1": 1})
    await until_told(world, handle)
    assert await world.free("MAT-FOAM") == 99
    assert last(world, "cancel").units == {"1": 2}
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    ended = await finish(world, handle, order)
    assert (ended.quantities["1"].shipped, ended.quantities["1"].cancelled) == (1, 2)
    assert [outcome.units for outcome in ended.cancellations] == [{"1": 2}]
    assert world.channel.count("cancel") == 1


async def test_another_sku_is_shipped_instead_and_the_erp_gets_its_items(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "30.00"))
    handle = await held(world, order)
    await change(handle, sku={"1": "BOTTLE"})
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    ended = await finish(world, handle, order)
    restated = last(world, "change_order")
    assert (restated.order.lines[0].sku, [part.item for part in restated.components]) == ("BOTTLE", ["BOTTLE-1L"])
    assert (ended.nodes, ended.quantities["1"].shipped) == (("LEJ-2",), 2)
    assert (await world.free("MAT-FOAM"), await world.free("BOTTLE-1L")) == (100, 98)


async def test_a_parcel_is_booked_once_the_erp_knows_what_is_shipped_instead(world: World) -> None:
    order = an_order()
    handle = await held(world, order)
    told = world.erp.hold("change_order")
    await change(handle, sku={"1": "BOTTLE"})
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    await world.wait_for(lambda: world.channel.count("confirm") == 1)
    assert world.erp.count("post_shipment") == 0
    told.set()
    told.clear()  # What was told at once knows the new SKU with the former one's items; what corrects that is held.
    await world.wait_for(lambda: world.erp.entered.count("change_order") == 2)
    assert (await handle.query(OrderWorkflow.snapshot)).key == order.key
    assert world.erp.count("post_shipment") == 0
    told.set()
    await finish(world, handle, order)
    done = [name for name, _ in world.erp.done]
    told_before = [what for name, what in world.erp.done[: done.index("post_shipment")] if name == "change_order"]
    assert [part.item for part in told_before[-1].components] == ["BOTTLE-1L"]


async def test_a_substitute_that_nobody_mapped_is_a_case_and_the_order_can_still_be_cancelled(world: World) -> None:
    handle = await held(world, an_order())
    await change(handle, sku={"1": "NOBODY-KNOWS"})
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    await world.until(handle, lambda seen: any(case.kind is CaseKind.UNMAPPED_SKU for case in seen.cases))
    assert (await cancel(handle)).confirmed
    assert (await world.end(handle)).state is OrderState.CANCELLED
    assert await world.free("MAT-FOAM") == 100


async def test_a_change_may_come_before_anything_was_reserved(world: World) -> None:
    gate = world.fraud.hold("assess")
    order = an_order()
    handle = await world.start(order)
    await world.wait_for(lambda: "assess" in world.fraud.entered)
    await change(handle, service_level="express", sku={"1": "BOTTLE"})
    gate.set()
    await finish(world, handle, order)
    [release] = world.wms.releases.values()
    assert (release.service_level, release.node) == ("express", "LEJ-2")
    assert world.erp.count("change_order") == 0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"ship_to": MOVED}, "too late: line 1 is released or shipped; cancel it, or have it returned"),
        ({"service_level": "express"}, "too late: line 1"),
        ({"sku": {"1": "BOTTLE"}}, "too late: line 1"),
        ({"quantity": {"1": 1}}, "too late: line 1"),
    ],
    ids=["address", "service", "sku", "quantity"],
)
async def test_after_the_release_a_change_is_refused(world: World, what: dict[str, object], reason: str) -> None:
    order = an_order(line("1", "MAT", 2, "30.00"))
    handle = await released(world, order)
    assert reason in await refusal(handle, **what)
    await world.wms.ship(f"{order.key}#BER-1")
    ended = await finish(world, handle, order)
    assert ended.quantities["1"].shipped == 2
    assert world.erp.count("change_order") == 0


async def test_a_change_that_cannot_be_is_refused_with_field_value_and_remedy(world: World) -> None:
    handle = await held(world, an_order(line("1", "MAT", 2, "30.00")))
    assert "no line '9' in this order: it has 1" in await refusal(handle, sku={"9": "BOTTLE"})
    more = "line 1: the quantity can only go down from 2, not to 3; 0 is a cancellation"
    assert more in await refusal(handle, quantity={"1": 3})
    assert "the quantity can only go down" in await refusal(handle, quantity={"1": 0})
    assert "the address lacks lines, country" in await refusal(handle, ship_to=Address(name="A", city="Berlin"))
    assert (await cancel(handle)).confirmed
    assert "cancelled" in str((await world.end(handle)).state)


async def test_a_corrected_mapping_replaces_what_was_planned_and_holds_nothing_twice(world: World) -> None:
    order = an_order(line("1", "MAT", 2, "34.50"))
    handle = await held(world, order)
    await change(handle, ship_to=MOVED)
    lines = (taxed(line("1", "MAT", 2, "34.50"), "5.00"),)
    corrected = order.model_copy(update={"lines": lines, "total": eur("74.00")})
    correction = Correction(order=corrected, mapping_version=2, actor="test")
    await handle.signal(OrderWorkflow.mapping_corrected, correction)
    await world.until(handle, lambda seen: seen.expected == eur("74.00"))
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    await finish(world, handle, corrected)
    [release] = world.wms.releases.values()
    assert release.ship_to == MOVED
    restated = last(world, "change_order")
    assert (restated.order.total, restated.order.ship_to) == (eur("74.00"), MOVED)
    async with world.database.session() as session:
        held_still = [row.quantity - row.shipped for row in await stock.reservations(session, order.key)]
    assert (await world.free("MAT-FOAM"), sum(held_still)) == (98, 0)


async def test_a_correction_that_comes_too_late_is_somebodys_turn(world: World) -> None:
    order = an_order()
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    correction = Correction(order=order, mapping_version=2, actor="test")
    await handle.signal(OrderWorkflow.mapping_corrected, correction)
    await decide(world, handle, CaseKind.CHANNEL_DIFFERS, Action.SKIP)
    assert (await finish(world, handle, order)).state is OrderState.CLOSED
