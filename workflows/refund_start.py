"""A refund as a child of the process that needs it, and what a channel's refusal of a decision means."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.refund_process import RefundTask, refund_workflow_id
    from models.refunds import Refund


async def refund_of(run: Callable[[Any, RefundTask], Awaitable[Refund]], task: RefundTask) -> Refund:
    """Run the refund to its end. It goes on by itself when its parent is ended by force."""
    claim = task.claim
    return await workflow.execute_child_workflow(
        run,
        task,
        id=refund_workflow_id(claim),
        parent_close_policy=workflow.ParentClosePolicy.ABANDON,
        static_summary=f"Refund of {claim.order_key}: {claim.reason}",
    )


def unsupported(error: ActivityError) -> bool:
    """True when the channel leaves this to itself."""
    cause = error.cause
    return isinstance(cause, ApplicationError) and list(cause.details)[:1] == ["unsupported"]
