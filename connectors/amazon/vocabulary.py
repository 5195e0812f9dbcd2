"""Amazon's words and the canonical ones: states, sides, marketplaces."""

from __future__ import annotations

from connectors.amazon.node import Node
from models.order import ChannelState, FulfilmentSide

STATES = {
    "PENDING_AVAILABILITY": ChannelState.PENDING,
    "PENDING": ChannelState.PENDING,
    "UNSHIPPED": ChannelState.OPEN,
    "PARTIALLY_SHIPPED": ChannelState.PARTIALLY_SHIPPED,
    "SHIPPED": ChannelState.SHIPPED,
    "CANCELLED": ChannelState.CANCELLED,
    # Multi-channel orders that Amazon gives up: nothing more will be shipped (Orders 2026-01-01, FulfillmentStatus).
    "UNFULFILLABLE": ChannelState.CANCELLED,
}
STATES_V0 = {
    "PendingAvailability": ChannelState.PENDING,
    "Pending": ChannelState.PENDING,
    "Unshipped": ChannelState.OPEN,
    "PartiallyShipped": ChannelState.PARTIALLY_SHIPPED,
    "Shipped": ChannelState.SHIPPED,
    # All items are shipped, only the invoice is not confirmed (Orders v0, OrderStatus).
    "InvoiceUnconfirmed": ChannelState.SHIPPED,
    "Canceled": ChannelState.CANCELLED,
    "Unfulfillable": ChannelState.CANCELLED,
}
SIDES = {
    "MERCHANT": FulfilmentSide.MERCHANT,
    "MFN": FulfilmentSide.MERCHANT,
    "AMAZON": FulfilmentSide.CHANNEL,
    "AFN": FulfilmentSide.CHANNEL,
}
DEEMED_SUPPLIER = frozenset({"IOSS", "UOSS"})
"""Schemes in which Amazon is the deemed supplier of the EU's VAT directive, and remits the tax."""
CURRENCIES = {
    "ATVPDKIKX0DER": "USD",
    "A2EUQ1WTGCTBG2": "CAD",
    "A1AM78C64UM0Y8": "MXN",
    "A2Q3Y263D00KWC": "BRL",
    "A1F83G8C2ARO7P": "GBP",
    "A28R8C7NBKEWEA": "EUR",
    "A1PA6795UKMFR9": "EUR",
    "A13V1IB3VIYZZH": "EUR",
    "APJ6JRA9NG5V4": "EUR",
    "A1RKKUPIHCS9HS": "EUR",
    "A1805IZSGTT6HS": "EUR",
    "AMEN7PMS3EDWL": "EUR",
    "A2NODRKZP88ZB9": "SEK",
    "A1C3SOZRARQ6R3": "PLN",
    "A33AVAJ2PDY3EV": "TRY",
    "A2VIGQ35RCS4UG": "AED",
    "A17E79C6D8DWNP": "SAR",
    "ARBP9OOSHTCHU": "EGP",
    "A21TJRUUN4KGV": "INR",
    "AE08WJ6YKNBMC": "ZAR",
    "A1VC38T7YXB528": "JPY",
    "A39IBJ37TRP1C6": "AUD",
    "A19VAU5U5O7RUS": "SGD",
}
"""Marketplace id -> currency: for orders that state no amount at all."""


def state(node: Node, states: dict[str, ChannelState]) -> ChannelState:
    """Raises `SchemaDrift` for a status nobody can act on: guessing could ship what must not be shipped."""
    if not node:
        raise node.drift("missing", "The status is needed: read the order with includedData=FULFILLMENT.")
    found = states.get(node.text())
    if found is None:
        raise node.drift("unknown_status", f"Known are {', '.join(states)}; map the new status, then replay the order.")
    return found


def side(node: Node, order_state: ChannelState) -> FulfilmentSide:
    """Who ships. Raises `SchemaDrift` when that is not said of an order that is still to be shipped."""
    found = SIDES.get(node.text())
    if found is None and order_state in (ChannelState.SHIPPED, ChannelState.CANCELLED):
        return FulfilmentSide.MERCHANT
    if found is None:
        reason = "unknown_fulfiller" if node else "missing"
        raise node.drift(reason, "Who ships must be known, or the goods could leave twice: MERCHANT or AMAZON.")
    return found
