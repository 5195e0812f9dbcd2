"""What the ERP's books are told of a settlement, read from its lines; and that they were told."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.ledger import AccountRole, Journal, Payment
from models.matching import Fault
from models.money import Money
from models.order import OrderKey
from models.settlement import RECEIVABLE, LineType, SettlementKey, Statement
from models.settlement_books import BookedOrder, Group, accounting_date, journal_of, payments_of
from store.settlement_heads import change, head, lines_of
from store.tables import SettlementLineRow, SettlementRow

_ROW = SettlementLineRow


async def groups(session: AsyncSession, key: SettlementKey, currency: str) -> list[Group]:
    sums = func.sum(col(_ROW.matched_amount)), func.sum(col(_ROW.residual_amount)), func.count()
    found = (
        select(col(_ROW.type), col(_ROW.fault), *sums).where(*lines_of(key)).group_by(col(_ROW.type), col(_ROW.fault))
    )
    return [
        Group(
            type=LineType(kind),
            fault=Fault(fault) if fault else None,
            matched=Money.of(matched, currency),
            residual=Money.of(residual, currency),
            lines=lines,
        )
        for kind, fault, matched, residual, lines in await session.execute(found)
    ]


async def journal(
    session: AsyncSession, key: SettlementKey, payouts_on: AccountRole = AccountRole.BANK
) -> Journal | None:
    """`payouts_on` is kept with the first journal: it is reversed on the account that it was posted on."""
    row = await head(session, key)
    role = AccountRole(row.payout_on or payouts_on)
    await change(session, key, payout_on=role.value)
    on = accounting_date(_statement(row), row.posted_at.date())
    return journal_of(_statement(row), row.revision, await groups(session, key, row.currency), on, row.entity, role)


async def not_booked(session: AsyncSession, key: SettlementKey) -> None:
    """The ERP declined the journal: when it is posted after all, it may be on another account."""
    await change(session, key, payout_on="")


async def next_payments(session: AsyncSession, key: SettlementKey, limit: int = 100) -> list[Payment]:
    """Payments of the orders that the ERP has not been told yet, the next so many."""
    row = await head(session, key)
    order, kind = col(_ROW.order_key), col(_ROW.type)
    paid = func.sum(col(_ROW.matched_amount)).filter(kind.in_([each.value for each in RECEIVABLE]))
    refunded = func.sum(col(_ROW.matched_amount)).filter(kind == LineType.REFUND.value)
    found = select(order, func.coalesce(paid, 0), func.coalesce(refunded, 0)).where(*lines_of(key), order.is_not(None))
    if row.paid_to is not None:
        found = found.where(order > row.paid_to)
    rows = (await session.execute(found.group_by(order).order_by(order).limit(limit))).all()
    booked = [
        BookedOrder(
            order_key=OrderKey.from_string(str(name)),
            paid=Money.of(gain, row.currency),
            refunded=Money.of(loss, row.currency),
        )
        for name, gain, loss in rows
    ]
    if rows and not any(each.paid or each.refunded for each in booked):
        await paid_up_to(session, key, str(rows[-1][0]))
        return await next_payments(session, key, limit)
    on = accounting_date(_statement(row), row.posted_at.date())
    return payments_of(key, row.revision, booked, on, row.entity)


async def paid_up_to(session: AsyncSession, key: SettlementKey, order_key: str) -> None:
    await change(session, key, paid_to=order_key)


async def number_of(session: AsyncSession, key: SettlementKey) -> str | None:
    """The journal's number in the ERP; None when it is not booked."""
    return (await head(session, key)).journal


async def booked_as(session: AsyncSession, key: SettlementKey, number: str | None) -> None:
    await change(session, key, journal=number)


def _statement(row: SettlementRow) -> Statement:
    return Statement(
        channel=row.channel,
        account=row.account,
        settlement_id=row.settlement_id,
        currency=row.currency,
        payout=Money.of(row.payout, row.currency),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        deposited_at=row.deposited_at,
    )
