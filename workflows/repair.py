"""Applies a repair at a steady pace: survives any worker, can be stopped, and says in the Temporal UI how far it is."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.blast_radius import CorrectionActivities
    from activities.repair import RepairActivities
    from models.repair import RepairBatch, RepairEnd, RepairKind, RepairProgress, RepairRun, StopRepair
    from workflows import policy
    from workflows.writes import Writes

RHYTHM = timedelta(seconds=1)


@workflow.defn
class RepairWorkflow:
    @workflow.init
    def __init__(self, run: RepairRun) -> None:
        self._stopped_by: str | None = None
        self._progress = RepairProgress(done=0, left=0)

    @workflow.run
    async def run(self, run: RepairRun) -> RepairProgress:
        batches, finished = 0, False
        while not (finished or self._stopped_by):
            if batches == run.batches_a_run:
                workflow.continue_as_new(run)
            self._progress = await self._batch(run)
            self._show()
            batches, finished = batches + 1, not self._progress.left
            if not finished:
                await self._pause()
        await self._end(run, None if finished else self._stopped_by)
        return self._progress

    @workflow.signal
    def stop(self, request: StopRepair) -> None:
        """What was done stays done; the rest is left, and can be taken up again."""
        self._stopped_by = request.actor

    @workflow.query
    def progress(self) -> RepairProgress:
        return self._progress

    async def _batch(self, run: RepairRun) -> RepairProgress:
        batch = RepairBatch(repair_id=run.repair_id, limit=run.per_second)
        doing = policy.outside(policy.REPAIR_QUEUE, f"Next {run.per_second} of repair {run.repair_id}")
        doing |= workflow.ActivityConfig(start_to_close_timeout=timedelta(minutes=5))
        if run.kind is RepairKind.MAPPING:
            return await workflow.execute_activity_method(CorrectionActivities.correct_batch, batch, **doing)
        return await workflow.execute_activity_method(RepairActivities.resolve_batch, batch, **doing)

    async def _pause(self) -> None:
        try:
            await workflow.wait_condition(lambda: self._stopped_by is not None, timeout=RHYTHM)
        except TimeoutError:
            return

    async def _end(self, run: RepairRun, stopped_by: str | None) -> None:
        end = RepairEnd(repair_id=run.repair_id, stopped_by=stopped_by)
        await Writes().do(RepairActivities.end_repair, end, f"Repair {run.repair_id} has ended")

    def _show(self) -> None:
        told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(self._progress.outcomes.items()))
        workflow.set_current_details(f"{told or 'nothing done'}; {self._progress.left} left")
