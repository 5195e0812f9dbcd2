"""Calls to outside systems from one workflow: how many are under way, and how one is given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

with workflow.unsafe.imports_passed_through():
    from workflows import policy

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class GivenUp(Exception):
    """The call was not needed any more. An attempt that was under way has been answered before this is raised."""


def never() -> bool:
    return False


class Calls:
    def __init__(self) -> None:
        self.under_way = 0

    async def outside(
        self,
        activity: Callable[[Any, Argument], Awaitable[Result]],
        argument: Argument,
        queue: str,
        summary: str,
        *,
        give_up: Callable[[], bool] = never,
    ) -> Result:
        """Try until it is done or declined, or `give_up` becomes true. Raises `ActivityError` or `GivenUp`."""
        config = policy.outside(queue, summary)
        config["cancellation_type"] = workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        self.under_way += 1
        try:
            call = workflow.start_activity_method(activity, argument, **config)
            await workflow.wait_condition(lambda: call.done() or give_up())
            if given_up := not call.done():
                call.cancel()
            return await _answered(call, given_up=given_up)
        finally:
            self.under_way -= 1

    async def optional(
        self, activity: Callable[[Any, Argument], Awaitable[Result]], argument: Argument, queue: str, summary: str
    ) -> Result:
        """A call that the order can do without: given up after a few attempts. Raises `ActivityError`."""
        self.under_way += 1
        try:
            return await workflow.execute_activity_method(activity, argument, **policy.best_effort(queue, summary))
        finally:
            self.under_way -= 1


async def _answered(call: workflow.ActivityHandle[Result], *, given_up: bool) -> Result:
    """Of a call that was given up, the attempt under way may still fail as it would have: there is no further one."""
    try:
        return await call
    except ActivityError as error:
        if given_up or isinstance(error.cause, CancelledError):
            raise GivenUp from None
        raise
