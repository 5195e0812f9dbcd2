"""What the ERP's books are told of a settlement, read from its lines; and that they were told."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.ledger import AccountRole, Journal, Payment
from models.matching import Fault
from models.money import Money
from models.order import OrderKey
from models.settlement import RECEIVABLE, LineType, SettlementKey, Statement
from models.settlement_books import BookedOrder, Group, OrderPayments, accounting_date, journal_of, payments_of
from store import write_offs
from store.settlement_heads import change, head, lines_of
from store.tables import SettlementLineRow, SettlementOrderRow, SettlementRow

_ROW = SettlementLineRow


class Payments(NamedTuple):
    """A page of orders, and the payments that they need."""

    orders: list[OrderPayments]
    last: str | None
    """The page's last order; None when there are no more."""
    revision: int


async def groups(session: AsyncSession, key: SettlementKey, currency: str) -> list[Group]:
    given_up = func.sum(col(_ROW.residual_amount)).filter(write_offs.without_entry())
    sums = (
        func.sum(col(_ROW.matched_amount)),
        func.sum(col(_ROW.residual_amount)),
        func.sum(col(_ROW.corrected_amount)),
        func.coalesce(given_up, 0),
        func.count(),
    )
    found = (
        select(col(_ROW.type), col(_ROW.fault), *sums).where(*lines_of(key)).group_by(col(_ROW.type), col(_ROW.fault))
    )
    return [
        Group(
            type=LineType(kind),
            fault=Fault(fault) if fault else None,
            matched=Money.of(matched, currency),
            residual=Money.of(residual, currency),
            corrected=Money.of(corrected, currency),
            written_off=Money.of(written_off, currency),
            lines=lines,
        )
        for kind, fault, matched, residual, corrected, written_off, lines in await session.execute(found)
    ]


async def journal(session: AsyncSession, key: SettlementKey) -> Journal | None:
    row = await head(session, key)
    role = AccountRole(row.payout_on or AccountRole.BANK)
    on = accounting_date(_statement(row), row.posted_at.date())
    return journal_of(_statement(row), row.revision, await groups(session, key, row.currency), on, row.entity, role)


async def lacks_journal(session: AsyncSession, key: SettlementKey) -> bool:
    """True when there is something to book, and the ERP has not taken it."""
    return (await head(session, key)).journal is None and await journal(session, key) is not None


async def send_payout_to(session: AsyncSession, key: SettlementKey, role: AccountRole) -> None:
    """Which account the journal debits with the payout. Kept with the first journal, to be reversed on the same."""
    if not (await head(session, key)).payout_on:
        await change(session, key, payout_on=role.value)


async def not_booked(session: AsyncSession, key: SettlementKey) -> None:
    """The ERP declined the journal: when it is posted after all, it may be on another account."""
    await change(session, key, payout_on="")


async def next_payments(
    session: AsyncSession, key: SettlementKey, after: str | None, limit: int = 100, *, waiting: bool = False
) -> Payments:
    """What the settlement's next orders are paid, less what the ERP was told before. `waiting`: of those orders alone
    of which nothing was invoiced when it was told."""
    row = await head(session, key)
    order, told = col(_ROW.order_key), SettlementOrderRow
    own = and_(
        *(getattr(told, name) == value for name, value in key.model_dump().items()), col(told.order_key) == order
    )
    before = func.max(col(told.booked)), func.max(col(told.booked_back))
    found = (
        select(order, _net(RECEIVABLE), _net({LineType.REFUND}), *before)
        .join(told, own)
        .where(*lines_of(key), order.is_not(None))
    )
    if after is not None:
        found = found.where(order > after)
    if waiting:
        found = found.where(col(told.payment_waits))
    rows = (await session.execute(found.group_by(order).order_by(order).limit(limit))).all()
    on = accounting_date(_statement(row), row.posted_at.date())
    booked = (
        BookedOrder(
            order_key=OrderKey.from_string(str(name)),
            paid=Money.of(whole - gained, row.currency),
            refunded=Money.of(whole_back - lost, row.currency),
            whole=Money.of(whole, row.currency),
            whole_back=Money.of(whole_back, row.currency),
        )
        for name, whole, whole_back, gained, lost in rows
    )
    due = [payments_of(key, row.revision, each, on, row.entity) for each in booked]
    return Payments(due, str(rows[-1][0]) if rows else None, row.revision)


async def matched(session: AsyncSession, order_key: OrderKey, currency: str) -> Money:
    """What all settlements have paid of an order's receivable, as far as it is matched."""
    found = select(_net(RECEIVABLE)).where(col(_ROW.order_key) == str(order_key), col(_ROW.currency) == currency)
    return Money.of(await session.scalar(found) or 0, currency)


def _net(types: Iterable[LineType]) -> ColumnElement[Decimal]:
    """Matched, without what takes earlier residuals back: that never was a payment of an invoice."""
    own = col(_ROW.type).in_([each.value for each in types])
    return func.coalesce(func.sum(col(_ROW.matched_amount) - col(_ROW.corrected_amount)).filter(own), 0)


async def paid_to(session: AsyncSession, key: SettlementKey) -> str | None:
    """The last order whose payment the ERP was told of."""
    return (await head(session, key)).paid_to


async def paid_up_to(session: AsyncSession, key: SettlementKey, order_key: str) -> None:
    await change(session, key, paid_to=order_key)


async def is_payable(session: AsyncSession, key: SettlementKey, revision: int | None = None) -> bool:
    """True while its journal (of this revision) is in the books, or there is none to book."""
    row = await head(session, key)
    ours = row.status == "posted" and revision in (None, row.revision)
    return ours and not await lacks_journal(session, key)


async def told(session: AsyncSession, key: SettlementKey, order: OrderPayments, posted: Collection[Payment]) -> None:
    """The ERP has these of an order's payments; the others wait until there is something that they can pay."""
    row = SettlementOrderRow
    due = {row.booked: (order.paid, order.whole), row.booked_back: (order.refunded, order.whole_back)}
    # Not added up: of two who tell the same, the second changes nothing.
    values: dict[Any, Any] = {
        col(column): whole.amount for column, (payment, whole) in due.items() if payment in posted and payment
    }
    waits = any(payment and payment not in posted for payment, _ in due.values())
    mine = update(row).where(
        *(getattr(row, name) == value for name, value in key.model_dump().items()),
        col(row.order_key) == str(order.order_key),
    )
    await session.execute(
        mine.values({**values, col(row.payment_waits): waits}), execution_options={"synchronize_session": False}
    )


async def with_waiting(session: AsyncSession, channel: str, account: str) -> list[SettlementKey]:
    """Settlements with payments that wait for invoices."""
    row = SettlementOrderRow
    found = (
        select(col(row.settlement_id))
        .distinct()
        .where(col(row.channel) == channel, col(row.account) == account, col(row.payment_waits))
    )
    names = await session.scalars(found.order_by(col(row.settlement_id)))
    return [SettlementKey(channel=channel, account=account, settlement_id=name) for name in names]


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
