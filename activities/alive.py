"""Heartbeats of running activities, so that the calls of a worker that died are taken over within seconds.

A call that its workflow gives up is answered first: a request that was sent has its effect whether or not anybody waits
for it, and what is to be undone must be known. The attempt under way ends by itself; there is no further one.
"""

from __future__ import annotations

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

BEATS = 3
"""Within one heartbeat time-out: a busy event loop may be late, a dead one sends none."""


class Alive(Interceptor):
    """Beats for every activity that has a heartbeat time-out. A call that is shorter than a beat costs nothing."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Beating(next)


class _Beating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        timeout = activity.info().heartbeat_timeout
        if not timeout:
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(timeout.total_seconds() / BEATS))
        attempt = asyncio.create_task(super().execute_activity(input))
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            if attempt.done() or not _given_up():
                attempt.cancel()
                raise
            return await attempt
        finally:
            beating.cancel()


def _given_up() -> bool:
    """True when the workflow asked to stop, and neither the worker nor a time-out did."""
    why = activity.cancellation_details()
    return why is not None and why.cancel_requested and not activity.is_worker_shutdown()


async def _beat(seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        activity.heartbeat()
