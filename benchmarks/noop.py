"""The baseline: a workflow with as many activities of the same shape as a plain order, none of which does anything."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from models.base import Model

QUEUES = ("noop-orders", "noop-a", "noop-b", "noop-c", "noop-channel")
"""The order flow also spreads its calls over a queue for each system."""
TIMEOUT = timedelta(seconds=60)


class Shape(Model):
    """What a plain order of a channel did, read from its history."""

    calls: int
    local_calls: int
    signals: int
    upserts: int
    payload: str = ""
    """As large as the order that a real workflow is started with."""


@activity.defn
async def nothing(text: str) -> str:
    return text[:20]


@activity.defn
async def nothing_local(text: str) -> str:
    return text[:20]


@workflow.defn
class NoopWorkflow:
    """Calls in sequence, two of them side by side as in the order flow, then waits for its signals."""

    def __init__(self) -> None:
        self._heard = 0

    @workflow.run
    async def run(self, shape: Shape) -> None:
        text = shape.payload
        for _ in range(shape.local_calls):
            await workflow.execute_local_activity(nothing_local, "", start_to_close_timeout=TIMEOUT)
        await asyncio.gather(*(self._call(number, text) for number in range(min(2, shape.calls))))
        for number in range(2, shape.calls):
            await self._call(number, text)
        await workflow.wait_condition(lambda: self._heard >= shape.signals, timeout=timedelta(days=30))

    @workflow.signal
    def heard(self, text: str) -> None:
        self._heard += 1

    async def _call(self, number: int, text: str) -> None:
        queue = QUEUES[1 + number % (len(QUEUES) - 1)]
        await workflow.execute_activity(nothing, text, task_queue=queue, start_to_close_timeout=TIMEOUT)
