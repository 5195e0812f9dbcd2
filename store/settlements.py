"""Settlements: each posted once, each line matched to its order or kept as a named residual."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.order import OrderKey
from models.settlement import Settlement, SettlementResult
from models.settlement_rules import RuleSet
from store import locks, settlement_posting
from store.settlement_matching import match_next
from store.tables import SettlementLineRow, SettlementRow


class SettlementError(ValueError):
    """A settlement whose lines are not its payout: the document is refused whole."""


async def post(session: AsyncSession, settlement: Settlement, rules: RuleSet | None = None) -> SettlementResult:
    """Match, keep, and tell each order what it was paid; the second time only the stored result is returned.

    All steps in one transaction, for a settlement that is in memory. Raises `SettlementError` when the lines are not
    the payout.
    """
    key = settlement.key
    await locks.hold(session, [f"settlement/{key}"])
    if posted := await get(session, key.channel, key.account, key.settlement_id):
        return posted
    _require_sum(settlement)
    rules = rules or RuleSet(channel=key.channel, version=1, rules=())
    await settlement_posting.begin(session, settlement, len(settlement.lines), rules_version=rules.version)
    await settlement_posting.keep(session, key, settlement.lines)
    while await match_next(session, key, rules):
        pass
    return await settlement_posting.finish(session, key)


def _require_sum(settlement: Settlement) -> None:
    if settlement.lines_total != settlement.payout:
        raise SettlementError(
            f"settlement {settlement.settlement_id}: payout is {settlement.payout}, but lines add up to "
            f"{settlement.lines_total}: fetch the document again, nothing of it was posted"
        )


async def get(session: AsyncSession, channel: str, account: str, settlement_id: str) -> SettlementResult | None:
    row = await session.get(SettlementRow, (channel, account, settlement_id), populate_existing=True)
    return row.settlement_result() if row else None


async def find(session: AsyncSession, *, channel: str | None = None, limit: int = 200) -> list[SettlementResult]:
    """Settlements, newest first."""
    found = select(SettlementRow).order_by(col(SettlementRow.posted_at).desc(), col(SettlementRow.settlement_id))
    if channel is not None:
        found = found.where(col(SettlementRow.channel) == channel)
    return [row.settlement_result() for row in await session.scalars(found.limit(limit))]


async def lines_of_order(session: AsyncSession, key: OrderKey) -> list[SettlementLineRow]:
    """All that was ever paid and charged for an order."""
    found = select(SettlementLineRow).where(col(SettlementLineRow.order_key) == str(key))
    return list(
        await session.scalars(found.order_by(col(SettlementLineRow.settlement_id), col(SettlementLineRow.number)))
    )
