"""Lines of bank statements: each kept once, matched with the payout that it brings, and booked once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import ARRAY, ColumnElement, Text, and_, any_, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.bank import StatementLine, not_kept
from models.ledger import AccountRole
from models.money import Money
from models.payouts import Match, Payout, matches
from models.settlement import SettlementKey
from models.settlement_books import journal_id
from store import locks
from store.tables import BankLineRow, SettlementRow

_ROW, _HEAD = BankLineRow, SettlementRow
BRINGS = and_(*(getattr(_ROW, name) == getattr(_HEAD, name) for name in SettlementKey.model_fields))
_ARRIVED = func.coalesce(func.sum(col(_ROW.amount)), 0)
_ANNOUNCED = (
    select(_HEAD, _ARRIVED)
    .outerjoin(_ROW, BRINGS)
    .where(col(_HEAD.status) == "posted", col(_HEAD.payout) != 0)
    .group_by(*(getattr(_HEAD, name) for name in SettlementKey.model_fields))
)
_UNDER_WAY = (col(_HEAD.journal).is_not(None), col(_HEAD.payout_on) == AccountRole.TRANSIT.value)
MATCHING = "bank/matching"
"""One at a time: a payout is matched with the lines that are there, and not with those of another run as well."""


PART = 500
"""Lines that are read at a time."""
KEEPING = "bank/keeping"
"""One file at a time on an account: what another is keeping may be what this one is to find."""


async def keep(session: AsyncSession, lines: Sequence[StatementLine]) -> int:
    """Keep what is not kept yet; how many lines are new."""
    accounts = {line.bank_account for line in lines}
    await locks.hold(session, [f"{KEEPING}/{account}" for account in accounts])
    kept: dict[tuple[str, str], StatementLine] = {}
    for account in accounts:
        names = [name for line in lines if line.bank_account == account for name in (line.line_id, line.other_id)]
        # One array, and not a parameter each: PostgreSQL takes 65,535 of them, and a file may have more lines.
        named = col(_ROW.line_id) == any_(literal(names, ARRAY(Text)))
        for row in await session.scalars(select(_ROW).where(col(_ROW.bank_account) == account, named)):
            kept[account, row.line_id] = line_of(row)
    new = not_kept(lines, kept)
    if new:
        await session.execute(insert(_ROW), [_values(line) for line in new])
    return len(new)


def _values(line: StatementLine) -> dict[str, object]:
    return {
        "bank_account": line.bank_account,
        "line_id": line.line_id,
        "booked_on": line.booked_on,
        "amount": line.amount.amount,
        "currency": line.amount.currency,
        "counterparty": line.counterparty,
        "text": line.text,
    }


async def match(session: AsyncSession) -> list[Match]:
    """Match the lines that belong to no payout yet, whenever they were kept."""
    await locks.hold(session, [MATCHING])
    expected = await waiting(session)
    found = select(_ROW).where(col(_ROW.channel).is_(None)).order_by(col(_ROW.booked_on), col(_ROW.line_id))
    found = found.execution_options(yield_per=PART)
    # Years of rent and wages: read part by part, and compared beside the event loop, which has heartbeats to send.
    lines = [line_of(row) async for row in await session.stream_scalars(found)] if expected else []
    made = await asyncio.to_thread(matches, lines, expected)
    for each in made:
        changed = update(_ROW).where(*_is(each.line)).values(**each.key.model_dump(), matched_by=each.by.value)
        await session.execute(changed, execution_options={"synchronize_session": False})
    return made


async def waiting(session: AsyncSession) -> list[Payout]:
    """Payouts that have not come, or not whole; the oldest first."""
    rest = col(_HEAD.payout) != _ARRIVED
    made = [_payout(head, arrived) for head, arrived in await session.execute(_ANNOUNCED.having(rest))]
    return sorted(made, key=lambda payout: (payout.sent_on, str(payout.key)))


async def payout_of(session: AsyncSession, key: SettlementKey) -> Payout | None:
    """What a posted settlement announced and what the bank has shown of it; None when nothing is to come."""
    wanted = _ANNOUNCED.where(*(getattr(_HEAD, name) == value for name, value in key.model_dump().items()))
    found = (await session.execute(wanted)).first()
    return _payout(*found) if found else None


def _payout(head: SettlementRow, arrived: Decimal) -> Payout:
    return Payout(
        key=key_of(head),
        amount=Money.of(head.payout, head.currency),
        sent_on=_sent_on(head),
        arrived=Money.of(arrived, head.currency),
    )


async def to_book(session: AsyncSession) -> list[StatementLine]:
    """Lines whose payout is under way in the ERP, and that it was not told yet."""
    found = select(_ROW, _HEAD).join(_HEAD, BRINGS).where(col(_ROW.number).is_(None), *_UNDER_WAY)
    return [
        line_of(row).model_copy(update={"payout_of": journal_id(key_of(head), head.revision), "entity": head.entity})
        for row, head in await session.execute(found.order_by(col(_ROW.booked_on), col(_ROW.line_id)))
    ]


async def booked_as(session: AsyncSession, line: StatementLine, number: str) -> None:
    await _change(session, line, number=number, refused="")


async def refused(session: AsyncSession, line: StatementLine, reason: str) -> None:
    await _change(session, line, refused=reason)


async def _change(session: AsyncSession, line: StatementLine, **values: object) -> None:
    changed = update(_ROW).where(*_is(line)).values(**values)
    await session.execute(changed, execution_options={"synchronize_session": False})


def _is(line: StatementLine) -> tuple[ColumnElement[bool], ...]:
    return col(_ROW.bank_account) == line.bank_account, col(_ROW.line_id) == line.line_id


def line_of(row: BankLineRow) -> StatementLine:
    return StatementLine(
        bank_account=row.bank_account,
        line_id=row.line_id,
        booked_on=row.booked_on,
        amount=Money.of(row.amount, row.currency),
        counterparty=row.counterparty,
        text=row.text,
    )


def key_of(head: SettlementRow) -> SettlementKey:
    return SettlementKey(channel=head.channel, account=head.account, settlement_id=head.settlement_id)


def _sent_on(head: SettlementRow) -> date:
    return (head.deposited_at or head.ends_at or head.posted_at).date()
