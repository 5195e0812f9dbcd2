"""What payloads hold beyond what their mapping knows: counted for each channel and version of its contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from store.tables import DriftRow

LONGEST_WORD = 200
"""Characters of an unknown value, and of a path, that are kept: enough to name it."""


class Unknown(Protocol):
    @property
    def kind(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def value(self) -> str: ...


async def count(session: AsyncSession, channel: str, api_version: str, drift: Iterable[Unknown], event_id: int) -> None:
    """Count each kind, path and value of an event once.

    To be called last in its transaction: from here to the commit, other events with the same drift wait. All take the
    rows in one order, so they never wait for each other in a circle.
    """
    of_event = {"channel": channel, "api_version": api_version, "count": 1, "last_event": event_id}
    found = sorted({(each.kind, each.path[:LONGEST_WORD], each.value[:LONGEST_WORD]) for each in drift})
    if not found:
        return
    new = insert(DriftRow).values([{**of_event, "kind": k, "path": p, "value": v} for k, p, v in found])
    seen_again = {
        "count": DriftRow.count + 1,
        "last_seen": func.now(),
        "last_event": func.greatest(DriftRow.last_event, new.excluded.last_event),
    }
    key = ["channel", "api_version", "kind", "path", "value"]
    await session.execute(new.on_conflict_do_update(index_elements=key, set_=seen_again))


async def of_channel(session: AsyncSession, channel: str) -> list[DriftRow]:
    """The most frequent first."""
    found = select(DriftRow).where(col(DriftRow.channel) == channel)
    return list(await session.scalars(found.order_by(col(DriftRow.count).desc(), col(DriftRow.path))))
