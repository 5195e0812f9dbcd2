"""Locks on things that have no row yet."""

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def hold(session: AsyncSession, names: Iterable[str]) -> None:
    """Let no other transaction hold any of these names until this one ends. All are taken in one order: no deadlock."""
    for name in sorted(set(names)):
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})
