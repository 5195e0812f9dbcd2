"""How each channel account is doing: what its connector says of itself, and how its last polls went."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channel import ChannelHealth
from store.tables import ChannelHealthRow

LONGEST_FAILURE = 500
"""Characters of what went wrong that are kept."""


async def succeeded(
    session: AsyncSession, channel: str, account: str, health: ChannelHealth, newest_version: datetime | None
) -> None:
    """Note a poll that went well. The newest version that was ever read stays, whatever this page brought."""
    newest = func.greatest(ChannelHealthRow.newest_version, newest_version)  # NULL counts as nothing.
    now = {"newest_version": newest_version, "last_success_at": func.now()}
    await _write(session, channel, account, {**_said(health), **now}, {"newest_version": newest})


async def failed(session: AsyncSession, channel: str, account: str, health: ChannelHealth, why: str) -> None:
    """Note a poll that failed, and why."""
    failure = {"last_failure_at": func.now(), "last_failure": why[:LONGEST_FAILURE]}
    await _write(session, channel, account, {**_said(health), **failure}, {})


async def get(session: AsyncSession, channel: str, account: str) -> ChannelHealthRow | None:
    return await session.get(ChannelHealthRow, (channel, account), populate_existing=True)


async def everywhere(session: AsyncSession) -> list[ChannelHealthRow]:
    by_account = select(ChannelHealthRow).order_by(col(ChannelHealthRow.channel), col(ChannelHealthRow.account))
    return list(await session.scalars(by_account))


async def _write(
    session: AsyncSession, channel: str, account: str, values: dict[str, Any], on_conflict: dict[str, Any]
) -> None:
    identity = {"channel": channel, "account": account}
    values = {**values, "updated_at": func.now()}
    new = insert(ChannelHealthRow).values(**identity, **values)
    await session.execute(new.on_conflict_do_update(index_elements=list(identity), set_={**values, **on_conflict}))


def _said(health: ChannelHealth) -> dict[str, Any]:
    return {
        "api_version": health.api_version,
        "sunset": health.sunset,
        "credential_expires": health.credential_expires,
        "quotas": [quota.model_dump(mode="json") for quota in health.quotas],
    }
