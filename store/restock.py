"""Goods that came back, back into stock: once for each receipt, whoever tells of it again."""

from __future__ import annotations

from collections import Counter

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.systems import Condition, ReturnReceipt
from store import locks
from store.tables import RestockRow, StockLevel


async def restock(session: AsyncSession, receipt: ReturnReceipt) -> dict[str, int]:
    """Note what came, and put what can be sold again into stock: item -> units. Empty when the receipt was known."""
    await locks.hold(session, [f"restock/{receipt.receipt_id}"])
    pieces: Counter[tuple[str, str]] = Counter()
    for item in receipt.items:
        pieces[item.item, item.condition.value] += item.quantity
    rows = [
        {
            "receipt_id": receipt.receipt_id,
            "node": receipt.node,
            "item": item,
            "condition": condition,
            "quantity": count,
        }
        for (item, condition), count in sorted(pieces.items())
    ]
    added = insert(RestockRow).values(rows).on_conflict_do_nothing().returning(RestockRow)
    new = {row.item: row.quantity for row in await session.scalars(added) if row.condition == Condition.RESELL}
    for name, units in sorted(new.items()):
        await raise_on_hand(session, name, receipt.node, units)
    return new


async def raise_on_hand(session: AsyncSession, item: str, node: str, units: int) -> None:
    """More of an item is at a node. The one place where returned goods meet the stock, and wake who waits for them."""
    new = insert(StockLevel).values(item=item, node=node, on_hand=units)
    more = {"on_hand": col(StockLevel.on_hand) + units}
    await session.execute(new.on_conflict_do_update(index_elements=["item", "node"], set_=more))
