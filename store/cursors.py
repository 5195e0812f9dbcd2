"""How far each channel account was read."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from store.tables import ChannelCursor

ORDERS = "orders"
BACKLOG = "backlog"
RETURNS = "returns"
REPORTS = "reports"
"""Of a warehouse."""


async def get(session: AsyncSession, channel: str, account: str, stream: str = ORDERS) -> ChannelCursor | None:
    return await session.get(ChannelCursor, (channel, account, stream), populate_existing=True)


async def everywhere(session: AsyncSession) -> list[ChannelCursor]:
    return list(
        await session.scalars(
            select(ChannelCursor).order_by(
                col(ChannelCursor.channel), col(ChannelCursor.account), col(ChannelCursor.stream)
            )
        )
    )


async def advance(session: AsyncSession, channel: str, account: str, cursor: str, stream: str = ORDERS) -> None:
    """Move on. Only in the transaction that keeps what was read up to the cursor, or a crash loses it."""
    moved: dict[str, object] = {"cursor": cursor, "polled_at": func.now(), "last_success_at": func.now()}
    await _write(session, (channel, account, stream), moved)


async def leave_behind(session: AsyncSession, channel: str, account: str, cursor: str) -> None:
    """What follows this cursor becomes the backlog. One that is there already reaches further back, and stays."""
    backlog = {"channel": channel, "account": account, "stream": BACKLOG, "cursor": cursor}
    await session.execute(insert(ChannelCursor).values(**backlog).on_conflict_do_nothing())


async def end(session: AsyncSession, channel: str, account: str, stream: str) -> None:
    """Forget a stream that was read to its end."""
    same = {"channel": channel, "account": account, "stream": stream}
    await session.execute(delete(ChannelCursor).filter_by(**same))


async def _write(session: AsyncSession, stream: tuple[str, str, str], values: dict[str, object]) -> None:
    identity = dict(zip(("channel", "account", "stream"), stream, strict=True))
    new = insert(ChannelCursor).values(**identity, **values)
    await session.execute(new.on_conflict_do_update(index_elements=list(identity), set_=values))
