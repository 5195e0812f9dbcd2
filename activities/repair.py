"""Applies a repair, a few cases at a time: each is resolved at most once, and what became of it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog
from temporalio import activity
from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import temporal_errors
from models.case import ExceptionCase, Resolution
from models.repair import Outcome, Repair, RepairBatch, RepairEnd, RepairItem, RepairProgress, before_and_after
from store import cases, orders, repairs
from store.database import Database

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=10)
"""How long one workflow may take to answer."""
ATTEMPTS = 3
"""A workflow that does not answer so often is left, and named in the result."""
NOT_OPEN = "NoSuchCase"
"""Type of a workflow's refusal when the case is not open any more."""


class RepairActivities:
    def __init__(self, database: Database, patience: timedelta = PATIENCE) -> None:
        self._database = database
        self._patience = patience

    @activity.defn
    async def resolve_batch(self, batch: RepairBatch) -> RepairProgress:
        """Resolve the next cases of a repair. What was done stays done, wherever this stops."""
        with temporal_errors():
            return await carry_out(self._database, batch, self._resolve)

    @activity.defn
    async def end_repair(self, end: RepairEnd) -> None:
        with temporal_errors():
            async with self._database.session() as session:
                await repairs.ended(session, end.repair_id, end.stopped_by)

    async def _resolve(self, repair: Repair, item: RepairItem) -> None:
        async with self._database.session() as session:
            case = await cases.get(session, item.target)
        if case is None or (case.resolved_at is not None and not _is_ours(repair, case)):
            await self._gone(repair, item, case)
            return
        try:
            await self._tell(repair, item)
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            await self._silent(repair, item, f"{item.workflow_id} did not answer: {error}")
        except (WorkflowUpdateFailedError, RPCError) as error:
            await self._not_taken(repair, item, case, error)
        else:
            await self._applied(repair, item, case)

    async def _tell(self, repair: Repair, item: RepairItem) -> None:
        """The update's id makes it one update, however often this activity is tried."""
        assert repair.action is not None
        resolution = Resolution(
            case_id=item.target,
            action=repair.action,
            actor=repair.actor,
            note=signed(repair),
            amendment=repair.amendment,
        )
        waiting = activity.client().get_workflow_handle(item.workflow_id)
        await waiting.execute_update(
            "resolve", resolution, id=f"{repair.workflow_id}/{item.target}", rpc_timeout=self._patience
        )

    async def _applied(self, repair: Repair, item: RepairItem, case: ExceptionCase) -> None:
        async with self._database.session() as session:
            evidence = None
            if not repair.amendment.empty:
                row = await orders.get(session, case.order_key)
                known = await cases.find(session, open_only=False, order_key=case.order_key)
                earlier = [c.resolution for c in known if c.resolution and c.case_id != item.target]
                evidence = before_and_after(row.order() if row else None, earlier, repair.amendment)
            await repairs.done(session, repair.repair_id, item.number, Outcome.APPLIED, evidence=evidence)

    async def _gone(self, repair: Repair, item: RepairItem, case: ExceptionCase | None) -> None:
        """Resolved already, by somebody else."""
        who = f"by {case.resolution.actor}: {case.resolution.action}" if case and case.resolution else "by itself"
        await self._done(repair, item, Outcome.ALREADY_RESOLVED, who)

    async def _not_taken(
        self, repair: Repair, item: RepairItem, case: ExceptionCase, error: WorkflowUpdateFailedError | RPCError
    ) -> None:
        outcome, why = _told(error, item)
        if outcome is Outcome.ALREADY_RESOLVED and _is_ours(repair, case):
            await self._applied(repair, item, case)
        else:
            await self._done(repair, item, outcome, why)

    async def _silent(self, repair: Repair, item: RepairItem, why: str) -> None:
        log.warning("case is not resolved yet", case_id=item.target, why=why)
        if item.attempts + 1 >= ATTEMPTS:
            await self._done(repair, item, Outcome.NO_ANSWER, why)
            return
        async with self._database.session() as session:
            await repairs.tried(session, repair.repair_id, item.number, why)

    async def _done(self, repair: Repair, item: RepairItem, outcome: Outcome, reason: str) -> None:
        async with self._database.session() as session:
            await repairs.done(session, repair.repair_id, item.number, outcome, reason)


def _is_ours(repair: Repair, case: ExceptionCase) -> bool:
    """True when the store says that this repair resolved the case. Its workflow is told again all the same, once.

    It may have forgotten: a decision is written down in the task that takes it, and when a starved worker exceeds that
    task's time the task is lost, and what was written is not.
    """
    return case.resolution is not None and case.resolution.note == signed(repair)


def _told(error: WorkflowUpdateFailedError | RPCError, item: RepairItem) -> tuple[Outcome, str]:
    """What a refusal means. Raises it again when it means nothing but that Temporal is away."""
    if isinstance(error, WorkflowUpdateFailedError):
        gone = isinstance(error.cause, ApplicationError) and error.cause.type == NOT_OPEN
        return (Outcome.ALREADY_RESOLVED if gone else Outcome.REFUSED), str(error.cause)
    if error.status is not RPCStatusCode.NOT_FOUND:
        raise error
    return Outcome.ALREADY_RESOLVED, f"its workflow {item.workflow_id} has ended"


def signed(repair: Repair) -> str:
    """The note that stands with each resolution: it says which repair it came from."""
    return f"{repair.note} (repair {repair.repair_id})"


async def carry_out(
    database: Database, batch: RepairBatch, step: Callable[[Repair, RepairItem], Awaitable[None]]
) -> RepairProgress:
    """Do the next items of a repair side by side, each to its end; then raises the first failure, if any."""
    async with database.session() as session:
        repair = await repairs.get(session, batch.repair_id)
        left = await repairs.items(session, batch.repair_id, left_only=True, limit=batch.limit)
    if repair is None:
        raise ApplicationError(f"no repair {batch.repair_id}", type="NoSuchRepair", non_retryable=True)
    done = await asyncio.gather(*(step(repair, item) for item in left), return_exceptions=True)
    for failure in done:
        if isinstance(failure, BaseException):
            raise failure
    return await progress(database, batch.repair_id, len(left))


async def progress(database: Database, repair_id: str, done: int) -> RepairProgress:
    async with database.session() as session:
        outcomes = await repairs.outcomes(session, repair_id)
    return RepairProgress(done=done, left=outcomes.pop("left", 0), outcomes=outcomes)
