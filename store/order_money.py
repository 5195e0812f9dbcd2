"""What settlements pay for an order, told to its workflow: once for a settlement, and then only what has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.money import Money
from models.order import OrderKey
from models.settlement import RECEIVABLE, LineType, OrderMoney, SettlementKey, SettlementLine
from store import outbox
from store.tables import SettlementOrderRow

MONEY_RECEIVED = "money_received"
Sums = tuple[Decimal, Decimal, Decimal]
"""Received, fees, refunds."""
NOTHING: Sums = (Decimal(0), Decimal(0), Decimal(0))


async def tell(
    session: AsyncSession,
    key: SettlementKey,
    revision: int,
    currency: str,
    lines: Mapping[OrderKey, Sequence[SettlementLine]],
) -> None:
    told = await _told(session, key, lines)
    messages, rows = [], []
    for order_key, own in lines.items():
        known = [line for line in own if line.type is not LineType.UNKNOWN]
        before = told.get(str(order_key))
        now = _sums(known)
        if now != (before or NOTHING) or (before is None and known):
            messages.append(_message(key, revision, currency, order_key, before, now))
            rows.append({**key.model_dump(), "order_key": str(order_key), **dict(zip(_COLUMNS, now, strict=True))})
    await _keep(session, rows)
    await outbox.add_all(session, messages)


_COLUMNS = ("received", "fees", "refunds")


async def _told(session: AsyncSession, key: SettlementKey, orders: Mapping[OrderKey, object]) -> dict[str, Sums]:
    row = SettlementOrderRow
    where = [getattr(row, name) == value for name, value in key.model_dump().items()]
    found = select(row).where(*where, col(row.order_key).in_(sorted(str(each) for each in orders)))
    return {each.order_key: (each.received, each.fees, each.refunds) for each in await session.scalars(found)}


async def _keep(session: AsyncSession, rows: Sequence[dict[str, object]]) -> None:
    if rows:
        new = insert(SettlementOrderRow)
        kept = new.on_conflict_do_update(
            index_elements=["channel", "account", "settlement_id", "order_key"],
            set_={name: new.excluded[name] for name in _COLUMNS},
        )
        await session.execute(kept, rows)


def _sums(lines: Sequence[SettlementLine]) -> Sums:
    """Whatever else a channel books on an order (reserves, adjustments) is its cost of selling there."""
    received = sum((line.amount.amount for line in lines if line.type in RECEIVABLE), start=Decimal(0))
    refunds = sum((line.amount.amount for line in lines if line.type is LineType.REFUND), start=Decimal(0))
    return received, sum((line.amount.amount for line in lines), start=Decimal(0)) - received - refunds, refunds


def _message(
    key: SettlementKey, revision: int, currency: str, order_key: OrderKey, before: Sums | None, now: Sums
) -> outbox.Message:
    """Orders count a settlement id once: what a later revision changes comes under an id of its own."""
    received, fees, refunds = (
        Money.of(amount - old, currency) for amount, old in zip(now, before or NOTHING, strict=True)
    )
    name = key.settlement_id if before is None else f"{key.settlement_id}#{revision}"
    money = OrderMoney(order_key=order_key, settlement_id=name, received=received, fees=fees, refunds=refunds)
    return outbox.Message(
        workflow_id=order_key.workflow_id, message=MONEY_RECEIVED, payload=money.model_dump(mode="json")
    )
