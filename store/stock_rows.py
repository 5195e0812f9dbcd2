"""Stock rows as all writers take them: an order's writes in turn, and rows locked in the order of item and node.

The rows alone would not be enough: what an order holds may grow between looking and locking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.expression import bindparam
from sqlmodel import col

from models.fulfilment import PickLine
from models.order import OrderKey
from store import locks
from store.tables import StockLevel


async def wait_for_turn(session: AsyncSession, order_key: OrderKey) -> None:
    """Until the end of the transaction no other reserves, ships or gives back for this order."""
    await locks.hold(session, [f"stock/{order_key}"])


async def locked(session: AsyncSession, *where: Any) -> list[StockLevel]:
    """Stock rows, locked until the transaction ends, and as they are once they are locked."""
    found = select(StockLevel).where(*where).order_by(col(StockLevel.item), col(StockLevel.node)).with_for_update()
    return list(await session.scalars(found, execution_options={"populate_existing": True}))


def available(levels: Iterable[StockLevel]) -> dict[str, dict[str, int]]:
    """Node -> item -> units."""
    found: dict[str, dict[str, int]] = {}
    for level in levels:
        found.setdefault(level.node, {})[level.item] = level.available
    return found


def by_place(picks: Iterable[tuple[str, PickLine]]) -> list[dict[str, Any]]:
    """Units by item and node: two lines of an order may need the same item."""
    units: Counter[tuple[str, str]] = Counter()
    for node, pick in picks:
        units[pick.item, node] += pick.quantity
    return [{"item": item, "node": node, "units": count} for (item, node), count in sorted(units.items())]


_REPORT = text("""
    INSERT INTO stock_report (kind, order_key, report_id, body) VALUES (:kind, :key, :report_id, :body)
    ON CONFLICT DO NOTHING RETURNING report_id
""").bindparams(bindparam("body", type_=JSONB))


async def first_time(session: AsyncSession, kind: str, order_key: str, report_id: str, body: dict[str, Any]) -> bool:
    """False when a report (`shortfall` or `receipt`) was counted before."""
    values = {"kind": kind, "key": order_key, "report_id": report_id, "body": body}
    return (await session.execute(_REPORT, values)).first() is not None
