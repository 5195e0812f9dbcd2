"""Repairs: the plan, what is left of it, and what became of each case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.repair import Outcome, Repair, RepairItem, RepairState
from store.tables import RepairItemRow, RepairRow


async def plan(session: AsyncSession, repair: Repair, items: Sequence[RepairItem]) -> None:
    """Keep a repair with exactly these items. One that has an outcome already is not touched when it is applied."""
    values = repair.model_dump(mode="json", exclude={"planned_at", "started_at", "ended_at", "ended_by", "state"})
    await session.execute(insert(RepairRow).values(**values))
    if items:
        await session.execute(insert(RepairItemRow), [_row(repair, item) for item in items])


async def get(session: AsyncSession, repair_id: str) -> Repair | None:
    row = await session.get(RepairRow, repair_id, populate_existing=True)
    return row.repair() if row else None


async def find(session: AsyncSession, limit: int = 50) -> list[Repair]:
    """Newest first."""
    rows = await session.scalars(select(RepairRow).order_by(col(RepairRow.planned_at).desc()).limit(limit))
    return [row.repair() for row in rows]


async def started(session: AsyncSession, repair_id: str) -> bool:
    """Note that a planned or stopped repair runs; False when it is done, and nothing is left to do."""
    runs = update(RepairRow).where(
        col(RepairRow.repair_id) == repair_id, col(RepairRow.state) != RepairState.DONE.value
    )
    since = func.coalesce(RepairRow.started_at, func.now())
    found = await session.execute(
        runs.values(state=RepairState.RUNNING.value, started_at=since, ended_at=None, ended_by=None).returning(
            col(RepairRow.repair_id)
        ),
        execution_options={"synchronize_session": False},
    )
    return found.first() is not None


async def ended(session: AsyncSession, repair_id: str, stopped_by: str | None) -> None:
    state = RepairState.STOPPED if stopped_by else RepairState.DONE
    done = update(RepairRow).where(col(RepairRow.repair_id) == repair_id)
    await session.execute(
        done.values(state=state.value, ended_at=func.now(), ended_by=stopped_by),
        execution_options={"synchronize_session": False},
    )


async def items(session: AsyncSession, repair_id: str, *, left_only: bool = False, limit: int = 0) -> list[RepairItem]:
    """In the order of the plan; those that had no answer yet come after those that were never tried."""
    found = select(RepairItemRow).where(col(RepairItemRow.repair_id) == repair_id)
    if left_only:
        found = found.where(col(RepairItemRow.outcome).is_(None)).order_by(col(RepairItemRow.attempts))
    found = found.order_by(col(RepairItemRow.number))
    rows = await session.scalars(found.limit(limit) if limit else found)
    return [row.item() for row in rows]


async def tried(session: AsyncSession, repair_id: str, number: int, why: str) -> None:
    """Count an attempt that had no answer."""
    values = {"attempts": RepairItemRow.attempts + 1, "reason": why}
    await session.execute(_one(repair_id, number).values(**values), execution_options={"synchronize_session": False})


async def done(
    session: AsyncSession,
    repair_id: str,
    number: int,
    outcome: Outcome,
    reason: str = "",
    evidence: tuple[dict[str, Any], dict[str, Any]] | None = None,
) -> None:
    """Note what became of one item; `evidence` is before and after, where something was changed."""
    values: dict[str, Any] = {"outcome": outcome.value, "reason": reason, "done_at": func.now()}
    if evidence:
        values |= {"before": evidence[0], "after": evidence[1]}
    await session.execute(_one(repair_id, number).values(**values), execution_options={"synchronize_session": False})


async def outcomes(session: AsyncSession, repair_id: str) -> dict[str, int]:
    """Outcome -> how many; `left` for those without one."""
    word = func.coalesce(col(RepairItemRow.outcome), "left")
    found = select(word, func.count()).where(col(RepairItemRow.repair_id) == repair_id).group_by(word)
    return dict((await session.execute(found)).all())


def _one(repair_id: str, number: int) -> Any:
    mine = (col(RepairItemRow.repair_id) == repair_id, col(RepairItemRow.number) == number)
    return update(RepairItemRow).where(*mine, col(RepairItemRow.outcome).is_(None))


def _row(repair: Repair, item: RepairItem) -> dict[str, Any]:
    return {**item.model_dump(mode="json"), "repair_id": repair.repair_id, "done_at": item.done_at}
