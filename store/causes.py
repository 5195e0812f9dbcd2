"""Causes that several orders share: who waits for one, and telling all of them that it is gone."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages import CauseGone
from store import locks, outbox
from store.tables import CaseRow, CauseGoneRow

CAUSE_GONE = "cause_gone"
ON_ITS_WAY = timedelta(seconds=60)
"""A case that opens so soon after its cause went may have looked before: the longest that one call may take."""
PAUSE = timedelta(seconds=5)
"""Before such a case is tried again: if the cause is back, it must not be tried in a tight loop."""


async def gone(session: AsyncSession, subject: str, note: str) -> int:
    """Tell every order that waits for this, as soon as the transaction is committed; returns how many.

    Write what puts the cause right in the same transaction.
    """
    await locks.hold(session, [_lock(subject)])
    row = insert(CauseGoneRow).values(subject=subject, note=note)
    await session.execute(
        row.on_conflict_do_update(index_elements=["subject"], set_={"gone_at": func.clock_timestamp(), "note": note})
    )
    waiting = select(col(CaseRow.workflow_id)).where(
        col(CaseRow.subject) == subject, col(CaseRow.resolved_at).is_(None)
    )
    told = sorted(set(await session.scalars(waiting)))
    payload = CauseGone(subject=subject, note=note).model_dump(mode="json")
    await outbox.add_all(
        session, [outbox.Message(workflow_id=each, message=CAUSE_GONE, payload=payload) for each in told]
    )
    return len(told)


async def waits(session: AsyncSession, subject: str, workflow_id: str) -> None:
    """A case with this subject is being opened: have its workflow told at once if the cause went while it looked."""
    await locks.hold(session, [_lock(subject)])
    recent = select(col(CauseGoneRow.note)).where(
        col(CauseGoneRow.subject) == subject, col(CauseGoneRow.gone_at) > func.clock_timestamp() - ON_ITS_WAY
    )
    note = await session.scalar(recent)
    if note is None:
        return
    later = (await session.scalars(select(func.clock_timestamp() + PAUSE))).one()
    payload = CauseGone(subject=subject, note=note).model_dump(mode="json")
    message = outbox.Message(workflow_id=workflow_id, message=CAUSE_GONE, payload=payload, not_before=later)
    await outbox.add_all(session, [message])


async def waiting(session: AsyncSession) -> dict[str, int]:
    """Subject -> open cases that share it, the most first."""
    found = (
        select(col(CaseRow.subject), func.count())
        .where(col(CaseRow.resolved_at).is_(None), col(CaseRow.subject) != "")
        .group_by(col(CaseRow.subject))
        .order_by(func.count().desc(), col(CaseRow.subject))
    )
    return dict((await session.execute(found)).all())


def _lock(subject: str) -> str:
    """Putting a cause right and beginning to wait for it exclude each other, or an order could wait for ever."""
    return f"cause/{subject}"
