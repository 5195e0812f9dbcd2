"""The baseline run: as many no-op workflows, on the same server, in the same run."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from uuid import uuid4

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker

from benchmarks.noop import QUEUES, NoopWorkflow, Shape, nothing, nothing_local

IN_FLIGHT = 50


async def run(client: Client, shape: Shape, count: int) -> float:
    """Workflows a second."""
    async with AsyncExitStack() as workers:
        for queue in QUEUES:
            await workers.enter_async_context(_worker(client, queue))
        await _all(client, shape, IN_FLIGHT)
        started = time.monotonic()
        await _all(client, shape, count)
        return count / (time.monotonic() - started)


async def _all(client: Client, shape: Shape, count: int) -> None:
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with gate:
            handle = await client.start_workflow(
                NoopWorkflow.run, shape, id=f"noop/{uuid4()}", task_queue=QUEUES[0], static_summary="baseline"
            )
            for _ in range(shape.signals):
                await handle.signal(NoopWorkflow.heard, "")
            await handle.result()

    await asyncio.gather(*(one() for _ in range(count)))


def _worker(client: Client, queue: str) -> Worker:
    polling = PollerBehaviorAutoscaling(minimum=1, maximum=10, initial=2)
    return Worker(
        client,
        task_queue=queue,
        workflows=[NoopWorkflow] if queue == QUEUES[0] else [],
        activities=[nothing_local if queue == QUEUES[0] else nothing],
        workflow_task_poller_behavior=polling,
        activity_task_poller_behavior=polling,
    )
