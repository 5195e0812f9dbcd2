"""Other goods for goods: units are given up in the ledger, and a linked order is sent instead."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.replacements import LinkedOrder, ReplacementActivities
    from models.order import Order
    from models.refund_process import RefundTask
    from models.refunds import RefundState
    from models.replacements import Replacement, ReplacementTask, replacement_of
    from workflows import attributes, policy
    from workflows.refund import RefundWorkflow
    from workflows.refund_start import refund_of
    from workflows.writes import Writes

ORDER_WORKFLOW = "OrderWorkflow"
"""By its name: an order's process is a process of its own, and no part of this one."""


@workflow.defn
class ReplacementWorkflow:
    """The linked order runs like any other, but for its channel, which knows nothing of it. When the other goods cost
    more, it waits for the buyer's payment; when they cost less, the buyer is paid the difference."""

    @workflow.init
    def __init__(self, task: ReplacementTask) -> None:
        self._task = task
        self._writes = Writes()

    @workflow.run
    async def run(self, task: ReplacementTask) -> Replacement:
        grant = await self._writes.do(
            ReplacementActivities.give_up_units, task, "Count the units as given up in the ledger"
        )
        if grant.refund.state is RefundState.REFUSED or grant.order is None:
            return Replacement(refund=grant.refund)
        planned = replacement_of(task, grant.order, grant.refund, workflow.now())
        linked = LinkedOrder(original=task.order_key, order=planned)
        order = await self._writes.do(
            ReplacementActivities.register_replacement, linked, f"Register {planned.key} for {task.order_key}"
        )
        await self._start(order)
        refund = await refund_of(
            RefundWorkflow.run, RefundTask(claim=grant.refund.claim, correlation_id=task.correlation_id)
        )
        return Replacement(refund=refund, order_key=order.key, to_pay=order.total or None)

    async def _start(self, order: Order) -> None:
        """It outlives this process. One that was started before goes on as it is."""
        try:
            await workflow.start_child_workflow(
                ORDER_WORKFLOW,
                order,
                id=order.key.workflow_id,
                task_queue=policy.ORDERS_QUEUE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                search_attributes=attributes.of_new_order(order),
                static_summary=f"Replacement for {self._task.order_key} · {order.total}",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the replacement runs already", extra={"order": str(order.key)})
