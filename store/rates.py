"""Exchange rates into the books' currencies, and the orders that wait for one."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages import CauseGone
from models.systems import LedgerRate
from store import outbox
from store.tables import CaseRow, ExchangeRateRow

LONGEST_AGE = timedelta(days=7)
"""A rate is not used for longer than it takes a bank to publish the next one, holidays included."""


async def put(
    session: AsyncSession, currency: str, books_currency: str, rate: Decimal, valid_on: date, source: str = ""
) -> None:
    """Enter a day's rate, or correct it; orders that wait for this pair are tried again."""
    new = insert(ExchangeRateRow).values(
        currency=currency, books_currency=books_currency, rate=rate, valid_on=valid_on, source=source
    )
    await session.execute(
        new.on_conflict_do_update(
            index_elements=["currency", "books_currency", "valid_on"],
            set_={"rate": new.excluded.rate, "source": new.excluded.source},
        )
    )
    await _wake_waiting(session, f"rate:{currency}/{books_currency}")


async def on(session: AsyncSession, currency: str, books_currency: str, day: date) -> LedgerRate | None:
    """The rate of a day, or the newest one before it that is not too old."""
    found = (
        select(ExchangeRateRow)
        .filter_by(currency=currency, books_currency=books_currency)
        .where(col(ExchangeRateRow.valid_on) <= day, col(ExchangeRateRow.valid_on) >= day - LONGEST_AGE)
        .order_by(col(ExchangeRateRow.valid_on).desc())
        .limit(1)
    )
    row = await session.scalar(found)
    return LedgerRate(currency=books_currency, rate=row.rate, on=row.valid_on) if row else None


async def everything(session: AsyncSession, currency: str | None = None, limit: int = 200) -> list[ExchangeRateRow]:
    """Rates, the newest day first."""
    found = select(ExchangeRateRow).order_by(
        col(ExchangeRateRow.valid_on).desc(), col(ExchangeRateRow.currency), col(ExchangeRateRow.books_currency)
    )
    if currency:
        found = found.where(col(ExchangeRateRow.currency) == currency)
    return list(await session.scalars(found.limit(limit)))


async def _wake_waiting(session: AsyncSession, subject: str) -> None:
    open_cases = select(col(CaseRow.workflow_id)).where(
        col(CaseRow.subject) == subject, col(CaseRow.resolved_at).is_(None)
    )
    for workflow_id in (await session.scalars(open_cases)).unique():
        await outbox.add(session, workflow_id, "cause_gone", CauseGone(subject=subject, note="the rate was entered"))
