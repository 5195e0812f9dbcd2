"""What is wrong with an order's money, and what settled it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.matching import Fault, Finding
from models.order import OrderKey
from models.settlement import SettlementKey
from store.tables import FindingRow

_AT_ONCE = frozenset({Fault.LATE})
"""Told, and over: the money is there."""


async def sync(session: AsyncSession, key: SettlementKey, found: Mapping[OrderKey, Sequence[Finding]]) -> None:
    """The findings of these orders are these; what is open and not among them was settled by this settlement."""
    if not found:
        return
    orders = sorted(str(order_key) for order_key in found)
    still = [f"{order}|{each.fault}|{each.component}" for order, findings in found.items() for each in findings]
    mark = col(FindingRow.order_key) + "|" + col(FindingRow.fault) + "|" + col(FindingRow.component)
    over = update(FindingRow).where(
        col(FindingRow.order_key).in_(orders), col(FindingRow.settled_at).is_(None), mark.not_in(still)
    )
    await session.execute(
        over.values(settled_at=func.now(), settled_by=str(key)), execution_options={"synchronize_session": False}
    )
    rows = [_row(key, order_key, each) for order_key, findings in found.items() for each in findings]
    await _insert(session, rows)


async def _insert(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    standing = [row for row in rows if row["settled_by"] is None]
    if standing:
        new = insert(FindingRow)
        kept = new.on_conflict_do_update(
            index_elements=["order_key", "fault", "component"],
            index_where=sql("settled_at IS NULL"),
            set_={"amount": new.excluded.amount, "settlement_id": new.excluded.settlement_id},
        )
        await session.execute(kept, standing)
    if over := [row for row in rows if row["settled_by"] is not None]:
        await session.execute(insert(FindingRow).values(settled_at=func.now()), over)


def _row(key: SettlementKey, order_key: OrderKey, found: Finding) -> dict[str, Any]:
    return {
        **key.model_dump(),
        "order_key": str(order_key),
        "fault": found.fault.value,
        "component": found.component,
        "amount": found.amount.amount,
        "currency": found.amount.currency,
        "number": found.number,
        "settled_by": str(key) if found.fault in _AT_ONCE else None,
    }


async def of_order(session: AsyncSession, order_key: str, *, open_only: bool = False) -> list[FindingRow]:
    found = select(FindingRow).where(col(FindingRow.order_key) == order_key).order_by(col(FindingRow.id))
    if open_only:
        found = found.where(col(FindingRow.settled_at).is_(None))
    return list(await session.scalars(found))
