"""The trips of breakers: since when, why, how often the system was asked, and when it was well again."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.breaker import TripRecord
from store.tables import BreakerTripRow

LONGEST = 500
"""Characters of a reason that are kept."""
_FRESH = {"populate_existing": True}
_AS_WRITTEN = {"synchronize_session": False}


async def opened(
    session: AsyncSession, queue: str, reason: str, actor: str, rate_before: float | None
) -> BreakerTripRow:
    """The queue's open trip: a new one, or the one there is with the newest reason; its first rate stays."""
    why = {"reason": reason[:LONGEST], "actor": actor}
    new = insert(BreakerTripRow).values(queue=queue, rate_before=rate_before, **why)
    still_open = col(BreakerTripRow.closed_at).is_(None)
    await session.execute(new.on_conflict_do_update(index_elements=["queue"], index_where=still_open, set_=why))
    return (await session.scalars(select(BreakerTripRow).where(*_open(queue)), execution_options=_FRESH)).one()


async def probed(session: AsyncSession, queue: str, said: str) -> None:
    values = {"probes": BreakerTripRow.probes + 1, "last_probe_at": func.now(), "last_probe": said[:LONGEST]}
    await session.execute(update(BreakerTripRow).where(*_open(queue)).values(**values), execution_options=_AS_WRITTEN)


async def closed(session: AsyncSession, trip_id: int, closed_by: str) -> None:
    row = update(BreakerTripRow).where(col(BreakerTripRow.id) == trip_id, col(BreakerTripRow.closed_at).is_(None))
    await session.execute(row.values(closed_at=func.now(), closed_by=closed_by), execution_options=_AS_WRITTEN)


async def stopped(session: AsyncSession) -> list[str]:
    """Queues whose trip is open."""
    found = select(col(BreakerTripRow.queue)).where(col(BreakerTripRow.closed_at).is_(None))
    return list(await session.scalars(found.order_by(col(BreakerTripRow.queue))))


async def trips(session: AsyncSession, queue: str | None = None, limit: int = 50) -> list[TripRecord]:
    """Newest first."""
    found = select(BreakerTripRow).order_by(col(BreakerTripRow.opened_at).desc()).limit(limit)
    if queue is not None:
        found = found.where(col(BreakerTripRow.queue) == queue)
    return [TripRecord.model_validate(row.model_dump()) for row in await session.scalars(found)]


def _open(queue: str) -> tuple[ColumnElement[bool], ...]:
    return (col(BreakerTripRow.queue) == queue, col(BreakerTripRow.closed_at).is_(None))
