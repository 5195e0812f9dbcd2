"""What the registered orders are to bring, by what the store knows of them. Cancelled units and refunds are off."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.expected_money import ExpectedMoney, ExpectedRefund, expected_money
from models.refunds import RefundState
from models.returns import ChannelReturn
from store.tables import OrderRow, RefundRow, ReturnRow


async def of_orders(
    session: AsyncSession, channel: str, account: str, external_ids: Collection[str]
) -> dict[str, ExpectedMoney]:
    """The channel's order id -> expected money, for the orders that the registry has."""
    rows = await session.scalars(
        select(OrderRow).where(
            col(OrderRow.channel) == channel,
            col(OrderRow.account) == account,
            col(OrderRow.external_id).in_(sorted(external_ids)),
        )
    )
    found = list(rows)
    keys = [row.order_key for row in found]
    returns, refunds = await _returns(session, keys), await _refunds(session, keys)
    return {
        row.external_id: _expected(row, returns.get(row.order_key, []), refunds.get(row.order_key, [])) for row in found
    }


async def _refunds(session: AsyncSession, order_keys: Sequence[str]) -> dict[str, list[ExpectedRefund]]:
    """What was paid back in money, or is about to be."""
    counts = col(RefundRow.order_key).in_(order_keys), col(RefundRow.state) != RefundState.REFUSED.value
    found: dict[str, list[ExpectedRefund]] = {}
    for row in await session.scalars(select(RefundRow).where(*counts).order_by(col(RefundRow.created_at))):
        refund = row.refund()
        if refund.paid:
            expected = ExpectedRefund(
                refund_id=row.request_id, total=refund.paid, receivable=refund.receivable, at=row.created_at
            )
            found.setdefault(row.order_key, []).append(expected)
    return found


async def _returns(session: AsyncSession, order_keys: Sequence[str]) -> dict[str, list[ChannelReturn]]:
    found: dict[str, list[ChannelReturn]] = {}
    for row in await session.scalars(select(ReturnRow).where(col(ReturnRow.order_key).in_(order_keys))):
        found.setdefault(row.order_key, []).append(ChannelReturn.model_validate(row.payload))
    return found


def _expected(row: OrderRow, returns: Sequence[ChannelReturn], refunds: Sequence[ExpectedRefund]) -> ExpectedMoney:
    order, snapshot = row.order(), row.order_snapshot()
    cancelled = {}
    left_at = None
    if snapshot:
        known = {line.line_id: line.cancelled for line in order.lines}
        lines = snapshot.quantities.lines
        cancelled = {name: line.cancelled - known.get(name, 0) for name, line in lines.items()}
        left_at = max((shipment.shipped_at for shipment in snapshot.shipments), default=None)
    return expected_money(order, cancelled=cancelled, left_at=left_at, returns=returns, refunds=refunds)
