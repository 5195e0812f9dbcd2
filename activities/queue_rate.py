"""The rate at which a task queue hands out activities, for all workers at once: the server's own limit.

0 stops a queue: its tasks wait, lose no attempt, and go on when the limit is lifted.
"""

from __future__ import annotations

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    UpdateTaskQueueConfigRequest,
)
from temporalio.client import Client

from models.base import Model

ACTIVITIES = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
IDENTITY = "orderyard-breaker"


class QueueRate(Model):
    queue: str
    per_second: float | None
    """None where nobody has set a limit."""
    reason: str = ""
    waiting: int = 0
    """Activities in the queue, as the server estimates them."""
    workers: int = 0
    """Pollers that were seen lately."""


async def read(client: Client, queue: str) -> QueueRate:
    answer: DescribeTaskQueueResponse = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=queue),
            task_queue_type=ACTIVITIES,
            report_config=True,
            report_stats=True,
        )
    )
    limit = answer.config.queue_rate_limit
    limited = limit.HasField("rate_limit")
    return QueueRate(
        queue=queue,
        per_second=limit.rate_limit.requests_per_second if limited else None,
        reason=limit.metadata.reason if limited else "",
        waiting=answer.stats.approximate_backlog_count,
        workers=len({poller.identity for poller in answer.pollers}),
    )


async def write(client: Client, queue: str, per_second: float | None, reason: str) -> None:
    """Limit a queue; None lifts the limit."""
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace, identity=IDENTITY, task_queue=queue, task_queue_type=ACTIVITIES
    )
    update = request.update_queue_rate_limit
    update.reason = reason[:1000]
    if per_second is not None:
        update.rate_limit.requests_per_second = per_second
        update.rate_limit.SetInParent()
    await client.workflow_service.update_task_queue_config(request)
