"""What the books are told that nobody will pay of an order: each amount is kept before they are told of it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.money import Money
from models.order import OrderKey
from models.settlement_books import OrderEntry, OrderWriteOff
from store import locks, settlement_books
from store.tables import OrderWriteOffRow

_ROW = OrderWriteOffRow


async def give_up(session: AsyncSession, off: OrderWriteOff) -> OrderEntry | None:
    """The next entry: what neither settlements nor earlier entries have paid. None when that is nothing."""
    return await _next(session, off, back_only=False)


async def take_back(session: AsyncSession, off: OrderWriteOff) -> OrderEntry | None:
    """The next entry when money has come after all; None when no more came than was expected."""
    return await _next(session, off, back_only=True)


async def booked(session: AsyncSession, entry: OrderEntry) -> None:
    mine = update(_ROW).where(col(_ROW.order_key) == str(entry.order_key), col(_ROW.nth) == entry.nth)
    await session.execute(mine.values(booked=True), execution_options={"synchronize_session": False})


async def drop(session: AsyncSession, entry: OrderEntry) -> None:
    """There is nothing in the books that it could be taken off."""
    mine = delete(_ROW).where(col(_ROW.order_key) == str(entry.order_key), col(_ROW.nth) == entry.nth)
    await session.execute(mine, execution_options={"synchronize_session": False})


async def among(session: AsyncSession, orders: Collection[OrderKey]) -> dict[OrderKey, OrderEntry]:
    """The latest entry of each of these orders that has any."""
    names = sorted(str(order) for order in orders)
    found = select(_ROW).where(col(_ROW.order_key).in_(names)).order_by(col(_ROW.nth))
    return {OrderKey.from_string(row.order_key): _entry(row) for row in await session.scalars(found)}


async def _next(session: AsyncSession, off: OrderWriteOff, *, back_only: bool) -> OrderEntry | None:
    await locks.hold(session, [f"write-off/{off.order_key}"])
    waiting = select(_ROW).where(*_of(off), col(_ROW.booked).is_(False)).order_by(col(_ROW.nth))
    if (row := await session.scalar(waiting.execution_options(populate_existing=True))) is not None:
        return _entry(row)
    currency = off.expected.currency
    count, before = (await session.execute(select(func.count(), func.sum(col(_ROW.amount))).where(*_of(off)))).one()
    paid = await settlement_books.matched(session, off.order_key, currency)
    missing = off.expected - paid - Money.of(before or 0, currency)
    if not missing or (back_only and missing.amount > 0):
        return None
    values = off.model_dump(include={"on", "entity", "correlation_id"})
    made = OrderWriteOffRow(
        order_key=str(off.order_key), nth=count + 1, amount=missing.amount, currency=currency, **values
    )
    session.add(made)
    await session.flush()
    return _entry(made)


def _entry(row: OrderWriteOffRow) -> OrderEntry:
    return OrderEntry(
        order_key=OrderKey.from_string(row.order_key),
        nth=row.nth,
        amount=Money.of(row.amount, row.currency),
        on=row.on,
        entity=row.entity,
        correlation_id=row.correlation_id,
    )


def _of(off: OrderWriteOff) -> tuple[ColumnElement[bool], ...]:
    return (col(_ROW.order_key) == str(off.order_key),)
