"""Running activities say that they are alive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.activity import ActivityCancellationDetails
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
        self.environment = ActivityEnvironment()
        self.environment.info = replace(self.environment.info, heartbeat_timeout=timeout)
        self.environment.on_heartbeat = self._hear

    async def run(self, work: Work) -> Any:
        async def call() -> Any:
            return await Alive().intercept_activity(Doing(work)).execute_activity(CALL)

        return await self.environment.run(call)

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


class Sent:
    """A request that has gone out, and whose answer comes later."""

    def __init__(self) -> None:
        self.began, self.answer = asyncio.Event(), asyncio.Event()
        self.effects = 0

    async def __call__(self) -> str:
        self.began.set()
        await self.answer.wait()
        self.effects += 1
        return "answered"


async def stopped(hearing: Hearing, sent: Sent, why: ActivityCancellationDetails) -> asyncio.Task[Any]:
    running = asyncio.create_task(hearing.run(sent))
    await sent.began.wait()
    hearing.environment.cancel(why)
    return running


async def test_a_call_that_its_workflow_gives_up_is_answered_first() -> None:
    sent = Sent()
    running = await stopped(Hearing(timedelta(seconds=60)), sent, ActivityCancellationDetails(cancel_requested=True))
    sent.answer.set()
    assert await running == "answered"
    assert sent.effects == 1


@pytest.mark.parametrize(
    "why",
    [ActivityCancellationDetails(timed_out=True), ActivityCancellationDetails(worker_shutdown=True)],
    ids=["timed out", "worker stops"],
)
async def test_a_call_that_is_ended_for_another_reason_is_not_waited_for(why: ActivityCancellationDetails) -> None:
    sent = Sent()
    running = await stopped(Hearing(timedelta(seconds=60)), sent, why)
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0)
    assert sent.effects == 0
    assert len(asyncio.all_tasks()) == 1


async def test_a_call_that_is_given_up_and_then_fails_says_why() -> None:
    hearing, began, fail = Hearing(timedelta(seconds=60)), asyncio.Event(), asyncio.Event()

    async def refused() -> None:
        began.set()
        await fail.wait()
        raise ValueError("refused")

    running = asyncio.create_task(hearing.run(refused))
    await began.wait()
    hearing.environment.cancel(ActivityCancellationDetails(cancel_requested=True))
    fail.set()
    with pytest.raises(ValueError, match="refused"):
        await running
