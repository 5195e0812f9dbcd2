"""Parked orders around the real engine and the real store, and the workers that repair them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.blast_radius import CorrectionActivities
from activities.record import RecordActivities
from activities.repair import RepairActivities
from cli import repairing
from connectors.ports import ChannelFormat
from connectors.providers import FORMATS
from models import case_query
from models.case import Action, Amendment, ExceptionCase
from models.order import OrderKey
from models.repair import RepairItem
from store import cases, repairs
from store.database import Database
from tests.repair.parked import QUEUE, ParkedInput, ParkedOrder, Systems
from workflows import policy
from workflows.repair import RepairWorkflow

PATIENCE = 60.0


class Scene:
    """`async with Scene(client, database) as scene:` runs the orders; `scene.repairer()` is a worker that repairs."""

    def __init__(
        self,
        client: Client,
        database: Database,
        formats: dict[str, ChannelFormat] | None = None,
        skippable: bool = True,
    ) -> None:
        self.client, self.database, self.systems = client, database, Systems()
        self.skippable = skippable
        self._formats = formats or dict(FORMATS)
        self._running = AsyncExitStack()
        self.handles: dict[str, WorkflowHandle[ParkedOrder, str]] = {}

    async def __aenter__(self) -> Self:
        record = RecordActivities(self.database).record_case
        orders = Worker(
            self.client, task_queue=QUEUE, workflows=[ParkedOrder], activities=[self.systems.do_step, record]
        )
        await self._running.enter_async_context(orders)
        return self

    async def __aexit__(self, *_: object) -> None:
        for handle in self.handles.values():
            with suppress(RPCError):  # It has ended by itself.
                await handle.terminate("the test is over")
        await self._running.aclose()

    def repairer(self, patience: timedelta = timedelta(seconds=10)) -> Worker:
        repair = RepairActivities(self.database, patience)
        correction = CorrectionActivities(self._formats, self.database)
        return Worker(
            self.client,
            task_queue=policy.REPAIR_QUEUE,
            workflows=[RepairWorkflow],
            activities=[repair.resolve_batch, repair.end_repair, correction.correct_batch],
        )

    async def park(self, step: str, count: int = 1, *, channel: str = "amazon", field: str = "ship_to") -> list[str]:
        """Start orders to which a system says no at this step; their keys."""
        keys = [OrderKey(channel=channel, account="EU", external_id=uuid4().hex[:12]) for _ in range(count)]
        for key in keys:
            self.systems.against[(str(key), step)] = field
            self.handles[str(key)] = await self.client.start_workflow(
                ParkedOrder.run,
                ParkedInput(order_key=key, skippable=self.skippable),
                id=f"order/{key}",
                task_queue=QUEUE,
            )
        return [str(key) for key in keys]

    async def open_cases(self) -> list[ExceptionCase]:
        async with self.database.session() as session:
            return await cases.find(session, limit=1000)

    async def until_open(self, count: int) -> list[ExceptionCase]:
        found: list[ExceptionCase] = []

        async def enough() -> bool:
            found[:] = await self.open_cases()
            return len(found) == count

        await until(enough)
        return found

    async def plan(
        self,
        query: str,
        action: Action | None = Action.RETRY,
        amendment: Amendment | None = None,
        *,
        pace: int = 100,
        note: str = "the cause is gone",
    ) -> repairing.DryRun:
        wish = repairing.Wish(query, action, amendment or Amendment(), note, "ada", pace)
        return await repairing.planned(self.database, case_query.parse(query, datetime.now(UTC)), wish)

    async def apply(self, dry_run: repairing.DryRun, *, wait: bool = True) -> dict[str, int]:
        assert dry_run.repair is not None
        await repairing.start(self.database, self.client, dry_run.repair.repair_id, wait=wait)
        return await self.outcomes(dry_run.repair.repair_id)

    async def outcomes(self, repair_id: str) -> dict[str, int]:
        async with self.database.session() as session:
            return await repairs.outcomes(session, repair_id)

    async def items(self, repair_id: str) -> list[RepairItem]:
        async with self.database.session() as session:
            return await repairs.items(session, repair_id)

    def agree(self, keys: list[str]) -> None:
        """The systems say no to nothing of these orders any more."""
        for what in [what for what in self.systems.against if what[0] in keys]:
            del self.systems.against[what]

    async def results(self, keys: list[str]) -> list[str]:
        async with asyncio.timeout(PATIENCE):
            return [await self.handles[key].result() for key in keys]


async def until(holds: Callable[[], Coroutine[Any, Any, bool]], seconds: float = PATIENCE) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110 - the condition is a fact in a server, not an event of this loop
            await asyncio.sleep(0.01)
