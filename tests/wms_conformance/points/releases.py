"""Releases: once, whatever happens on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from connectors.errors import Unauthorized, Unavailable
from models.fulfilment import PickLine, Release
from tests.erp_conformance.transport import Harm
from tests.wms_conformance.point import point
from tests.wms_conformance.stage import Stage


@point()
async def a_release_is_picked_once_however_often_it_is_asked_for(stage: Stage) -> None:
    release = await stage.released()
    for retry in (True, False):
        await stage.wms.release(release, retry=retry)
    assert await stage.warehouse.releases(release.fulfilment_id) == 1


async def _release(stage: Stage, harm: Harm) -> list[Release]:
    async def release(subject: Release, retry: bool) -> None:
        await stage.wms.release(subject, retry=retry)

    cases = await stage.hurt(harm, stage.unreleased, release)
    for case in cases:
        assert await stage.warehouse.releases(case.fulfilment_id) == 1
    return cases


@point()
async def a_release_whose_reply_is_lost_at_any_step_is_one_release(stage: Stage) -> None:
    cases = await _release(stage, Harm.LOST_REPLY)
    await stage.warehouse.ship(cases[0].fulfilment_id)
    assert sum((await stage.left(cases[0])).values()) == 6


@point()
async def a_release_whose_caller_dies_between_any_two_steps_is_one_release(stage: Stage) -> None:
    await _release(stage, Harm.CUT_OFF)


@point()
async def a_throttled_release_says_when_to_come_back_and_is_one_release(stage: Stage) -> None:
    await _release(stage, Harm.THROTTLED)
    assert stage.told
    for error in stage.told:
        assert isinstance(error, Unavailable)
        assert error.retry_after == timedelta(seconds=7)


@point()
async def a_release_that_comes_four_times_at_once_is_one_release(stage: Stage) -> None:
    release = stage.release()
    await asyncio.gather(*(stage.wms.release(release, retry=False) for _ in range(4)))
    await stage.wms.release(release, retry=True)
    assert await stage.warehouse.releases(release.fulfilment_id) == 1


@point()
async def four_releases_at_once_are_four_releases(stage: Stage) -> None:
    releases = [stage.release() for _ in range(4)]
    await asyncio.gather(*(stage.wms.release(release, retry=False) for release in releases))
    assert [await stage.warehouse.releases(each.fulfilment_id) for each in releases] == [1, 1, 1, 1]


@point("goods_check")
async def an_item_that_the_warehouse_does_not_know_is_declined_by_name_and_leaves_nothing(stage: Stage) -> None:
    release = stage.release(picks=(PickLine(line_id="L1", item="NO-SUCH-ITEM", quantity=1),))
    declined = await stage.refusal(stage.wms.release(release, retry=False))
    assert declined.code == "unknown_product"
    assert "NO-SUCH-ITEM" in str(declined)
    assert await stage.warehouse.releases(release.fulfilment_id) == 0


@point("goods_check")
async def a_node_that_the_warehouse_does_not_have_is_declined_so_that_another_node_is_asked(stage: Stage) -> None:
    declined = await stage.refusal(stage.wms.release(stage.release(node="MARS-1"), retry=False))
    assert (declined.code, declined.field) == ("unknown_node", "node")


@point()
async def a_wrong_key_is_refused_as_such(stage: Stage) -> None:
    stranger = stage.running.provider(stage.line, **{stage.running.subject.credential: "wrong"})
    for call in (stranger.ping(), stranger.release(stage.release(), retry=False)):
        with pytest.raises(Unauthorized):
            await call
    await stranger.aclose()


@point()
async def the_warehouse_answers_a_ping_without_a_change(stage: Stage) -> None:
    await stage.wms.ping()
    assert stage.line.writes == 0
