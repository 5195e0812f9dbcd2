"""What people ask of settlements: lists, one in full, why a line does not match, and all lines for finance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from models.matching import Fault
from models.money import Money
from models.settlement import SettlementKey
from models.settlement_books import Group
from models.settlement_words import Told, explained
from store import expected, settlement_books
from store.settlement_heads import lines_of
from store.settlement_lines import line_of
from store.tables import FindingRow, SettlementLineRow, SettlementRow

_ROW = SettlementLineRow
EXPORTED = (
    "channel", "account", "settlement_id", "number", "type", "label", "amount", "currency", "external_order_id",
    "line_id", "sku", "quantity", "marketplace", "posted_at", "matched_amount", "residual_amount", "fault", "rule",
    "settled_by",
)  # fmt: skip
PAGE = 5000


class Summary(Model):
    key: SettlementKey
    status: str
    payout: Money
    matched: Money
    residual: Money
    lines: int
    deposited_at: datetime | None = None
    revision: int = 1
    rules_version: int = 0
    entity: str = ""
    journal: str | None = None
    open: Money
    """Residual that is neither explained nor settled since."""


async def find(
    session: AsyncSession, *, channel: str | None = None, account: str | None = None, limit: int = 50
) -> list[Summary]:
    """Newest first."""
    found = select(SettlementRow).order_by(col(SettlementRow.posted_at).desc(), col(SettlementRow.settlement_id))
    for column, value in ((SettlementRow.channel, channel), (SettlementRow.account, account)):
        if value is not None:
            found = found.where(col(column) == value)
    return [await _summary(session, row) for row in await session.scalars(found.limit(limit))]


async def get(session: AsyncSession, key: SettlementKey) -> Summary | None:
    row = await session.get(SettlementRow, (key.channel, key.account, key.settlement_id), populate_existing=True)
    return await _summary(session, row) if row else None


async def _summary(session: AsyncSession, row: SettlementRow) -> Summary:
    key = SettlementKey(channel=row.channel, account=row.account, settlement_id=row.settlement_id)
    explained_ones = [Fault.NO_ORDER.value, Fault.RESERVE.value]
    left = select(func.sum(col(_ROW.residual_amount))).where(
        *lines_of(key), col(_ROW.settled_by).is_(None), func.coalesce(col(_ROW.fault), "").not_in(explained_ones)
    )
    return Summary(
        key=key,
        status=row.status,
        payout=Money.of(row.payout, row.currency),
        matched=Money.of(row.matched, row.currency),
        residual=Money.of(row.residual, row.currency),
        lines=row.lines,
        deposited_at=row.deposited_at,
        revision=row.revision,
        rules_version=row.rules_version,
        entity=row.entity,
        journal=row.journal,
        open=Money.of(await session.scalar(left) or 0, row.currency),
    )


async def groups(session: AsyncSession, summary: Summary) -> list[Group]:
    return await settlement_books.groups(session, summary.key, summary.payout.currency)


async def open_lines(session: AsyncSession, key: SettlementKey, limit: int = 50) -> list[Told]:
    """Lines with an open residual, the largest first."""
    found = select(_ROW).where(
        *lines_of(key),
        col(_ROW.residual_amount) != 0,
        col(_ROW.settled_by).is_(None),
        func.coalesce(col(_ROW.fault), "") != Fault.NO_ORDER.value,
    )
    largest = found.order_by(func.abs(col(_ROW.residual_amount)).desc(), col(_ROW.number)).limit(limit)
    return [_told(row, 0) for row in await session.scalars(largest)]


async def findings(session: AsyncSession, key: SettlementKey, limit: int = 200) -> list[FindingRow]:
    """What is not as expected in the orders that this settlement touched, and not settled since."""
    found = select(FindingRow).where(
        *(getattr(FindingRow, name) == value for name, value in key.model_dump().items()),
        col(FindingRow.settled_at).is_(None),
    )
    return list(await session.scalars(found.order_by(col(FindingRow.id)).limit(limit)))


async def why(session: AsyncSession, key: SettlementKey, number: int) -> list[str] | None:
    """In sentences, why a line matches or does not; None when there is no such line."""
    row = await session.get(_ROW, (key.channel, key.account, key.settlement_id, number), populate_existing=True)
    head = await session.get(SettlementRow, (key.channel, key.account, key.settlement_id), populate_existing=True)
    if row is None or head is None:
        return None
    answering = None
    if row.external_order_id is not None:
        found = await expected.of_orders(session, key.channel, key.account, [row.external_order_id])
        answering = found.get(row.external_order_id)
    return explained(_told(row, head.rules_version), answering, await _paid(session, row))


async def _paid(session: AsyncSession, row: SettlementLineRow) -> dict[str, Money]:
    if row.order_key is None:
        return {}
    sums = select(col(_ROW.type), func.sum(col(_ROW.amount))).where(
        col(_ROW.order_key) == row.order_key, col(_ROW.currency) == row.currency
    )
    found = await session.execute(sums.group_by(col(_ROW.type)))
    return {kind: Money.of(amount, row.currency) for kind, amount in found}


def _told(row: SettlementLineRow, rules_version: int) -> Told:
    return Told(
        key=SettlementKey(channel=row.channel, account=row.account, settlement_id=row.settlement_id),
        line=line_of(row),
        order_key=row.order_key,
        matched=Money.of(row.matched_amount, row.currency),
        residual=Money.of(row.residual_amount, row.currency),
        fault=Fault(row.fault) if row.fault else None,
        rule=row.rule,
        settled_by=row.settled_by,
        rules_version=rules_version,
    )


async def export(session: AsyncSession, key: SettlementKey) -> AsyncIterator[tuple[Any, ...]]:
    """All lines, a page at a time, as the columns of `EXPORTED`."""
    after = 0
    while True:
        columns = [getattr(_ROW, name) for name in EXPORTED]
        page = select(*columns).where(*lines_of(key), col(_ROW.number) > after).order_by(col(_ROW.number)).limit(PAGE)
        rows = (await session.execute(page)).all()
        for row in rows:
            yield tuple(row)
        if len(rows) < PAGE:
            return
        after = rows[-1].number
