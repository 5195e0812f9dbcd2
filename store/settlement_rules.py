"""The versions of each channel's settlement rules. The highest one is in force; the shipped one when none is higher."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.settlement_rules import RulesError, RuleSet
from store.tables import RuleSetRow


async def in_force(session: AsyncSession, shipped: RuleSet) -> RuleSet:
    newest = await session.scalar(
        select(RuleSetRow)
        .where(col(RuleSetRow.channel) == shipped.channel)
        .order_by(col(RuleSetRow.version).desc())
        .limit(1)
    )
    if newest is None or newest.version <= shipped.version:
        return shipped
    return RuleSet.model_validate(newest.document)


async def apply(session: AsyncSession, rules: RuleSet, shipped: RuleSet, actor: str) -> None:
    """Put a version in force. Raises `RulesError` unless it is newer than the one that is."""
    now = await in_force(session, shipped)
    if rules.version <= now.version:
        raise RulesError(f"version: {rules.version} is not above {now.version}, which is in force: raise it")
    document = rules.model_dump(mode="json")
    session.add(RuleSetRow(channel=rules.channel, version=rules.version, document=document, applied_by=actor))
    await session.flush()


async def history(session: AsyncSession, channel: str) -> list[RuleSetRow]:
    """Newest first."""
    found = select(RuleSetRow).where(col(RuleSetRow.channel) == channel).order_by(col(RuleSetRow.version).desc())
    return list(await session.scalars(found))
