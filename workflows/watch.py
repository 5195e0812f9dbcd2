"""Hears what happened in a warehouse that reports nothing by itself. Runs on a Temporal Schedule."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.watch import Warehouse, WatchActivities
    from workflows import policy
    from workflows.channel_sync import SyncResult


@workflow.defn
class WarehouseWatch:
    """One look: all pages that are ready. The cursor is durable, so a look that is cut off goes on where it was."""

    @workflow.run
    async def run(self, warehouse: Warehouse) -> SyncResult:
        result, more = SyncResult(pages=0, seen=0, kept=0), True
        while more:
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(warehouse)
            page = await workflow.execute_activity_method(
                WatchActivities.watch_warehouse,
                warehouse,
                **policy.outside(policy.WMS_QUEUE, f"Read page {result.pages + 1} of what happened in the warehouse"),
            )
            result, more = result.and_then(page), page.more
        return result
