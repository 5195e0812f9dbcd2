"""Workers of several builds side by side in one world, and what became of the orders in their hands."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.client import WorkflowHandle
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from stack.rollout import Rollout
from tests.workflows.world import PATIENCE, Handle, World
from worker import Queues
from workflows.order import OrderWorkflow

OLD, NEW = "1.0", "2.0"
NONDETERMINISM = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR


class Fleet:
    """The workers of a build share the world's systems with those of every other build, as they do in production."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rollout = Rollout(world.client)
        self._queues: dict[str, Queues] = {}
        self._running: dict[str, AsyncExitStack] = {}

    async def start(
        self, build: str, order_workflow: type = OrderWorkflow, **activities: Callable[..., Awaitable[Any]]
    ) -> None:
        """Workers on every queue; `activities` replaces some by their names. Ends when the server knows them all."""
        queues = copy.copy(self.world.queues)
        queues.workflows = {
            queue: [order_workflow if each is OrderWorkflow else each for each in workflows]
            for queue, workflows in queues.workflows.items()
        }
        queues.activities = {
            queue: [activities.get(each.__name__, each) for each in those] for queue, those in queues.activities.items()
        }
        self._queues[build] = queues
        await self.restart(build)

    async def restart(self, build: str) -> None:
        """New workers know nothing of the orders: they replay each from its history."""
        await self.stop(build)
        running, queues = AsyncExitStack(), self._queues[build]
        self._running[build] = running
        for queue in queues.activities:
            await running.enter_async_context(queues.worker(self.world.client, queue, build))
        needed = {(queue, "activity") for queue in queues.activities}
        needed |= {(queue, "workflow") for queue in queues.workflows}
        await until(lambda: self.rollout.queues(build), needed.issubset)

    async def stop(self, build: str) -> None:
        if running := self._running.pop(build, None):
            await running.aclose()

    async def end(self) -> None:
        for build in list(self._running):
            await self.stop(build)


async def until(look: Callable[[], Awaitable[Any]], holds: Callable[[Any], object]) -> Any:
    """Look until it holds; not too often: the server answers only so many questions about deployments a second."""

    async def seen() -> Any:
        return await look()

    patience = AsyncRetrying(
        retry=retry_if_result(lambda found: not holds(found)), wait=wait_fixed(0.1), stop=stop_after_delay(PATIENCE)
    )
    try:
        return await patience(seen)
    except RetryError as error:
        raise AssertionError(f"never came to hold; last seen: {error.last_attempt.result()!r}") from None


async def build_of(handle: WorkflowHandle[Any, Any]) -> str:
    """The build whose code ran last; empty before the first time."""
    versioning = (await handle.describe()).raw_description.workflow_execution_info.versioning_info
    return versioning.deployment_version.build_id


async def builds_in(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """Every build that had a hand in it, in their order."""
    done = [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in (await handle.fetch_history()).events
        if event.HasField("workflow_task_completed_event_attributes")
    ]
    return list(dict.fromkeys(done))


async def contradictions(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """What a worker said when the history contradicted its code."""
    return [
        event.workflow_task_failed_event_attributes.failure.message
        for event in (await handle.fetch_history()).events
        if event.HasField("workflow_task_failed_event_attributes")
        and event.workflow_task_failed_event_attributes.cause == NONDETERMINISM
    ]


async def each(handles: Sequence[Handle], look: Callable[[Handle], Awaitable[Any]]) -> list[Any]:
    """Ten at a time: an answer of a workflow needs its worker, which has other things to do."""
    gate = asyncio.Semaphore(10)

    async def one(handle: Handle) -> Any:
        async with gate:
            return await look(handle)

    return await asyncio.gather(*(one(handle) for handle in handles))


def effects(world: World) -> dict[str, Counter[str]]:
    """Effect -> for which document it happened how often."""
    return {
        "sales order": Counter(str(each.order.key) for each in _done(world.erp, "create_order")),
        "release": Counter(each.fulfilment_id for each in _done(world.wms, "release")),
        "shipment": Counter(each.shipment_id for each in _done(world.erp, "post_shipment")),
        "invoice": Counter(each.shipment_id for each in _done(world.erp, "post_invoice")),
        "confirmation": Counter(each.shipment_id for each in _done(world.channel, "confirm")),
    }


def doubled(world: World) -> dict[str, list[str]]:
    found = {name: [key for key, times in counts.items() if times > 1] for name, counts in effects(world).items()}
    return {name: keys for name, keys in found.items() if keys}


def _done(system: Any, operation: str) -> list[Any]:
    return [subject for name, subject in system.done if name == operation]
