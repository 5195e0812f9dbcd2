"""Quick writes to our own store, one at a time within a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import policy

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Writes:
    """The local activities of one workflow.

    Two that run side by side resolve in one activation or in two, as it happens, and a replay may see it the other way:
    the commands that follow them would change places (found by the replay of a bundle in two parcels). So they queue.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.under_way = 0

    async def do(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, summary: str
    ) -> Result:
        self.under_way += 1
        try:
            async with self._turn:
                return await self._once(activity, argument, summary)
        finally:
            self.under_way -= 1

    async def _once(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, summary: str
    ) -> Result:
        return await workflow.execute_local_activity_method(activity, argument, **policy.store(summary))
