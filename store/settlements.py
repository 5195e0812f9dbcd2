"""Settlements: each posted once, each line matched to its order or kept as a named residual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.order import OrderKey
from models.settlement import OrderMoney, Settlement, SettlementResult
from store import locks, outbox
from store.matching import MatchedLine, Matching, match
from store.tables import OrderRow, SettlementLineRow, SettlementRow

MONEY_RECEIVED = "money_received"


async def post(session: AsyncSession, settlement: Settlement) -> SettlementResult:
    """Match, keep, and tell each order what it was paid; the second time only the stored result is returned.

    Raises `SettlementError` when the lines are not the payout.
    """
    document = (settlement.channel, settlement.account, settlement.settlement_id)
    await locks.hold(session, ["/".join(("settlement", *document))])
    if posted := await get(session, *document):
        return posted
    workflows = await _workflows(session, settlement)
    matching = match(settlement, workflows.keys())
    await save(session, settlement, matching)
    await outbox.add_all(session, [_message(money, workflows) for money in matching.money])
    return matching.result


async def save(session: AsyncSession, settlement: Settlement, matching: Matching) -> None:
    """Keep a settlement and its lines; what is there already stays as it is."""
    result = matching.result
    head = insert(SettlementRow).values(
        **_document(settlement),
        currency=settlement.currency,
        payout=result.payout.amount,
        matched=result.matched.amount,
        residual=result.residual.amount,
        result=result.model_dump(mode="json"),
        lines=result.lines,
    )
    await session.execute(head.on_conflict_do_nothing())
    if matching.lines:
        rows = [{**_document(settlement), **_line(each)} for each in matching.lines]
        await session.execute(insert(SettlementLineRow).on_conflict_do_nothing(), rows)


async def get(session: AsyncSession, channel: str, account: str, settlement_id: str) -> SettlementResult | None:
    row = await session.get(SettlementRow, (channel, account, settlement_id), populate_existing=True)
    return row.settlement_result() if row else None


async def find(session: AsyncSession, *, channel: str | None = None, limit: int = 200) -> list[SettlementResult]:
    """Settlements, newest first."""
    found = select(SettlementRow).order_by(col(SettlementRow.posted_at).desc(), col(SettlementRow.settlement_id))
    if channel is not None:
        found = found.where(col(SettlementRow.channel) == channel)
    return [row.settlement_result() for row in await session.scalars(found.limit(limit))]


async def lines_of_order(session: AsyncSession, key: OrderKey) -> list[SettlementLineRow]:
    """All that was ever paid and charged for an order."""
    found = select(SettlementLineRow).where(col(SettlementLineRow.order_key) == str(key))
    return list(
        await session.scalars(found.order_by(col(SettlementLineRow.settlement_id), col(SettlementLineRow.number)))
    )


async def _workflows(session: AsyncSession, settlement: Settlement) -> dict[str, str]:
    """The channel's order id -> workflow, for the orders of the settlement that the registry has."""
    named = {line.order_id for line in settlement.lines if line.order_id is not None}
    found = await session.execute(
        select(col(OrderRow.external_id), col(OrderRow.workflow_id)).where(
            col(OrderRow.channel) == settlement.channel,
            col(OrderRow.account) == settlement.account,
            col(OrderRow.external_id).in_(sorted(named)),
        )
    )
    return dict(found.all())


def _message(money: OrderMoney, workflows: Mapping[str, str]) -> outbox.Message:
    return outbox.Message(
        workflow_id=workflows[money.order_key.external_id],
        message=MONEY_RECEIVED,
        payload=money.model_dump(mode="json"),
    )


def _document(settlement: Settlement) -> dict[str, str]:
    return {
        "channel": settlement.channel,
        "account": settlement.account,
        "settlement_id": settlement.settlement_id,
    }


def _line(each: MatchedLine) -> dict[str, Any]:
    line = each.line
    return {
        **line.model_dump(exclude={"amount", "order_id"}),
        "type": line.type.value,
        "amount": line.amount.amount,
        "currency": line.amount.currency,
        "external_order_id": line.order_id,
        "order_key": str(each.order_key) if each.order_key else None,
        "matched": each.order_key is not None,
        "residual": each.residual,
    }
