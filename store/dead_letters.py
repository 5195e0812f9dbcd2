"""What an operator does about payloads that could not be understood. Nothing of them is ever deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from store import inbox
from store.tables import InboxEvent


class Query(Model):
    """Which of the dead letters are meant; all of them, unless something is given."""

    channel: str | None = None
    account: str | None = None
    reason: str | None = None
    """The refusal's word: `totals_differ`."""
    since: datetime | None = None
    """Received at that moment or later."""

    @property
    def is_everything(self) -> bool:
        return self == Query()


async def ids(session: AsyncSession, query: Query) -> list[int]:
    """The events that the query means, however many, in the order of their arrival."""
    meant = inbox.refused(channel=query.channel, account=query.account, reason=query.reason, since=query.since)
    return list(await session.scalars(select(col(InboxEvent.id)).where(*meant).order_by(col(InboxEvent.id))))


async def edit(session: AsyncSession, event_id: int, body: bytes, actor: str) -> bool:
    """Deliver an event again from another body; what came is kept beside it. False when it is no dead letter."""
    edited = _of_refused([event_id]).values(edited_body=body, edited_by=actor).returning(col(InboxEvent.id))
    if (await session.execute(edited, execution_options={"synchronize_session": False})).first() is None:
        return False
    return await inbox.replay(session, event_id) == 1


async def discard(session: AsyncSession, event_ids: Sequence[int], why: str, actor: str) -> list[int]:
    """Decide that these will never be delivered; those of them that were dead letters. They are kept for ever."""
    told = f"discarded by {actor}: {why}"
    done = _of_refused(event_ids).values(status="discarded", outcome=told, finished_at=func.now())
    found = await session.scalars(done.returning(col(InboxEvent.id)), execution_options={"synchronize_session": False})
    return sorted(found)


def _of_refused(event_ids: Sequence[int]) -> Update:
    return update(InboxEvent).where(col(InboxEvent.id).in_(event_ids), *inbox.refused())
