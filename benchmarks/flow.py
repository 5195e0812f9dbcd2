"""The full flow: buyers, twins over HTTP, capture, workflows, settlement, until every order has ended."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks import cpu
from cli.run import Condition, Run
from stack.up import LocalStack
from store import orders

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

    def __init__(self, stack: LocalStack, run: Run) -> None:
        self._stack = stack
        self._run = run
        self._known: set[str] = set()

    async def run(self, count: int, per_second: float) -> FlowResult:
        """Let `count` orders be bought over both channels, and follow them to closed or cancelled."""
        self._known |= set(await self._run.states())
        before, started = cpu.seconds(self._stack.info.pids), time.monotonic()
        await self._run.buy(count, per_second)
        await self._until(lambda: self._run.shipped(len(self._known) + count))
        await self._run.close_period()
        await self._until(self._run.ended)
        ended, after = time.monotonic(), cpu.seconds(self._stack.info.pids)
        return await self._result(ended - started, {name: round(after[name] - before[name], 1) for name in before})

    async def _until(self, done: Condition) -> None:
        if not await self._run.until(done, PATIENCE, LOOK_SECONDS):
            raise TimeoutError(f"the flow did not end within {PATIENCE:.0f} s; orders: {await self._run.states()}")

    async def _result(self, seconds: float, cpu_seconds: dict[str, float]) -> FlowResult:
        async with self._run.database.session() as session:
            found = await orders.find(session, limit=1_000_000)
        rows = [row for row in found if row.order_key not in self._known]
        return FlowResult(
            orders=len(rows),
            seconds=seconds,
            latencies=sorted((r.released_at - r.received_at).total_seconds() for r in rows if r.released_at),
            cpu_seconds=cpu_seconds,
            worker_rss_mb=cpu.resident_mb(self._stack.info.pids["worker"]),
            workflow_ids=[row.workflow_id for row in rows],
        )
