"""Where an order stands, from Shopify's payment status, fulfilment status, cancellation and quantities."""

from __future__ import annotations

from connectors.shopify.node import Node
from models.order import ChannelState, OrderLine

PAID = frozenset({"paid", "partially_refunded", "refunded", "authorized"})
"""Payment statuses on which goods may leave. `authorized` is one: the money is reserved, and captured on shipment."""

UNPAID = frozenset({"pending", "partially_paid", "expired", ""})
"""Empty: Shopify has not said anything about the payment (null)."""


def state_of(order: Node, lines: tuple[OrderLine, ...]) -> ChannelState:
    """Raises `SchemaDrift` (`unknown_status`, `missing`) only where the answer depends on the payment status."""
    payment = order.at("financial_status", "display_financial_status")
    status = payment.text().lower()
    if not order.at("cancelled_at").absent or status == "voided":
        return ChannelState.CANCELLED
    if _fulfilled(order) or not any(line.open for line in lines):
        return _finished(lines)
    return _unfinished(order, payment, status, lines)


def _fulfilled(order: Node) -> bool:
    return order.at("display_fulfillment_status", "fulfillment_status").text().lower() == "fulfilled"


def _finished(lines: tuple[OrderLine, ...]) -> ChannelState:
    untouched = all(line.cancelled == line.quantity for line in lines)
    return ChannelState.CANCELLED if untouched else ChannelState.SHIPPED


def _unfinished(order: Node, payment: Node, status: str, lines: tuple[OrderLine, ...]) -> ChannelState:
    if not order.has("display_financial_status") and not order.has("financial_status"):
        raise payment.drift("missing", "Whether goods may leave depends on the payment status.")
    if status in UNPAID:
        return ChannelState.PENDING
    if status not in PAID:
        known = ", ".join(sorted(PAID | UNPAID - {""} | {"voided"}))
        raise payment.drift("unknown_status", f"Known payment statuses: {known}. Teach connectors/shopify the new one.")
    return ChannelState.PARTIALLY_SHIPPED if any(line.shipped for line in lines) else ChannelState.OPEN
