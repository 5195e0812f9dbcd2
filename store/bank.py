"""Lines of bank statements: each kept once, matched with the payout that it brings, and booked once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.bank import StatementLine
from models.ledger import AccountRole
from models.money import Money
from models.payouts import Match, Payout, matches
from models.settlement import SettlementKey
from models.settlement_books import journal_id
from store import locks
from store.tables import BankLineRow, SettlementRow

_ROW, _HEAD = BankLineRow, SettlementRow
BRINGS = and_(*(getattr(_ROW, name) == getattr(_HEAD, name) for name in SettlementKey.model_fields))
_UNDER_WAY = (col(_HEAD.journal).is_not(None), col(_HEAD.payout_on) == AccountRole.TRANSIT.value)
MATCHING = "bank/matching"
"""One at a time: a payout is matched with the lines that are there, and not with those of another run as well."""


class LineTaken(ValueError):
    """The bank's reference names another movement already."""


async def keep(session: AsyncSession, lines: Sequence[StatementLine]) -> int:
    """Keep what is not kept yet; how many lines are new. Raises `LineTaken` when a name is another movement's."""
    new = 0
    for line in lines:
        values = {
            "bank_account": line.bank_account,
            "line_id": line.line_id,
            "booked_on": line.booked_on,
            "amount": line.amount.amount,
            "currency": line.amount.currency,
            "counterparty": line.counterparty,
            "text": line.text,
        }
        made = await session.execute(
            insert(_ROW).values(**values).on_conflict_do_nothing().returning(col(_ROW.line_id))
        )
        if made.first() is not None:
            new += 1
            continue
        known = line_of(await _row(session, line))
        if (known.booked_on, known.amount) != (line.booked_on, line.amount):
            raise LineTaken(
                f"{line.reference}: {line.amount} on {line.booked_on}, but it was {known.amount} on {known.booked_on}:"
                " the bank's reference must name one movement"
            )
    return new


async def match(session: AsyncSession) -> list[Match]:
    """Match the lines that belong to no payout yet, whenever they were kept."""
    await locks.hold(session, [MATCHING])
    found = select(_ROW).where(col(_ROW.channel).is_(None)).order_by(col(_ROW.booked_on), col(_ROW.line_id))
    lines = [line_of(row) for row in await session.scalars(found)]
    made = matches(lines, await payouts(session))
    for each in made:
        changed = update(_ROW).where(*_is(each.line)).values(**each.key.model_dump(), matched_by=each.by.value)
        await session.execute(changed, execution_options={"synchronize_session": False})
    return made


async def payouts(session: AsyncSession, key: SettlementKey | None = None) -> list[Payout]:
    """What posted settlements announced and what the bank has shown of it; the oldest first."""
    found = (
        select(_HEAD, func.coalesce(func.sum(col(_ROW.amount)), 0))
        .outerjoin(_ROW, BRINGS)
        .where(col(_HEAD.status) == "posted", col(_HEAD.payout) != 0)
        .group_by(*(getattr(_HEAD, name) for name in SettlementKey.model_fields))
    )
    if key is not None:
        found = found.where(*(getattr(_HEAD, name) == value for name, value in key.model_dump().items()))
    made = [
        Payout(
            key=key_of(head),
            amount=Money.of(head.payout, head.currency),
            sent_on=_sent_on(head),
            arrived=Money.of(arrived, head.currency),
        )
        for head, arrived in await session.execute(found)
    ]
    return sorted(made, key=lambda payout: (payout.sent_on, str(payout.key)))


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


async def _row(session: AsyncSession, line: StatementLine) -> BankLineRow:
    return (await session.scalars(select(_ROW).where(*_is(line)))).one()


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
