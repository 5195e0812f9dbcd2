"""Shopify's words and ours, both ways, as explicit tables. Source: Admin GraphQL 2026-10 (enumerations of its schema).

Shopify has no status "cancelled" and no single status of an order: payment and fulfilment are told apart, and
`cancelledAt` beside them. GraphQL shouts its words (`PAID`), REST and webhooks do not (`paid`): the tables are of lower
case words.
"""

from __future__ import annotations

from connectors.errors import Failure
from connectors.ports import Vocabulary
from models.channel import CancelReason, RefundReason
from models.order import ChannelState
from models.returns import ReturnState

PAYMENT_STATES = {
    "authorized": ChannelState.OPEN,  # The money is reserved, and captured on shipment.
    "paid": ChannelState.OPEN,
    "partially_refunded": ChannelState.OPEN,
    "refunded": ChannelState.OPEN,
    "pending": ChannelState.PENDING,
    "partially_paid": ChannelState.PENDING,
    "expired": ChannelState.PENDING,
    "voided": ChannelState.CANCELLED,
}
"""Payment status -> what it says of an order that is neither cancelled nor fulfilled."""

FULFILMENT_STATES = {
    "unfulfilled": ChannelState.OPEN,
    "open": ChannelState.OPEN,
    "in_progress": ChannelState.OPEN,
    "on_hold": ChannelState.OPEN,
    "scheduled": ChannelState.OPEN,
    "pending_fulfillment": ChannelState.OPEN,
    "request_declined": ChannelState.OPEN,
    "partial": ChannelState.PARTIALLY_SHIPPED,
    "partially_fulfilled": ChannelState.PARTIALLY_SHIPPED,
    "fulfilled": ChannelState.SHIPPED,
    "fulfillment_not_required": ChannelState.SHIPPED,
    "restocked": ChannelState.CANCELLED,
}

STATE_WORDS = {
    ChannelState.PENDING: "pending",
    ChannelState.OPEN: "unfulfilled",
    ChannelState.PARTIALLY_SHIPPED: "partially_fulfilled",
    ChannelState.SHIPPED: "fulfilled",
    ChannelState.CANCELLED: "voided",
}

CANCEL_REASONS = {
    CancelReason.BUYER: "CUSTOMER",
    CancelReason.OUT_OF_STOCK: "INVENTORY",
    CancelReason.FRAUD: "FRAUD",
    CancelReason.PRICING_ERROR: "STAFF",
    CancelReason.ADDRESS: "OTHER",
    CancelReason.OTHER: "OTHER",
}
"""`OrderCancelReason`; `DECLINED` (the payment was) is Shopify's own to say."""

REFUND_REASONS = {
    RefundReason.RETURNED: "RESTOCK",
    RefundReason.DAMAGED: "DAMAGE",
    RefundReason.NOT_RECEIVED: "OTHER",
    RefundReason.NOT_AS_DESCRIBED: "CUSTOMER",
    RefundReason.PRICE_ADJUSTMENT: "CUSTOMER",
    RefundReason.GOODWILL: "CUSTOMER",
    RefundReason.CANCELLED: "RESTOCK",
    RefundReason.OTHER: "OTHER",
}
"""`OrderAdjustmentInputDiscrepancyReason`: why a refund is not what its lines cost."""

RETURN_STATES = {
    "requested": ReturnState.REQUESTED,
    "open": ReturnState.APPROVED,  # `RECEIVED` once every unit of it is processed.
    "closed": ReturnState.CLOSED,
    "declined": ReturnState.REFUSED,
    "canceled": ReturnState.CANCELLED,
    "cancelled": ReturnState.CANCELLED,
}

FAILURES = {
    # Top-level GraphQL errors, which come with HTTP 200.
    "THROTTLED": Failure.UNAVAILABLE,
    "INTERNAL_SERVER_ERROR": Failure.IN_DOUBT,
    "TIMEOUT": Failure.IN_DOUBT,
    "ACCESS_DENIED": Failure.UNAUTHORIZED,
    "SHOP_INACTIVE": Failure.UNAUTHORIZED,
    "MAX_COST_EXCEEDED": Failure.DECLINED,
    "BAD_REQUEST": Failure.DECLINED,
    "graphql_error": Failure.SCHEMA_DRIFT,  # An error without a code: the operation is not understood.
    "undefinedField": Failure.SCHEMA_DRIFT,
    "undefinedType": Failure.SCHEMA_DRIFT,
    "argumentNotAccepted": Failure.SCHEMA_DRIFT,
    "argumentLiteralsIncompatible": Failure.SCHEMA_DRIFT,
    "missingRequiredArguments": Failure.SCHEMA_DRIFT,
    "variableMismatch": Failure.SCHEMA_DRIFT,
    "INVALID_VARIABLE": Failure.SCHEMA_DRIFT,
    "selectionMismatch": Failure.SCHEMA_DRIFT,
    # Idempotency (`@idempotent`): in user errors of inventory mutations, at the top level elsewhere.
    "IDEMPOTENCY_CONCURRENT_REQUEST": Failure.UNAVAILABLE,
    "IDEMPOTENCY_KEY_PARAMETER_MISMATCH": Failure.IN_DOUBT,
    "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED": Failure.IN_DOUBT,
    # User errors.
    "user_error": Failure.DECLINED,
    "INTERNAL_ERROR": Failure.IN_DOUBT,
    "INVALID": Failure.DECLINED,
    "INVALID_STATE": Failure.DECLINED,
    "NOT_FOUND": Failure.DECLINED,
    "NOT_EDITABLE": Failure.DECLINED,
    "CREATION_FAILED": Failure.DECLINED,
    "ALREADY_EXISTS": Failure.ALREADY_DONE,
    "TAKEN": Failure.ALREADY_DONE,
    "MISSING_PERMISSION": Failure.UNAUTHORIZED,
    "NO_REFUND_PERMISSION": Failure.UNAUTHORIZED,
    "NO_REFUND_TO_STORE_CREDIT_PERMISSION": Failure.UNAUTHORIZED,
    "CHANGE_FROM_QUANTITY_STALE": Failure.UNAVAILABLE,  # Somebody sold one meanwhile: read again, set again.
    "INVALID_INVENTORY_ITEM": Failure.DECLINED,
    "INVALID_LOCATION": Failure.DECLINED,
    "INVALID_QUANTITY_TOO_HIGH": Failure.DECLINED,
    "NON_MUTABLE_INVENTORY_ITEM": Failure.DECLINED,
    # HTTP. 402 frozen for payment, 404 unknown, 423 locked: the shop itself has to be put right; 430 is a security
    # rejection that passes.
    "http_400": Failure.DECLINED,
    "http_401": Failure.UNAUTHORIZED,
    "http_402": Failure.UNAUTHORIZED,
    "http_403": Failure.UNAUTHORIZED,
    "http_404": Failure.UNAUTHORIZED,
    "http_408": Failure.UNAVAILABLE,
    "http_422": Failure.DECLINED,
    "http_423": Failure.UNAUTHORIZED,
    "http_425": Failure.UNAVAILABLE,
    "http_429": Failure.UNAVAILABLE,
    "http_430": Failure.UNAVAILABLE,
    "http_500": Failure.IN_DOUBT,
    "http_502": Failure.IN_DOUBT,
    "http_503": Failure.UNAVAILABLE,
    "http_504": Failure.IN_DOUBT,
}
"""What an error means. One in doubt is only unavailable where nothing was to be written."""

CARRIERS = {
    "ups": "UPS",
    "fedex": "FedEx",
    "usps": "USPS",
    "dhl": "DHL Express",
    "dhlexpress": "DHL Express",
    "dhlecommerce": "DHL eCommerce",
    "dhlparcel": "DHL Parcel",
    "dhlpaket": "Deutsche Post (DE)",
    "deutschepost": "Deutsche Post (DE)",
    "dpd": "DPD",
    "gls": "GLS",
    "hermes": "Hermes",
    "evri": "Evri",
    "royalmail": "Royal Mail",
    "parcelforce": "Parcelforce",
    "canadapost": "Canada Post",
    "purolator": "Purolator",
    "colissimo": "Colissimo",
    "chronopost": "Chronopost",
    "postnl": "PostNL",
    "bpost": "Bpost",
    "correos": "Correos",
    "postnord": "PostNord",
    "australiapost": "Australia Post",
    "yamato": "Yamato (EN)",
    "sagawa": "Sagawa (EN)",
    "japanpost": "Japan Post (EN)",
    "amazon": "Amazon Logistics US",
    "ontrac": "OnTrac",
    "lasership": "LaserShip",
}
"""Tracking companies that Shopify makes a link for; any other name is taken as it is (`FulfillmentTrackingInfo`)."""

VOCABULARY = Vocabulary(
    states={**PAYMENT_STATES, **FULFILMENT_STATES},
    state_words=STATE_WORDS,
    cancel_reasons=CANCEL_REASONS,
    refund_reasons=REFUND_REASONS,
    return_states=RETURN_STATES,
    failures=FAILURES,
    carriers=CARRIERS,
)


def carrier_name(carrier: str) -> str:
    """A carrier as Shopify spells it, so that the buyer gets a link to follow the parcel."""
    plain = "".join(sign for sign in carrier.lower() if sign.isalnum())
    return CARRIERS.get(plain, carrier)
