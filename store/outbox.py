"""The outbox: messages to workflows, written with the change that caused them, delivered at least once afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from store.bell import ring
from store.tables import OutboxMessage

LEASE = timedelta(seconds=10)
"""How long a claimed message is its claimer's; one that dies gives it back by its silence."""


class Message(Model):
    """What a workflow is to be told: `message` names the signal, `payload` is its argument as JSON."""

    workflow_id: str
    message: str
    payload: dict[str, Any]
    not_before: datetime | None = None


async def add(session: AsyncSession, workflow_id: str, message: str, payload: Model) -> None:
    """Send one message as soon as this transaction is committed."""
    await add_all(session, [Message(workflow_id=workflow_id, message=message, payload=payload.model_dump(mode="json"))])


async def add_all(session: AsyncSession, messages: Sequence[Message]) -> None:
    """Send messages as soon as this transaction is committed, each no earlier than its `not_before`."""
    if not messages:
        return
    due = func.greatest(bindparam("not_before", type_=DateTime(timezone=True)), func.now())
    statement = insert(OutboxMessage).values(next_attempt_at=due).returning(ring())
    await session.execute(statement, [message.model_dump() for message in messages])


async def claim(session: AsyncSession, limit: int, lease: timedelta = LEASE) -> list[OutboxMessage]:
    """Take due messages, longest waiting first. No other caller gets them until the lease has passed."""
    due = (
        select(col(OutboxMessage.id))
        .where(col(OutboxMessage.delivered_at).is_(None), col(OutboxMessage.next_attempt_at) <= func.now())
        .order_by(col(OutboxMessage.next_attempt_at), col(OutboxMessage.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == due.c.id)
        .values(attempts=OutboxMessage.attempts + 1, next_attempt_at=func.now() + lease)
        .returning(OutboxMessage)
    )
    messages = await session.scalars(claimed, execution_options={"populate_existing": True})
    return sorted(messages, key=lambda message: message.id)


async def delivered(session: AsyncSession, message_id: int) -> None:
    done = update(OutboxMessage).where(col(OutboxMessage.id) == message_id)
    await session.execute(
        done.values(delivered_at=func.now(), last_error=None), execution_options={"synchronize_session": False}
    )


async def postpone(session: AsyncSession, message_id: int, error: str, delay: timedelta) -> None:
    """Try again after `delay`; `error` is what the operator reads meanwhile."""
    later = update(OutboxMessage).where(col(OutboxMessage.id) == message_id, col(OutboxMessage.delivered_at).is_(None))
    await session.execute(
        later.values(last_error=error, next_attempt_at=func.now() + delay),
        execution_options={"synchronize_session": False},
    )


async def waiting(session: AsyncSession) -> int:
    """Number of messages that are not delivered yet."""
    undelivered = select(func.count()).select_from(OutboxMessage).where(col(OutboxMessage.delivered_at).is_(None))
    return (await session.scalars(undelivered)).one()
