"""Cancelling: the warehouse's answer is the truth."""

from __future__ import annotations

import asyncio

from models.fulfilment import Release
from tests.erp_conformance.transport import Harm
from tests.wms_conformance.point import point
from tests.wms_conformance.stage import ALL, Stage


@point()
async def a_release_that_is_cancelled_before_picking_never_leaves_and_may_not_come_again(stage: Stage) -> None:
    release = await stage.released()
    assert await stage.cancel(release)
    assert await stage.cancel(release), "asked again, it answers the same"
    assert await stage.left(release) == {}
    declined = await stage.refusal(stage.wms.release(release, retry=False))
    assert declined.code == "cancelled"


@point()
async def a_cancellation_after_shipping_is_too_late_and_says_what_left(stage: Stage) -> None:
    release = await stage.shipped()
    answer = await stage.wms.cancel(release.fulfilment_id, "c")
    assert not answer.confirmed
    assert answer.reason
    assert not await stage.cancel(release)
    assert await stage.left(release) == ALL


@point()
async def a_cancellation_whose_reply_is_lost_at_any_step_stops_the_release(stage: Stage) -> None:
    async def cancel(release: Release, _: bool) -> None:
        assert await stage.cancel(release)

    for release in await stage.hurt(Harm.LOST_REPLY, stage.released, cancel):
        assert await stage.warehouse.releases(release.fulfilment_id) == 0


@point()
async def a_cancellation_that_overtakes_its_release_is_remembered(stage: Stage) -> None:
    async def cancel(release: Release, _: bool) -> None:
        assert await stage.cancel(release)

    for harm in (Harm.LOST_REPLY, Harm.CUT_OFF):
        for release in await stage.hurt(harm, stage.unreleased, cancel):
            declined = await stage.refusal(stage.wms.release(release, retry=False))
            assert declined.code == "cancelled"
            assert await stage.warehouse.releases(release.fulfilment_id) == 0


@point()
async def a_release_and_its_cancellation_at_once_leave_nothing_to_pick(stage: Stage) -> None:
    for _ in range(5):
        release = stage.release()
        released = stage.wms.release(release, retry=False)
        _, confirmed = await asyncio.gather(released, stage.cancel(release), return_exceptions=True)
        if confirmed is not True:
            assert await stage.cancel(release), f"first: {confirmed}"
        assert await stage.warehouse.releases(release.fulfilment_id) == 0


@point()
async def a_cancellation_that_races_with_the_shipping_is_answered_as_it_happened(stage: Stage) -> None:
    for _ in range(3):
        release = await stage.released()
        _, confirmed = await asyncio.gather(
            stage.warehouse.ship(release.fulfilment_id), stage.cancel(release), return_exceptions=True
        )
        if not isinstance(confirmed, bool):
            confirmed = await stage.cancel(release)
        if not confirmed:
            await stage.warehouse.ship(release.fulfilment_id)
        assert await stage.left(release) == ({} if confirmed else ALL)


@point("second_parcel")
async def a_cancellation_after_the_first_parcel_stops_the_second(stage: Stage) -> None:
    release = await stage.released()
    await stage.warehouse.ship_first(release.fulfilment_id, "TENT-4P", 2)
    assert await stage.cancel(release)
    assert await stage.left(release) == {("L1", "TENT-4P"): 2}
    assert await stage.cancel(release)
