"""Walmart's words and the canonical ones, both ways."""

from __future__ import annotations

from connectors.errors import Failure
from connectors.ports import Vocabulary
from connectors.walmart.carriers import CARRIERS
from models.channel import CancelReason, RefundReason
from models.order import ChannelState, FulfilmentSide
from models.returns import ReturnState

CHANNEL = "walmart"
API_VERSION = "v3"

PARTIALLY_SHIPPED = "PartiallyShipped"
"""A purchase order has no status, its lines have; this is what a mix of them is called here."""

STATES = {
    "Created": ChannelState.OPEN,
    "Acknowledged": ChannelState.OPEN,
    PARTIALLY_SHIPPED: ChannelState.PARTIALLY_SHIPPED,
    "Shipped": ChannelState.SHIPPED,
    "Delivered": ChannelState.SHIPPED,
    # In the schema's list of words: only what was shipped is refunded.
    "Refund": ChannelState.SHIPPED,
    "Cancelled": ChannelState.CANCELLED,
    # Mexico: payment or fraud is being looked into, nothing may be shipped.
    "OnHold": ChannelState.PENDING,
}
SIDES = {
    "SellerFulfilled": FulfilmentSide.MERCHANT,
    # The seller's own logistics partner.
    "3PLFulfilled": FulfilmentSide.MERCHANT,
    "WFSFulfilled": FulfilmentSide.CHANNEL,
}
ORDER_TYPES = frozenset({"REGULAR", "REPLACEMENT", "PREORDER"})
BUYER_ASKED = "CUSTOMER_REQUESTED_SELLER_TO_CANCEL"

VOCABULARY = Vocabulary(
    states=STATES,
    state_words={
        ChannelState.PENDING: "OnHold",
        ChannelState.OPEN: "Created",
        ChannelState.PARTIALLY_SHIPPED: PARTIALLY_SHIPPED,
        ChannelState.SHIPPED: "Shipped",
        ChannelState.CANCELLED: "Cancelled",
    },
    cancel_reasons={
        CancelReason.BUYER: BUYER_ASKED,
        CancelReason.OUT_OF_STOCK: "SELLER_CANCEL_OUT_OF_STOCK",
        CancelReason.PRICING_ERROR: "SELLER_CANCEL_PRICING_ERROR",
        CancelReason.FRAUD: "SELLER_CANCEL_FRAUD_STOP_SHIPMENT",
        CancelReason.ADDRESS: "SELLER_CANCEL_ADDRESS_NOT_SERVICEABLE",
        # Walmart knows five reasons; a seller that will not deliver has no stock for this buyer.
        CancelReason.OTHER: "SELLER_CANCEL_OUT_OF_STOCK",
    },
    refund_reasons={
        RefundReason.RETURNED: "Customer returned item",
        RefundReason.DAMAGED: "DamagedItem",
        RefundReason.NOT_RECEIVED: "ItemNotReceivedByCustomer",
        RefundReason.NOT_AS_DESCRIBED: "ItemNotAsAdvertised",
        RefundReason.PRICE_ADJUSTMENT: "General adjustment",
        RefundReason.GOODWILL: "Finance -> Goodwill",
        RefundReason.CANCELLED: "Buyer canceled",
        RefundReason.OTHER: "Others",
    },
    return_states={
        # Walmart itself grants the return: the buyer has the label already.
        "INITIATED": ReturnState.APPROVED,
        "DELIVERED": ReturnState.RECEIVED,
        "COMPLETED": ReturnState.CLOSED,
        "CANCELLED": ReturnState.CANCELLED,
    },
    failures={
        "CONTENT_NOT_FOUND": Failure.NOTHING_THERE,
        "SOME_CONTENT_NOT_FOUND": Failure.NOTHING_THERE,
        "INVALID_REQUEST": Failure.DECLINED,
        "INVALID_REQUEST_HEADER": Failure.DECLINED,
        "INVALID_REQUEST_PARAM": Failure.DECLINED,
        "INVALID_REQUEST_CONTENT": Failure.DECLINED,
        "MISSING_REQUEST_HEADER": Failure.DECLINED,
        "MISSING_REQUEST_PARAM": Failure.DECLINED,
        "MALFORMED_REQUEST_CONTENT": Failure.DECLINED,
        "UNAUTHORIZED": Failure.UNAUTHORIZED,
        "FORBIDDEN": Failure.UNAUTHORIZED,
        "URI_NOT_FOUND": Failure.DECLINED,
        "METHOD_NOT_ALLOWED": Failure.DECLINED,
        "INVALID_ACCEPT_TYPE": Failure.DECLINED,
        "UNSUPPORTED_MEDIA_TYPE": Failure.DECLINED,
        "REQUEST_THRESHOLD_VIOLATED": Failure.UNAVAILABLE,
        "SYSTEM_ERROR": Failure.IN_DOUBT,
        "http_429": Failure.UNAVAILABLE,
        "http_503": Failure.UNAVAILABLE,
    },
    carriers=CARRIERS,
)
