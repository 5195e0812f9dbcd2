"""Counts the failures in a row of one system's calls in this worker, and tells its breaker."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog
from temporalio import activity
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from models import breaker
from models.breaker import BreakerInput, BreakerPolicy, FailureReport

log = structlog.get_logger(__name__)

TROUBLE = frozenset({"Unavailable", "InDoubt"})
"""Types of failure that say the system is not there; any other answer says that it is."""
FIRST_REPORT = 2
"""One failure by itself is nothing to tell: a retry mostly mends it."""
BETWEEN_REPORTS = 1.0
"""Seconds. Below the threshold a worker tells no more often than that."""


class Fuse(Interceptor):
    """One for each queue and worker. While all goes well it costs an addition; it never fails a call by itself."""

    def __init__(self, queue: str, policy: BreakerPolicy | None = None) -> None:
        self._input = BreakerInput(queue=queue, policy=policy or BreakerPolicy())
        self._in_a_row = 0
        self._reported_at = 0.0

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Fused(next, self)

    async def answered(self) -> None:
        told = self._in_a_row >= FIRST_REPORT
        self._in_a_row = 0
        if told:
            await self._report("")

    async def failed(self, why: str) -> None:
        self._in_a_row += 1
        now = time.monotonic()
        urgent = self._in_a_row % self._input.policy.threshold == 0
        if urgent or (self._in_a_row >= FIRST_REPORT and now - self._reported_at >= BETWEEN_REPORTS):
            self._reported_at = now
            await self._report(why)

    async def _report(self, why: str) -> None:
        client = activity.client()
        report = FailureReport(source=client.identity, count=self._in_a_row, why=why[:300])
        queue = self._input.queue
        try:
            await client.start_workflow(
                breaker.WORKFLOW,
                self._input,
                id=breaker.workflow_id(queue),
                task_queue=breaker.QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                start_signal="failing",
                start_signal_args=[report],
                static_summary=f"Breaker of {queue}",
                rpc_timeout=timedelta(seconds=5),
            )
        except RPCError as error:
            # The call's own failure is what matters; the next one tells again.
            log.warning("breaker was not told", queue=queue, error=str(error))


class _Fused(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, fuse: Fuse) -> None:
        super().__init__(next)
        self._fuse = fuse

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            result = await super().execute_activity(input)
        except ApplicationError as error:
            if error.type in TROUBLE:
                await self._fuse.failed(error.message)
            else:
                await self._fuse.answered()
            raise
        await self._fuse.answered()
        return result
