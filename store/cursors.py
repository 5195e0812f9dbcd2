"""How far each channel account was read."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from store.tables import ChannelCursor


async def get(session: AsyncSession, channel: str, account: str) -> ChannelCursor | None:
    return await session.get(ChannelCursor, (channel, account), populate_existing=True)


async def everywhere(session: AsyncSession) -> list[ChannelCursor]:
    return list(
        await session.scalars(select(ChannelCursor).order_by(col(ChannelCursor.channel), col(ChannelCursor.account)))
    )


async def attempted(session: AsyncSession, channel: str, account: str) -> None:
    """Note that a poll begins; the cursor stays."""
    await _write(session, channel, account, {"polled_at": func.now()})


async def advance(session: AsyncSession, channel: str, account: str, cursor: str) -> None:
    """Move on. Only in the transaction that keeps what was read up to the cursor, or a crash loses it."""
    await _write(session, channel, account, {"cursor": cursor, "polled_at": func.now(), "last_success_at": func.now()})


async def _write(session: AsyncSession, channel: str, account: str, values: dict[str, object]) -> None:
    new = insert(ChannelCursor).values(channel=channel, account=account, **values)
    await session.execute(new.on_conflict_do_update(index_elements=["channel", "account"], set_=values))
