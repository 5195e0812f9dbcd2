"""What is said of an order that has ended, and whether somebody has to see to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from models.fulfilment import Shipment, Shortfall
from models.messages import LateEvent, OrderState
from models.order import ChannelState, Order, OrderKey
from models.settlement import OrderMoney
from store import orders
from store.tables import OutboxMessage

SEEN_TO = "money_received"
"""Signal to an order that matters even after its end. Others wake an order that waits: one that has ended does not."""


def late_version(order: Order, state: str) -> LateEvent | None:
    """A newer version that contradicts an order's end: cancelled once it was closed, shipped once it was cancelled."""
    if state == OrderState.CANCELLED:
        contradicts = order.state in (ChannelState.PARTIALLY_SHIPPED, ChannelState.SHIPPED)
    else:
        contradicts = order.state is ChannelState.CANCELLED or order.cancel_requested is not None
    if not contradicts:
        return None
    told = f"the channel says {order.cancel_requested or order.state} (version {order.version:%Y-%m-%d %H:%M:%S} UTC)"
    return _event(order.key, "channel_changed", order.version.isoformat(), told)


async def late_report(session: AsyncSession, said: Shipment | Shortfall) -> LateEvent | None:
    """A warehouse's report about an order that has ended; None when no such order is known."""
    try:
        key = OrderKey.from_string(said.order_key)
    except ValueError:
        return None
    if await orders.get(session, key) is None:
        return None
    goods = ", ".join(f"{pick.quantity} × {pick.item}" for pick in said.picks)
    if isinstance(said, Shipment):
        told = f"{said.node} shipped {goods} ({said.tracking}): get it back or charge for it"
        return _event(key, "shipment_reported", said.shipment_id, told)
    return _event(key, "shortfall_reported", said.report_id, f"{said.node} will not ship {goods}")


def late_message(message: OutboxMessage) -> LateEvent | None:
    """Money that was paid for an order that has ended."""
    if message.message != SEEN_TO or not message.workflow_id.startswith("order/"):
        return None
    payload: dict[str, Any] = message.payload
    money = OrderMoney.model_validate(payload)
    told = f"settlement {money.settlement_id} pays {money.received}, fees {money.fees}, refunds {money.refunds}"
    return _event(money.order_key, message.message, money.settlement_id, told)


def _event(key: OrderKey, kind: str, event_id: str, told: str) -> LateEvent:
    return LateEvent(order_key=key, kind=kind, event_id=f"{kind}:{event_id}", told=told, at=datetime.now(UTC))
