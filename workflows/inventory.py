"""Compares what channels, store, warehouse and ERP say of stock; repairs what is safe, asks a person for the rest."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelAccount
    from activities.inventory import Comparison, InventoryActivities, LevelsOf
    from models.base import Model
    from models.inventory import Asked, InventoryReport
    from workflows import policy
    from workflows.stock_sync import StockSync


class ReconciliationRequest(Model):
    grace: timedelta = policy.IN_FLIGHT
    """A difference that is younger may be a report on its way."""
    patience: timedelta = policy.UNRESOLVED
    """One that is older is a case."""


@workflow.defn
class InventoryReconciliation:
    """Warehouse and ERP are asked side by side; the comparison is one transaction. Runs on a Temporal Schedule."""

    @workflow.run
    async def run(self, request: ReconciliationRequest) -> InventoryReport:
        wms, erp = await asyncio.gather(
            _ask(LevelsOf(system="wms"), policy.WMS_QUEUE), _ask(LevelsOf(system="erp"), policy.ERP_QUEUE)
        )
        comparison = Comparison(asked=Asked(wms=wms, erp=erp), grace=request.grace, patience=request.patience)
        report: InventoryReport = await workflow.execute_activity_method(
            InventoryActivities.compare_inventory,
            comparison,
            **policy.long_read(policy.INVENTORY_QUEUE, "Compare, repair, keep the report"),
        )
        for channel, account in report.publish:
            await self._publish(ChannelAccount(channel=channel, account=account))
        workflow.set_current_details(_told(report))
        return report

    async def _publish(self, account: ChannelAccount) -> None:
        """As the account's own schedule would; a channel that is away holds up no reconciliation."""
        try:
            await workflow.start_child_workflow(
                StockSync.run,
                account,
                id=f"stock-again/{account.channel}/{account.account}",
                task_queue=policy.channel_queue(account.channel),
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"Tell {account.channel}/{account.account} again what it may sell",
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the account is being told already", extra={"account": account.account})


async def _ask(question: LevelsOf, queue: str) -> bool:
    return await workflow.execute_activity_method(
        InventoryActivities.ask_levels,
        question,
        **policy.long_read(queue, f"Ask the {question.system.upper()} for its levels"),
    )


def _told(report: InventoryReport) -> str:
    rows = [f"{report.agreed} of {report.cells} places agree; {report.repaired} repaired, {report.cases} cases open"]
    rows += [f"- {verdict}: {count}" for verdict, count in report.mismatches.items()]
    return "\n".join(rows)
