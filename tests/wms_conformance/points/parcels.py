"""What left, what will not leave, and what is on the shelves."""

from __future__ import annotations

from models.fulfilment import PickLine, ShortfallKind
from tests.wms_conformance.point import point
from tests.wms_conformance.stage import ALL, CORRELATION, Stage


@point()
async def what_has_left_is_told_by_order_line_and_the_same_each_time(stage: Stage) -> None:
    release = await stage.released()
    assert await stage.shipments(release) == []
    await stage.warehouse.ship(release.fulfilment_id)
    told = await stage.shipments(release)
    assert await stage.left(release) == ALL
    assert all(each.node == "BER-1" and each.shipment_id and each.shipped_at.tzinfo for each in told)
    assert await stage.shipments(release) == told
    assert await stage.wms.shortfalls(release.fulfilment_id, CORRELATION) == []


@point()
async def a_set_keeps_how_many_of_an_item_one_unit_needs(stage: Stage) -> None:
    release = await stage.shipped()
    picks = [pick for shipment in await stage.shipments(release) for pick in shipment.picks]
    assert {pick.per_unit for pick in picks if pick.item == "SOCK-WOOL"} == {3}


@point()
async def of_a_release_that_nobody_has_heard_of_nothing_left(stage: Stage) -> None:
    assert await stage.shipments(stage.release()) == []
    assert await stage.wms.shortfalls("never/heard#of", CORRELATION) == []


@point("second_parcel")
async def a_release_in_two_parcels_is_two_shipments_and_each_piece_is_told_once(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.ship_first(release.fulfilment_id, "TENT-4P", 2)
    [first] = await stage.shipments(release)
    assert first.picks == (PickLine(line_id="L1", item="TENT-4P", quantity=2),)
    assert await stage.wms.shortfalls(release.fulfilment_id, CORRELATION) == []
    await stage.warehouse.ship(release.fulfilment_id)
    told = await stage.shipments(release)
    assert first in told
    assert len({each.shipment_id for each in told}) == 2
    assert await stage.left(release) == ALL


@point("second_parcel", "short_pick")
async def a_second_parcel_that_comes_out_short_says_whose_piece_it_lacks(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.ship_first(release.fulfilment_id, "TENT-4P", 2)
    [first] = await stage.shipments(release)
    await stage.warehouse.find_missing(release.fulfilment_id, "TENT-4P", 1)
    assert first in await stage.shipments(release)
    [shortfall] = await stage.wms.shortfalls(release.fulfilment_id, CORRELATION)
    assert shortfall.picks == (PickLine(line_id="L2", item="TENT-4P", quantity=1),)


@point("short_pick")
async def pieces_that_are_not_on_the_shelf_are_told_as_a_short_pick_and_the_rest_leaves(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.find_missing(release.fulfilment_id, "SOCK-WOOL", 2)
    assert await stage.left(release) == {**ALL, ("L2", "SOCK-WOOL"): 1}
    [shortfall] = await stage.wms.shortfalls(release.fulfilment_id, CORRELATION)
    assert (shortfall.kind, shortfall.node) == (ShortfallKind.SHORT_PICK, "BER-1")
    assert shortfall.picks == (PickLine(line_id="L2", item="SOCK-WOOL", per_unit=3, quantity=2),)
    assert await stage.wms.shortfalls(release.fulfilment_id, CORRELATION) == [shortfall]


@point("short_pick")
async def a_release_that_the_warehouse_itself_gave_up_is_told_as_rejected(stage: Stage) -> None:
    release = await stage.released()
    assert await stage.cancel(release)
    [shortfall] = await stage.wms.shortfalls(release.fulfilment_id, CORRELATION)
    assert (shortfall.kind, sum(pick.quantity for pick in shortfall.picks)) == (ShortfallKind.REJECTED, 6)


@point()
async def what_left_is_no_longer_on_hand_and_what_waits_still_is(stage: Stage) -> None:
    before = await stage.on_hand("TENT-4P")
    await stage.released()
    assert await stage.on_hand("TENT-4P") == before
    await stage.shipped()
    assert await stage.on_hand("TENT-4P") == before - 3
