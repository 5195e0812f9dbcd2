"""A small order: taken in on a queue of its own, then posted to a real ERP over HTTP, as often as it takes."""

from __future__ import annotations

import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.failures import is_retry, temporal_errors
    from connectors.erp.rest import RestErp
    from models.base import Model
    from tests.systems.orders import erp_order
    from workflows import policy

ORDERS = "posting-orders"


class PostingInput(Model):
    queue: str
    external_id: str


class ErpPosting:
    def __init__(self, erp: RestErp) -> None:
        self._erp = erp
        self.failed_at: list[float] = []
        self.taken_in: dict[str, float] = {}
        """Order -> seconds from its start until it was taken in."""

    @activity.defn
    async def take_in(self, order: PostingInput) -> None:
        since = time.time() - activity.info().current_attempt_scheduled_time.timestamp()
        self.taken_in[order.external_id] = since

    @activity.defn
    async def post(self, order: PostingInput) -> None:
        try:
            with temporal_errors():
                await self._erp.create_order(erp_order(order.external_id), retry=is_retry())
        except ApplicationError:
            self.failed_at.append(time.monotonic())
            raise


@workflow.defn
class Posting:
    @workflow.run
    async def run(self, order: PostingInput) -> str:
        await workflow.execute_activity_method(ErpPosting.take_in, order, start_to_close_timeout=timedelta(seconds=10))
        await workflow.execute_activity_method(ErpPosting.post, order, **policy.outside(order.queue, "Post"))
        return "posted"
