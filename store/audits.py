"""The channel audits that were made."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.audit import AuditReport
from store.tables import ChannelAuditRow


async def keep(session: AsyncSession, report: AuditReport) -> int:
    """The number under which the report is kept."""
    row = ChannelAuditRow(
        channel=report.channel,
        account=report.account,
        since=report.since,
        until=report.until,
        report=report.model_dump(mode="json"),
    )
    session.add(row)
    await session.flush()
    return row.id


async def newest(session: AsyncSession) -> list[ChannelAuditRow]:
    """The newest audit of each account."""
    found = (
        select(ChannelAuditRow)
        .ext(distinct_on(col(ChannelAuditRow.channel), col(ChannelAuditRow.account)))
        .order_by(col(ChannelAuditRow.channel), col(ChannelAuditRow.account), col(ChannelAuditRow.id).desc())
    )
    return list(await session.scalars(found))
