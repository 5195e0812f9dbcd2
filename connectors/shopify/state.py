"""Where an order stands, from Shopify's payment status, fulfilment status, cancellation and quantities."""

from __future__ import annotations

from connectors.ports import Drift
from connectors.shopify.node import Node
from connectors.shopify.vocabulary import FULFILMENT_STATES, PAYMENT_STATES
from models.order import ChannelState, OrderLine


def state_of(order: Node, lines: tuple[OrderLine, ...]) -> ChannelState:
    """Raises `SchemaDrift` (`unknown_status`, `missing`) only where the answer depends on the payment status."""
    status = payment_at(order).text().lower()
    if not order.at("cancelled_at").absent or PAYMENT_STATES.get(status) is ChannelState.CANCELLED:
        return ChannelState.CANCELLED
    if fulfilment_at(order).text().lower() == "fulfilled" or not any(line.open for line in lines):
        return _finished(lines)
    return _unfinished(order, status, lines)


def payment_at(order: Node) -> Node:
    return order.at("financial_status", "display_financial_status")


def fulfilment_at(order: Node) -> Node:
    return order.at("display_fulfillment_status", "fulfillment_status")


def unknown_words(order: Node) -> tuple[Drift, ...]:
    """Statuses that Shopify has not told us of, and that decided nothing here."""
    stated = ((payment_at(order), PAYMENT_STATES), (fulfilment_at(order), FULFILMENT_STATES))
    return tuple(
        Drift(kind="unknown_value", path=node.path.rpartition(".")[2], value=node.text()[:80])
        for node, known in stated
        if node.text() and node.text().lower() not in known
    )


def _finished(lines: tuple[OrderLine, ...]) -> ChannelState:
    untouched = all(line.cancelled == line.quantity for line in lines)
    return ChannelState.CANCELLED if untouched else ChannelState.SHIPPED


def _unfinished(order: Node, status: str, lines: tuple[OrderLine, ...]) -> ChannelState:
    payment = payment_at(order)
    if not order.has("display_financial_status") and not order.has("financial_status"):
        raise payment.drift("missing", "Whether goods may leave depends on the payment status.")
    if not status:
        # Shopify has not said anything about the payment (null).
        return ChannelState.PENDING
    if status not in PAYMENT_STATES:
        known = ", ".join(sorted(PAYMENT_STATES))
        raise payment.drift("unknown_status", f"Known payment statuses: {known}. Teach connectors/shopify the new one.")
    if PAYMENT_STATES[status] is ChannelState.OPEN and any(line.shipped for line in lines):
        return ChannelState.PARTIALLY_SHIPPED
    return PAYMENT_STATES[status]
