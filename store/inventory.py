"""Stock as we, the warehouse and the ERP have it, side by side; mismatches and their age; levels taken over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.inventory import Cell, InventoryReport, Mismatch, Standing, Verdict
from models.ledger import StockLevel as Stated
from models.money import Money
from store import locks, stock
from store.stock_rows import locked
from store.tables import (
    InventoryMismatchRow,
    InventoryRunRow,
    StockCorrectionRow,
    StockLevel,
    StockStatementRow,
)

BATCH = 1000
"""Rows in one statement to the database."""

_CELLS = text("""
    WITH moved AS (SELECT item, node, max(moved_at) AS moved_at FROM stock_move GROUP BY item, node)
    SELECT item, node, stock.on_hand AS store, coalesce(stock.reserved, 0) AS reserved,
           wms.on_hand AS wms, erp.on_hand AS erp, moved.moved_at
    FROM stock
    FULL JOIN (SELECT item, node, on_hand FROM stock_statement WHERE system = 'wms') AS wms USING (item, node)
    FULL JOIN (SELECT item, node, on_hand FROM stock_statement WHERE system = 'erp') AS erp USING (item, node)
    LEFT JOIN moved USING (item, node)
    ORDER BY item, node
""")
_PRICES = text("""
    SELECT DISTINCT ON (item) item, floor FROM (
        SELECT DISTINCT ON (channel, account, sku) components->0->>'item' AS item, components, floor FROM listing_map
        WHERE valid_from <= now() ORDER BY channel, account, sku, valid_from DESC, version DESC
    ) AS in_force
    WHERE floor IS NOT NULL AND jsonb_array_length(components) = 1 AND (components->0->>'quantity')::int = 1
    ORDER BY item, floor->>'currency', (floor->>'amount')::numeric
""")


async def state(session: AsyncSession, system: str, levels: Sequence[Stated]) -> None:
    """What a system says now, in place of what it said before. Levels of the same item and node are added up."""
    units: dict[tuple[str, str], int] = {}
    for level in levels:
        units[level.item, level.node] = units.get((level.item, level.node), 0) + level.on_hand
    rows = [
        {"system": system, "item": item, "node": node, "on_hand": count}
        for (item, node), count in sorted(units.items())
    ]
    await locks.hold(session, [f"stock_statement/{system}"])
    await session.execute(delete(StockStatementRow).where(col(StockStatementRow.system) == system))
    for start in range(0, len(rows), BATCH):
        await session.execute(insert(StockStatementRow), rows[start : start + BATCH])


async def cells(session: AsyncSession) -> list[Cell]:
    """Every item and node that anybody knows."""
    return [Cell.model_validate(dict(row)) for row in (await session.execute(_CELLS)).mappings()]


async def prices(session: AsyncSession) -> dict[str, Money]:
    """Item -> the lowest floor price of a listing that is one unit of it and nothing else; others are not in it."""
    return {row.item: Money.model_validate(row.floor) for row in await session.execute(_PRICES)}


async def keep(
    session: AsyncSession, found: Sequence[Mismatch], now: datetime, verdicts: Collection[Verdict]
) -> list[Standing]:
    """Of these verdicts, these mismatches stand, and no others. One that is known keeps its age."""
    await locks.hold(session, ["inventory_mismatch"])
    known = {
        (each.mismatch.subject, each.mismatch.verdict): each
        for each in await standing(session)
        if each.mismatch.verdict in verdicts
    }
    kept = [_aged(each, known.pop((each.subject, each.verdict), None), now) for each in found]
    for subject, verdict in known:
        await session.execute(delete(InventoryMismatchRow).filter_by(subject=subject, verdict=verdict))
    for each in kept:
        await _put(session, each)
    return kept


async def standing(session: AsyncSession) -> list[Standing]:
    """What the newest reconciliation left, the oldest first."""
    rows = await session.scalars(
        select(InventoryMismatchRow).order_by(
            col(InventoryMismatchRow.since), col(InventoryMismatchRow.subject), col(InventoryMismatchRow.verdict)
        ),
        execution_options={"populate_existing": True},
    )
    return [
        Standing(mismatch=Mismatch.model_validate(row.mismatch), since=row.since, unchanged_since=row.unchanged_since)
        for row in rows
    ]


async def take_over(session: AsyncSession, cell: Cell, now: datetime) -> bool:
    """The warehouse's level becomes ours, and the move is recorded. False when ours is not as it was compared."""
    place = (col(StockLevel.item) == cell.item, col(StockLevel.node) == cell.node)
    rows = await locked(session, *place)
    if cell.wms is None or cell.store is None or [(row.on_hand, row.reserved) for row in rows] != [(cell.store, 0)]:
        return False
    await stock.set_level(session, cell.item, cell.node, cell.wms)
    moved = StockCorrectionRow(item=cell.item, node=cell.node, before=cell.store, after=cell.wms, corrected_at=now)
    session.add(moved)
    await session.execute(delete(InventoryMismatchRow).filter_by(subject=cell.subject, verdict="store_differs"))
    return True


async def corrections(session: AsyncSession) -> list[StockCorrectionRow]:
    return list(await session.scalars(select(StockCorrectionRow).order_by(col(StockCorrectionRow.id))))


async def record(session: AsyncSession, report: InventoryReport) -> None:
    session.add(InventoryRunRow(ran_at=report.ran_at, report=report.model_dump(mode="json")))
    await session.flush()


async def newest(session: AsyncSession) -> InventoryReport | None:
    row = await session.scalar(select(InventoryRunRow).order_by(col(InventoryRunRow.id).desc()).limit(1))
    return InventoryReport.model_validate(row.report) if row else None


def _aged(mismatch: Mismatch, known: Standing | None, now: datetime) -> Standing:
    if known is None:
        return Standing(mismatch=mismatch, since=now, unchanged_since=now)
    same = known.mismatch.says == mismatch.says
    return Standing(mismatch=mismatch, since=known.since, unchanged_since=known.unchanged_since if same else now)


async def _put(session: AsyncSession, each: Standing) -> None:
    values = {
        "subject": each.mismatch.subject,
        "verdict": each.mismatch.verdict.value,
        "mismatch": each.mismatch.model_dump(mode="json"),
        "since": each.since,
        "unchanged_since": each.unchanged_since,
    }
    new = upsert(InventoryMismatchRow).values(**values)
    await session.execute(new.on_conflict_do_update(index_elements=["subject", "verdict"], set_=values))
