"""What only a real Tryton can do to us: die at any moment, and refuse a user who lacks rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from models.fulfilment import Release
from stack.tryton import LocalTryton
from stack.tryton_base import create_key
from tests.erp_conformance.transport import Line
from tests.provider_suite import insist
from tests.wms_conformance.stage import Stage
from tests.wms_conformance.subject import Running
from tests.wms_conformance.subjects import tryton as warehouse
from tests.wms_conformance.subjects.tryton import Keepers

pytestmark = [pytest.mark.erp, pytest.mark.timeout(600)]
KILLS = 10
AT_ONCE = 4


@pytest.fixture
async def stage(tryton: LocalTryton) -> AsyncIterator[Stage]:
    stage = Stage(Running(warehouse.SUBJECT, Keepers(tryton)))
    yield stage
    await stage.aclose()


@dataclass
class Work:
    """Releases, every second of them cancelled again, until the last kill."""

    stage: Stage
    kept: list[Release] = field(default_factory=list)
    stopped: list[Release] = field(default_factory=list)
    kills: int = 0
    failures: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self) -> None:
        while self.kills < KILLS:
            kept, stopped = self.stage.release(), self.stage.release()
            await self._insist(partial(self.stage.wms.release, kept, retry=True))
            self.kept.append(kept)
            await self._insist(partial(self.stage.wms.release, stopped, retry=True))
            await self._insist(partial(self.stage.cancel, stopped))
            self.stopped.append(stopped)

    async def kill(self, tryton: LocalTryton) -> None:
        while self.kills < KILLS:
            self.moved.clear()
            await self.moved.wait()
            # In this thread: the server would end with the thread that started it.
            tryton.child.kill()
            tryton.restart()
            self.kills += 1

    async def _insist(self, call: Callable[[], Awaitable[object]]) -> None:
        self.failures += await insist(lambda _: call(), seconds=300)
        self.moved.set()


async def test_tryton_is_killed_ten_times_and_each_release_is_there_once_or_stopped(
    stage: Stage, tryton: LocalTryton
) -> None:
    work = Work(stage)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work.kill(tryton))
        for _ in range(AT_ONCE):
            tasks.create_task(work.go_on())
    print(
        f"\n{work.kills} kills, {len(work.kept)} releases kept, {len(work.stopped)} cancelled,"
        f" {work.failures} attempts that failed"
    )
    assert work.failures, "no kill struck anything: this proves nothing"
    assert {await stage.warehouse.releases(each.fulfilment_id) for each in work.kept} == {1}
    assert {await stage.warehouse.releases(each.fulfilment_id) for each in work.stopped} == {0}


async def test_a_user_without_rights_in_the_warehouse_is_refused_by_name(stage: Stage, tryton: LocalTryton) -> None:
    rpc = tryton.admin()
    company = tryton.connection()["options"]["company"]
    key = create_key(rpc, "visitor", "A visitor", company, [])
    rpc.close()
    visitor = stage.running.provider(Line(), key=key)
    release = stage.release()
    declined = await stage.refusal(visitor.release(release, retry=False))
    assert declined.code == "not_allowed"
    assert await stage.warehouse.releases(release.fulfilment_id) == 0
    await visitor.aclose()
