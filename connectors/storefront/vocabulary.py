"""Storefront's words and the canonical ones. The contract is ours, so most are the same word."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.errors import Failure
from connectors.ports import Vocabulary
from models.channel import CancelReason, RefundReason
from models.order import ChannelState, ChargeKind
from models.returns import ReturnState
from models.settlement import LineType

STATES = {
    "pending": ChannelState.PENDING,
    "open": ChannelState.OPEN,
    "partially_shipped": ChannelState.PARTIALLY_SHIPPED,
    "shipped": ChannelState.SHIPPED,
    "delivered": ChannelState.SHIPPED,
    "cancelled": ChannelState.CANCELLED,
}
CHARGES = {kind.value: kind for kind in ChargeKind}
PAYOUT_TYPES = {kind.value: kind for kind in LineType if kind is not LineType.UNKNOWN}
OTHER_CARRIER = "other"
NOT_OFFERED = "not_offered"
"""The shop's code for a part of the callback API that it does not have."""

CARRIERS = {
    "bpost": "bpost",
    "canadapost": "canada_post",
    "chronopost": "chronopost",
    "colissimo": "colissimo",
    "correos": "correos",
    "deutschepost": "deutsche_post",
    "dhl": "dhl",
    "dhlexpress": "dhl_express",
    "dhlpaket": "dhl",
    "dpd": "dpd",
    "evri": "evri",
    "fedex": "fedex",
    "gls": "gls",
    "hermes": "hermes",
    "inpost": "inpost",
    "postnl": "postnl",
    "royalmail": "royal_mail",
    "tnt": "tnt",
    "ups": "ups",
    "usps": "usps",
}
FAILURES = {
    "already_acknowledged": Failure.ALREADY_DONE,
    "already_cancelled": Failure.ALREADY_DONE,
    "shipment_exists": Failure.ALREADY_DONE,
    "not_found": Failure.DECLINED,
    "unknown_line": Failure.DECLINED,
    "unknown_sku": Failure.DECLINED,
    "not_paid": Failure.DECLINED,
    "order_cancelled": Failure.DECLINED,
    "already_shipped": Failure.DECLINED,
    "exceeds_open": Failure.DECLINED,
    "exceeds_refundable": Failure.DECLINED,
    "wrong_state": Failure.DECLINED,
    "invalid": Failure.DECLINED,
    "invalid_cursor": Failure.DECLINED,
    "idempotency_key_reused": Failure.DECLINED,
    NOT_OFFERED: Failure.NOTHING_THERE,
    "busy": Failure.UNAVAILABLE,
    "http_401": Failure.UNAUTHORIZED,
    "http_403": Failure.UNAUTHORIZED,
    "http_423": Failure.UNAVAILABLE,
    "http_429": Failure.UNAVAILABLE,
    "http_500": Failure.IN_DOUBT,
    "http_502": Failure.IN_DOUBT,
    "http_503": Failure.UNAVAILABLE,
    "http_504": Failure.IN_DOUBT,
}
VOCABULARY = Vocabulary(
    states=STATES,
    state_words={state: state.value for state in ChannelState},
    cancel_reasons={reason: reason.value for reason in CancelReason},
    refund_reasons={reason: reason.value for reason in RefundReason},
    return_states={state.value: state for state in ReturnState},
    failures=FAILURES,
    carriers=CARRIERS,
)


def carrier_code(name: str, own: Mapping[str, str]) -> str:
    """The shop's code for a carrier: what the connection says of the plain name, else the contract's table."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    return str(own.get(plain) or CARRIERS.get(plain, OTHER_CARRIER))
