"""The full flow: buyers, twins over HTTP, capture, workflows, settlement, until every order has ended."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import httpx
from temporalio.client import Client

from benchmarks import cpu
from cli import schedules
from cli.operator import Operator
from connectors.registry import Connections
from models.messages import FINAL_STATES, OrderState
from stack.up import LocalStack
from store import orders
from store.database import Database

AT_REST = FINAL_STATES | {OrderState.SHIPPED}
LOOK_SECONDS = 0.1
PATIENCE = 600.0


@dataclass(frozen=True)
class FlowResult:
    orders: int
    seconds: float
    latencies: list[float]
    cpu_seconds: dict[str, float]
    worker_rss_mb: float
    workflow_ids: list[str]

    @property
    def orders_per_second(self) -> float:
        return self.orders / self.seconds


class Flow:
    """Buys, and waits for the end; the operator maps what is unmapped, as in the demo."""

    def __init__(self, stack: LocalStack, database: Database, client: Client, connections: Connections) -> None:
        self._stack = stack
        self._database = database
        self._client = client
        self._connections = connections
        self._operator = Operator(database, client)
        self._known: set[str] = set()

    async def run(self, count: int, per_second: float) -> FlowResult:
        """Let `count` orders be bought over both channels, and follow them to closed or cancelled."""
        self._known |= set(await self._states())
        before, started = cpu.seconds(self._stack.info.pids), time.monotonic()
        assert self._stack.sandbox_url is not None
        async with httpx.AsyncClient(base_url=self._stack.sandbox_url, timeout=60) as sandbox:
            share = {"amazon": count // 2, "shopify": count - count // 2}
            await sandbox.post("/_sandbox/orders", json={"orders": share, "per_second": per_second})
            await self._until(count, AT_REST)
            await sandbox.post("/_sandbox/settlements")
            for connection in self._connections.channels:
                await schedules.trigger(self._client, "settlements", connection)
            await self._until(count, FINAL_STATES)
        ended, after = time.monotonic(), cpu.seconds(self._stack.info.pids)
        new = [key for key in await self._states() if key not in self._known]
        async with self._database.session() as session:
            rows = [row for row in await orders.find(session, limit=1_000_000) if row.order_key in set(new)]
        return FlowResult(
            orders=len(new),
            seconds=ended - started,
            latencies=sorted((r.released_at - r.received_at).total_seconds() for r in rows if r.released_at),
            cpu_seconds={name: round(after[name] - before[name], 1) for name in before},
            worker_rss_mb=cpu.resident_mb(self._stack.info.pids["worker"]),
            workflow_ids=[f"order/{key}" for key in new],
        )

    async def _until(self, count: int, states: frozenset[OrderState]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._all_in(count, states):
                await self._operator.look()
                await asyncio.sleep(LOOK_SECONDS)

    async def _all_in(self, count: int, states: frozenset[OrderState]) -> bool:
        new = [state for key, state in (await self._states()).items() if key not in self._known]
        return len(new) >= count and all(state in states for state in new)

    async def _states(self) -> dict[str, str]:
        async with self._database.session() as session:
            return await orders.states(session)
