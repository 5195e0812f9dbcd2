"""What a warehouse that reports nothing is heard to have done, by looking at all of it."""

from __future__ import annotations

from models.fulfilment import ShortfallKind
from models.systems import Condition, ReturnedItem
from tests.wms_conformance.point import point
from tests.wms_conformance.stage import CORRELATION, Stage
from tests.wms_conformance.subject import Pieces


@point("watched")
async def a_parcel_that_left_is_told_to_whoever_waits_as_the_release_would_be_answered(stage: Stage) -> None:
    release = await stage.shipped()
    [told] = await stage.told_of(release)
    [known] = await stage.shipments(release)
    assert told.shipment == known
    assert told.reply_to == release.reply_to


@point("watched")
async def what_is_looked_at_twice_has_the_same_name_and_says_the_same(stage: Stage) -> None:
    release = await stage.shipped()
    number = await stage.warehouse.take_back("RMA-TWICE", ("TENT-4P", 1, "shelf"))
    first, cursor = await stage.look()
    again, _ = await stage.look(cursor)
    ours = (release.fulfilment_id, f"{number}@")
    told = {name: each for name, each in first.items() if name.startswith(ours)}
    assert len(told) == 2
    assert {name: again[name] for name in told} == told


@point("watched")
async def what_has_not_left_yet_or_was_stopped_by_us_is_no_news(stage: Stage) -> None:
    waiting, stopped = await stage.released(), await stage.released()
    assert await stage.cancel(stopped)
    unheard = stage.release()
    assert await stage.cancel(unheard)
    told = [await stage.told_of(each) for each in (waiting, stopped, unheard)]
    assert told == [[], [], []]


@point("watched", "second_parcel")
async def a_second_parcel_is_told_when_it_leaves_and_the_first_one_is_the_same_still(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.ship_first(release.fulfilment_id, "TENT-4P", 2)
    [first] = await stage.told_of(release)
    await stage.warehouse.ship(release.fulfilment_id)
    told = await stage.told_of(release)
    assert first in told
    assert {each.shipment for each in told} == set(await stage.shipments(release))


@point("watched", "short_pick")
async def a_short_pick_is_told_beside_the_parcel_as_the_release_would_be_answered(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.find_missing(release.fulfilment_id, "SOCK-WOOL", 2)
    told = await stage.told_of(release)
    assert [each.shortfall for each in told if each.shortfall] == await stage.wms.shortfalls(
        release.fulfilment_id, CORRELATION
    )
    assert [each.shipment for each in told if each.shipment] == await stage.shipments(release)


@point("watched", "short_pick")
async def a_release_that_people_cancelled_is_told_as_rejected(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.give_up(release.fulfilment_id)
    [told] = await stage.told_of(release)
    assert told.shortfall is not None
    assert (told.reply_to, told.shortfall.kind) == (release.reply_to, ShortfallKind.REJECTED)
    assert sum(pick.quantity for pick in told.shortfall.picks) == 6


@point("watched")
async def goods_that_came_back_are_told_by_rma_with_what_each_piece_is_worth(stage: Stage) -> None:
    pieces: tuple[Pieces, ...] = (("TENT-4P", 1, "shelf"), ("TENT-4P", 2, "waste"), ("SOCK-WOOL", 3, "rejected"))
    number = await stage.warehouse.take_back("RMA000042", *pieces)
    told = await stage.told_back(number)
    assert told is not None
    assert told.receipt is not None
    assert (told.reply_to, told.receipt.node, told.receipt.order_key) == ("RMA000042", "BER-1", None)
    assert set(told.receipt.items) == {
        ReturnedItem(item="TENT-4P", quantity=1, condition=Condition.RESELL),
        ReturnedItem(item="TENT-4P", quantity=2, condition=Condition.SCRAP),
        ReturnedItem(item="SOCK-WOOL", quantity=3, condition=Condition.REJECT),
    }


@point("watched")
async def goods_that_came_back_belong_to_the_order_that_is_written_on_them(stage: Stage) -> None:
    release = stage.release()
    for written in (release.fulfilment_id, str(release.order_key), f" {release.order_key.workflow_id} "):
        told = await stage.told_back(await stage.warehouse.take_back(written, ("TENT-4P", 1, "shelf")))
        assert told is not None
        assert told.receipt is not None
        assert (told.reply_to, told.receipt.order_key) == ("", release.order_key)


@point("watched")
async def goods_that_came_back_with_nothing_on_them_are_told_as_such(stage: Stage) -> None:
    told = await stage.told_back(await stage.warehouse.take_back("", ("TENT-4P", 1, "shelf")))
    assert told is not None
    assert told.receipt is not None
    assert (told.reply_to, told.receipt.order_key) == ("", None)
    assert told.receipt.correlation_id


@point("watched")
async def goods_that_nobody_has_looked_at_are_not_told_yet(stage: Stage) -> None:
    number = await stage.warehouse.take_back("RMA000043", ("TENT-4P", 1, "shelf"), put_away=False)
    assert await stage.told_back(number) is None


@point("watched")
async def looking_changes_nothing_in_the_warehouse(stage: Stage) -> None:
    release = await stage.shipped()
    before = stage.line.writes
    assert await stage.told_of(release)
    assert stage.line.writes == before
