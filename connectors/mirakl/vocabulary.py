"""Mirakl's words and the canonical ones, both ways (MMP seller API: enumerations of OR11, RT11; errors of OR21)."""

from __future__ import annotations

from connectors.errors import Failure
from connectors.ports import Vocabulary
from models.channel import CancelReason, RefundReason
from models.order import ChannelState
from models.returns import ReturnState

CHANNEL = "mirakl"
API_VERSION = "mmp-seller"
"""The API has one version and no date: fields are added to it, operations are marked deprecated."""

WAITING_ACCEPTANCE = "WAITING_ACCEPTANCE"
SHIPPING = "SHIPPING"
SHIPPED = "SHIPPED"
REFUSED = "REFUSED"
CANCELED = "CANCELED"
TAX_EXCLUDED = "TAX_EXCLUDED"
TAX_INCLUDED = "TAX_INCLUDED"

ORDER_STATES = {
    "STAGING": ChannelState.PENDING,
    WAITING_ACCEPTANCE: ChannelState.PENDING,
    "WAITING_DEBIT": ChannelState.PENDING,
    "WAITING_DEBIT_PAYMENT": ChannelState.PENDING,
    SHIPPING: ChannelState.OPEN,
    SHIPPED: ChannelState.SHIPPED,
    "TO_COLLECT": ChannelState.SHIPPED,
    "RECEIVED": ChannelState.SHIPPED,
    "CLOSED": ChannelState.SHIPPED,
    REFUSED: ChannelState.CANCELLED,
    CANCELED: ChannelState.CANCELLED,
    # Deprecated, and of orders that are paid back: nothing is to be shipped any more.
    "WAITING_REFUND": ChannelState.SHIPPED,
    "WAITING_REFUND_PAYMENT": ChannelState.SHIPPED,
}
LINE_STATES = {**ORDER_STATES, "INCIDENT_OPEN": ChannelState.SHIPPED, "REFUNDED": ChannelState.SHIPPED}

RETURN_STATES = {
    WAITING_ACCEPTANCE: ReturnState.REQUESTED,
    "IN_PROGRESS": ReturnState.APPROVED,
    "RECEIVED": ReturnState.RECEIVED,
    # The goods did not come within the operator's time: nothing more happens.
    "NO_RECEPTION": ReturnState.CLOSED,
    "CLOSED": ReturnState.CLOSED,
    REFUSED: ReturnState.REFUSED,
    CANCELED: ReturnState.CANCELLED,
}

FAILURES = {
    "ORDER_INVALID_STATE": Failure.ALREADY_DONE,
    "ORDER_NOT_FOUND": Failure.DECLINED,
    "ORDER_LINE_NOT_FOUND": Failure.DECLINED,
    "ORDER_LINE_DUPLICATE_ID": Failure.DECLINED,
    "ORDER_LINE_NULL_ELEMENT": Failure.DECLINED,
    "ORDER_LINE_ACCEPTANCE_DECISION_MISSING": Failure.DECLINED,
    "ORDER_PARTIAL_ACCEPTANCE_DISABLED": Failure.DECLINED,
    "ORDER_FULFILLED_UNAUTHORIZED": Failure.DECLINED,
    "VALIDATION_ERROR": Failure.DECLINED,
    "http_404": Failure.DECLINED,
    # Without a code in the answer, a wrong state is told by these alone: a look at the order says which it is.
    "http_400": Failure.ALREADY_DONE,
    "http_405": Failure.ALREADY_DONE,
    "http_409": Failure.ALREADY_DONE,
    "http_401": Failure.UNAUTHORIZED,
    "http_403": Failure.UNAUTHORIZED,
    "http_429": Failure.UNAVAILABLE,
    "http_503": Failure.UNAVAILABLE,
    "http_500": Failure.IN_DOUBT,
    "http_502": Failure.IN_DOUBT,
    "http_504": Failure.IN_DOUBT,
}

CANCEL_REASONS = {
    CancelReason.BUYER: "CUSTOMER_CANCELATION",
    CancelReason.OUT_OF_STOCK: "OUT_OF_STOCK",
    CancelReason.PRICING_ERROR: "AGREEMENT",
    CancelReason.FRAUD: "UNABLE_TO_DELIVER",
    CancelReason.ADDRESS: "UNABLE_TO_DELIVER",
    CancelReason.OTHER: "AGREEMENT",
}
REFUND_REASONS = {
    RefundReason.RETURNED: "RETURN",
    RefundReason.DAMAGED: "DEFECT",
    RefundReason.NOT_RECEIVED: "ITEM_NOT_RECEIVED",
    RefundReason.NOT_AS_DESCRIBED: "DEFECT",
    RefundReason.PRICE_ADJUSTMENT: "AGREEMENT",
    RefundReason.GOODWILL: "AGREEMENT",
    RefundReason.CANCELLED: "CUSTOMER_CANCELATION",
    RefundReason.OTHER: "AGREEMENT",
}
"""Reason codes are each operator's own; these are the neutral words for them (those of Mirakl Connect), which
`reasons.py` turns into an operator's code."""

CARRIERS = {
    "dhl": "DHL",
    "dhlpaket": "DHL",
    "deutschepostdhl": "DHL",
    "dpd": "DPD",
    "gls": "GLS",
    "ups": "UPS",
    "hermes": "HERMES",
    "fedex": "FEDEX",
    "tnt": "TNT",
    "chronopost": "CHRONOPOST",
    "colissimo": "COLISSIMO",
    "laposte": "LAPOSTE",
    "mondialrelay": "MONDIALRELAY",
    "postnl": "POSTNL",
    "correos": "CORREOS",
    "seur": "SEUR",
    "inpost": "INPOST",
    "brt": "BRT",
    "royalmail": "ROYALMAIL",
    "usps": "USPS",
}
"""Tried when the operator's own list (SH21) does not have the name; a code that it does not have either is not used."""

VOCABULARY = Vocabulary(
    states=LINE_STATES,
    state_words={
        ChannelState.PENDING: "WAITING_DEBIT",
        ChannelState.OPEN: SHIPPING,
        ChannelState.SHIPPED: SHIPPED,
        ChannelState.CANCELLED: CANCELED,
    },
    cancel_reasons=CANCEL_REASONS,
    refund_reasons=REFUND_REASONS,
    return_states=RETURN_STATES,
    failures=FAILURES,
    carriers=CARRIERS,
)
