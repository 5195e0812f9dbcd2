"""Running activities say that they are alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from activities.alive import BEATS, Alive

Work = Callable[[], Awaitable[Any]]
CALL = ExecuteActivityInput(fn=print, args=[], executor=None, headers={})


class Doing(ActivityInboundInterceptor):
    """What the next interceptor would do."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await self._work()


class Hearing:
    """An activity's surroundings that count its heartbeats."""

    def __init__(self, timeout: timedelta | None) -> None:
        self.beats = 0
        self._heard = asyncio.Event()
        self._environment = ActivityEnvironment()
        self._environment.info = replace(self._environment.info, heartbeat_timeout=timeout)
        self._environment.on_heartbeat = self._hear

    async def run(self, work: Work) -> Any:
        async def call() -> Any:
            return await Alive().intercept_activity(Doing(work)).execute_activity(CALL)

        return await self._environment.run(call)

    async def until(self, beats: int) -> str:
        async with asyncio.timeout(10):
            while self.beats < beats:
                await self._heard.wait()
                self._heard.clear()
        return "done"

    def _hear(self, *_: object) -> None:
        self.beats += 1
        self._heard.set()


async def test_a_call_that_takes_long_beats_several_times_and_stops_with_it() -> None:
    hearing = Hearing(timedelta(milliseconds=15))
    assert await hearing.run(lambda: hearing.until(BEATS)) == "done"
    heard = hearing.beats
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1
    assert hearing.beats == heard


async def test_a_call_that_fails_stops_beating_too() -> None:
    hearing = Hearing(timedelta(milliseconds=15))

    async def fail() -> None:
        await hearing.until(1)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await hearing.run(fail)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == 1


async def test_a_short_call_does_not_beat() -> None:
    hearing = Hearing(timedelta(seconds=60))
    assert await hearing.run(lambda: hearing.until(0)) == "done"
    assert hearing.beats == 0


async def test_without_a_heartbeat_time_out_there_is_none_to_keep() -> None:
    async def tasks() -> int:
        return len(asyncio.all_tasks())

    # This test's task, and the call's own.
    assert await Hearing(None).run(tasks) == 2
