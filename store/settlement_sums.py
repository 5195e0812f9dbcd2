"""What a settlement comes to, summed up from its lines in the store."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.money import Money
from models.settlement import SettlementKey, SettlementResult
from store.settlement_heads import lines_of
from store.tables import SettlementLineRow, SettlementRow

MOST_NAMES = 200
"""Residuals that a result names; the smaller ones are one sum."""


async def summed(session: AsyncSession, head: SettlementRow) -> SettlementResult:
    key = SettlementKey(channel=head.channel, account=head.account, settlement_id=head.settlement_id)
    row = SettlementLineRow
    sums = select(func.sum(col(row.matched_amount)), func.sum(col(row.residual_amount)), func.count()).where(
        *lines_of(key)
    )
    matched, residual, lines = (await session.execute(sums)).one()
    orders = select(func.count(col(row.order_key).distinct())).where(*lines_of(key), col(row.type) != "unknown")
    return SettlementResult(
        **key.model_dump(),
        payout=Money.of(head.payout, head.currency),
        matched=Money.of(matched or 0, head.currency),
        residual=Money.of(residual or 0, head.currency),
        residuals=await _residuals(session, key, head.currency, residual or 0),
        orders=await session.scalar(orders) or 0,
        lines=lines,
    )


async def _residuals(
    session: AsyncSession, key: SettlementKey, currency: str, whole: Decimal | int
) -> dict[str, Money]:
    name, total = col(SettlementLineRow.residual), func.sum(col(SettlementLineRow.residual_amount))
    groups = select(name, total).where(*lines_of(key), name.is_not(None)).group_by(name)
    largest = groups.order_by(func.abs(total).desc(), name).limit(MOST_NAMES + 1)
    rows = [(str(each), Money.of(amount, currency)) for each, amount in await session.execute(largest)]
    named = dict(rows[:MOST_NAMES])
    if len(rows) > MOST_NAMES:
        named["others"] = Money.of(whole, currency) - Money.total(named.values(), currency)
    return named
