"""What people ask of the bank: which payouts have come, which have not, and what belongs to no settlement."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.bank import StatementLine
from models.base import Model
from models.ledger import AccountRole
from models.payouts import ARRIVES_WITHIN, Payout, from_a_channel
from models.settlement import SettlementKey
from store import bank
from store.tables import BankLineRow, SettlementRow

_ROW = BankLineRow


class Arrival(Model):
    """A line that brought a payout, or a part of it."""

    key: SettlementKey
    line: StatementLine
    by: str
    number: str | None = None
    refused: str = ""
    waits_for: str = ""
    """Why the ERP was not told of it; empty when it was, or is to be."""


class BankView(Model):
    """`missing`: payouts that should have come while statements were read. Those of before are in none of the lists."""

    arrived: tuple[Arrival, ...] = ()
    missing: tuple[Payout, ...] = ()
    under_way: tuple[Payout, ...] = ()
    stray: tuple[StatementLine, ...] = ()
    """Money from a channel that belongs to no settlement."""
    read_from: date | None = None
    read_to: date | None = None


async def view(session: AsyncSession, channels: Collection[str], overdue_after: timedelta) -> BankView:
    """`channels`: names by which the bank's words say that money is a channel's."""
    first, last = await _read(session)
    missing: list[Payout] = []
    under_way: list[Payout] = []
    for payout in await bank.waiting(session):
        if overdue(payout, first, last, overdue_after):
            missing.append(payout)
        elif first is None or first <= payout.sent_on + ARRIVES_WITHIN:
            under_way.append(payout)
    return BankView(
        arrived=tuple(await arrivals(session)),
        missing=tuple(missing),
        under_way=tuple(under_way),
        stray=tuple(line for line in await _without_payout(session) if from_a_channel(line, channels)),
        read_from=first,
        read_to=last,
    )


async def overdue_payouts(session: AsyncSession, overdue_after: timedelta) -> list[Payout]:
    first, last = await _read(session)
    return [payout for payout in await bank.waiting(session) if overdue(payout, first, last, overdue_after)]


def overdue(payout: Payout, first: date | None, last: date | None, after: timedelta) -> bool:
    """By the days that statements were read for: what was not looked at is not missing."""
    return first is not None and last is not None and first <= payout.sent_on and payout.sent_on + after < last


async def arrivals(session: AsyncSession, key: SettlementKey | None = None) -> list[Arrival]:
    """The newest first."""
    found = select(_ROW, SettlementRow).join(SettlementRow, bank.BRINGS)
    if key is not None:
        found = found.where(*(getattr(_ROW, name) == value for name, value in key.model_dump().items()))
    newest = found.order_by(col(_ROW.booked_on).desc(), col(_ROW.line_id))
    return [
        Arrival(
            key=bank.key_of(head),
            line=bank.line_of(row),
            by=row.matched_by,
            number=row.number,
            refused=row.refused,
            waits_for="" if row.number else _obstacle(head),
        )
        for row, head in await session.execute(newest)
    ]


async def words(session: AsyncSession, key: SettlementKey) -> str:
    """Where a settlement's payout is, in a sentence; empty when there is none."""
    payout = await bank.payout_of(session, key)
    if payout is None:
        return ""
    came = await arrivals(session, key)
    if not came:
        return "not seen at the bank"
    told = ", ".join(f"on {each.line.booked_on} at {each.line.bank_account}" for each in reversed(came))
    if payout.rest:
        return f"arrived {told}: {payout.arrived} of {payout.amount}"
    return f"arrived {told}"


def _obstacle(head: SettlementRow) -> str:
    if head.journal is None:
        return "its settlement is not booked"
    if head.payout_on == AccountRole.BANK.value:
        return "its settlement debited the bank at once"
    return ""


async def _read(session: AsyncSession) -> tuple[date | None, date | None]:
    """From which day to which statements were read."""
    days = select(func.min(col(_ROW.booked_on)), func.max(col(_ROW.booked_on)))
    first, last = (await session.execute(days)).one()
    return first, last


async def _without_payout(session: AsyncSession) -> list[StatementLine]:
    """Money that came in and belongs to no settlement, the newest first."""
    found = select(_ROW).where(col(_ROW.channel).is_(None), col(_ROW.amount) > 0)
    newest = found.order_by(col(_ROW.booked_on).desc(), col(_ROW.line_id))
    return [bank.line_of(row) for row in await session.scalars(newest)]
