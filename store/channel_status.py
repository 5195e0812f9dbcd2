"""Where each channel account stands, put together from what is known of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from models.channel import QuotaLeft
from store.tables import DriftRow


class AccountStatus(Model):
    """One account. Moments are None before anything happened."""

    channel: str
    account: str
    api_version: str = ""
    sunset: date | None = None
    credential_expires: datetime | None = None
    quotas: tuple[QuotaLeft, ...] = ()
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: str | None = None
    newest_version: datetime | None = None
    """Version of the newest order that was read."""
    backlog: bool = False
    """True while a long absence is being caught up."""
    waiting: int = 0
    """Captured events that are not delivered yet."""
    oldest_waiting_at: datetime | None = None
    dead: int = 0
    returns: int = 0
    stock_told: int = 0
    stock_refused: int = 0


_STATUS = text("""
    WITH accounts AS (
        SELECT channel, account FROM channel_health
        UNION SELECT channel, account FROM channel_cursor
        UNION SELECT DISTINCT channel, account FROM inbox_event WHERE source <> 'wms'
    ), events AS (
        SELECT channel, account,
               count(*) FILTER (WHERE status = 'received') AS waiting,
               min(received_at) FILTER (WHERE status = 'received') AS oldest_waiting_at,
               count(*) FILTER (WHERE status = 'dead') AS dead
        FROM inbox_event WHERE status IN ('received', 'dead') GROUP BY channel, account
    ), sold AS (
        SELECT channel, account, count(*) AS stock_told, count(problem) AS stock_refused
        FROM channel_stock GROUP BY channel, account
    ), sent_back AS (
        SELECT channel, account, count(*) AS returns FROM channel_return GROUP BY channel, account
    ), behind AS (
        SELECT channel, account FROM channel_cursor WHERE stream = 'backlog'
    )
    SELECT accounts.channel, accounts.account, coalesce(api_version, '') AS api_version, sunset, credential_expires,
           coalesce(quotas, '[]'::jsonb) AS quotas, last_success_at, last_failure_at, last_failure, newest_version,
           behind.channel IS NOT NULL AS backlog, coalesce(waiting, 0) AS waiting, oldest_waiting_at,
           coalesce(dead, 0) AS dead, coalesce(returns, 0) AS returns,
           coalesce(stock_told, 0) AS stock_told, coalesce(stock_refused, 0) AS stock_refused
    FROM accounts
    LEFT JOIN channel_health USING (channel, account)
    LEFT JOIN events USING (channel, account)
    LEFT JOIN sold USING (channel, account)
    LEFT JOIN sent_back USING (channel, account)
    LEFT JOIN behind USING (channel, account)
    ORDER BY channel, account
""")


async def accounts(session: AsyncSession) -> list[AccountStatus]:
    """Every account that anything was ever known of."""
    return [AccountStatus.model_validate(dict(row)) for row in (await session.execute(_STATUS)).mappings()]


async def drift(session: AsyncSession, channel: str | None = None) -> list[DriftRow]:
    """What payloads hold and the mappings do not know, the most frequent first."""
    found = select(DriftRow).order_by(
        col(DriftRow.channel), col(DriftRow.count).desc(), col(DriftRow.path), col(DriftRow.value)
    )
    if channel is not None:
        found = found.where(col(DriftRow.channel) == channel)
    return list(await session.scalars(found))
