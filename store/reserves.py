"""Reserves of a channel account: what was held back is settled by the line that pays it out again."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.matching import Fault, LineRef
from models.settlement import SettlementKey
from store import settlement_lines
from store.settlement_heads import lines_of
from store.tables import SettlementLineRow

_ROW = SettlementLineRow


async def release(session: AsyncSession, key: SettlementKey) -> int:
    """Pair this settlement's reserve lines of no order with earlier ones of the opposite amount, oldest first."""
    own = select(_ROW).where(*lines_of(key), *_open()).order_by(col(_ROW.number))
    pairs = 0
    for row in list(await session.scalars(own)):
        held = await session.scalar(
            select(_ROW)
            .where(
                col(_ROW.channel) == key.channel,
                col(_ROW.account) == key.account,
                col(_ROW.settlement_id) != key.settlement_id,
                col(_ROW.currency) == row.currency,
                col(_ROW.amount) == -row.amount,
                *_open(),
            )
            .order_by(col(_ROW.posted_at), col(_ROW.settlement_id), col(_ROW.number))
            .limit(1)
        )
        if held is not None:
            mine, theirs = (LineRef(settlement_id=each.settlement_id, number=each.number) for each in (row, held))
            await settlement_lines.settle(session, key.channel, key.account, theirs, mine)
            await settlement_lines.settle(session, key.channel, key.account, mine, theirs)
            pairs += 1
    return pairs


def _open() -> tuple[ColumnElement[bool], ...]:
    return (
        col(_ROW.fault) == Fault.RESERVE.value,
        col(_ROW.external_order_id).is_(None),
        col(_ROW.settled_by).is_(None),
        col(_ROW.residual_amount) != 0,
    )
