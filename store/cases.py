"""Exception cases, so that a person finds them without asking every workflow."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.case import CaseKind, ExceptionCase
from models.order import OrderKey
from store import causes
from store.tables import CaseRow

_AS_REPORTED = (
    "workflow_id",
    "kind",
    "step",
    "reason",
    "detail",
    "allowed",
    "owner",
    "subject",
    "expires_at",
    "on_expiry",
)


async def upsert(session: AsyncSession, case: ExceptionCase) -> None:
    """Keep a case as it is now. One that was resolved stays so, whatever late report says."""
    values = {**case.model_dump(mode="json"), "order_key": str(case.order_key), "channel": case.order_key.channel}
    values |= {name: getattr(case, name) for name in ("opened_at", "resolved_at", "expires_at")}
    if case.subject and case.resolved_at is None:
        await causes.waits(session, case.subject, case.workflow_id)
    new = insert(CaseRow).values(**values)
    fresh = {name: new.excluded[name] for name in _AS_REPORTED}
    ended = {
        "resolved_at": func.coalesce(new.excluded.resolved_at, CaseRow.resolved_at),
        "resolution": func.coalesce(new.excluded.resolution, CaseRow.resolution),
    }
    await session.execute(new.on_conflict_do_update(index_elements=["case_id"], set_={**fresh, **ended}))


async def reopen(session: AsyncSession, case: ExceptionCase) -> None:
    """Keep a case that says how things stand: one that was closed before is open again, from now on."""
    await upsert(session, case)
    again = update(CaseRow).where(col(CaseRow.case_id) == case.case_id, col(CaseRow.resolved_at).is_not(None))
    values = {"resolved_at": None, "resolution": None, "opened_at": case.opened_at}
    await session.execute(again.values(**values), execution_options={"synchronize_session": False})


async def get(session: AsyncSession, case_id: str) -> ExceptionCase | None:
    row = await session.get(CaseRow, case_id, populate_existing=True)
    return row.case() if row else None


async def find(
    session: AsyncSession,
    *,
    open_only: bool = True,
    kind: CaseKind | None = None,
    channel: str | None = None,
    order_key: OrderKey | None = None,
    limit: int = 200,
) -> list[ExceptionCase]:
    """Cases, the longest open first."""
    exact = {"kind": kind, "channel": channel, "order_key": str(order_key) if order_key else None}
    found = select(CaseRow).filter_by(**{name: value for name, value in exact.items() if value is not None})
    if open_only:
        found = found.where(col(CaseRow.resolved_at).is_(None))
    rows = await session.scalars(found.order_by(col(CaseRow.opened_at), col(CaseRow.case_id)).limit(limit))
    return [row.case() for row in rows]


async def counts_by_kind_and_owner(session: AsyncSession) -> dict[tuple[str, str], int]:
    """Open cases, by what they are and whose turn it is."""
    by = (col(CaseRow.kind), col(CaseRow.owner))
    found = select(*by, func.count()).where(col(CaseRow.resolved_at).is_(None)).group_by(*by)
    return {(kind, owner): number for kind, owner, number in await session.execute(found)}
