"""Residuals that a person gives up: who did, and whether the books have an entry of their own for it."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.ledger import AccountRole
from models.matching import Fault
from models.money import Money
from models.settlement import SettlementKey
from models.settlement_books import WRITTEN_OFF, WriteOff, WrittenOff
from store.settlement_heads import head, lines_of
from store.tables import SettlementLineRow

_ROW = SettlementLineRow
_NO_RESULT = {"synchronize_session": False}
_OPEN = {"settled_by": None, "given_up_amount": None, "written_off_on": None}


async def give_up(session: AsyncSession, off: WriteOff, *, booked: bool) -> bool:
    """False when the line has no open residual. `booked`: the books are told of it by an entry of its own."""
    open_one = update(_ROW).where(
        *_line(off),
        col(_ROW.residual_amount) != 0,
        col(_ROW.fault) != Fault.NO_ORDER.value,
        col(_ROW.settled_by).is_(None),
    )
    values = {
        "settled_by": off.words,
        "given_up_amount": col(_ROW.residual_amount),
        "written_off_on": off.on if booked else None,
    }
    done = await session.execute(open_one.values(**values).returning(col(_ROW.number)), execution_options=_NO_RESULT)
    return done.first() is not None


async def take_back(session: AsyncSession, off: WriteOff) -> None:
    """The books refuse it: the residual is open again."""
    mine = update(_ROW).where(*_line(off), col(_ROW.settled_by) == off.words)
    await session.execute(mine.values(**_OPEN), execution_options=_NO_RESULT)


async def open_what_changed(session: AsyncSession, key: SettlementKey) -> None:
    """A residual that is another one under new rules was never given up."""
    changed = update(_ROW).where(
        *lines_of(key),
        col(_ROW.settled_by).startswith(WRITTEN_OFF),
        col(_ROW.residual_amount) != col(_ROW.given_up_amount),
    )
    await session.execute(changed.values(**_OPEN), execution_options=_NO_RESULT)


async def of_line(session: AsyncSession, off: WriteOff) -> WrittenOff | None:
    """The entry of this very decision; None when it was not made, or needs none."""
    mine = select(_ROW).where(*_line(off), col(_ROW.settled_by) == off.words, col(_ROW.written_off_on).is_not(None))
    row = await session.scalar(mine.execution_options(populate_existing=True))
    return await _written_off(session, off.key, row) if row else None


async def booked(session: AsyncSession, key: SettlementKey) -> list[WrittenOff]:
    """All of a settlement that have entries of their own."""
    found = select(_ROW).where(*lines_of(key), col(_ROW.written_off_on).is_not(None)).order_by(col(_ROW.number))
    rows = await session.scalars(found.execution_options(populate_existing=True))
    return [await _written_off(session, key, row) for row in rows]


def without_entry() -> ColumnElement[bool]:
    """Given up, and in the settlement's own journal."""
    return col(_ROW.settled_by).startswith(WRITTEN_OFF) & col(_ROW.written_off_on).is_(None)


async def _written_off(session: AsyncSession, key: SettlementKey, row: SettlementLineRow) -> WrittenOff:
    settlement = await head(session, key)
    assert row.settled_by is not None
    assert row.written_off_on is not None
    return WrittenOff(
        key=key,
        number=row.number,
        revision=settlement.revision,
        role=AccountRole.RESERVE if row.fault == Fault.RESERVE.value else AccountRole.CLEARING,
        residual=Money.of(row.residual_amount, row.currency),
        words=row.settled_by,
        on=row.written_off_on,
        entity=settlement.entity,
    )


def _line(off: WriteOff) -> tuple[ColumnElement[bool], ...]:
    return *lines_of(off.key), col(_ROW.number) == off.number
