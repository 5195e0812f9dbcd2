"""Bazaar's words and ours, as explicit tables."""

from connectors.errors import Failure
from connectors.ports import Vocabulary
from models.channel import CancelReason, RefundReason
from models.order import ChannelState
from models.returns import ReturnState
from models.settlement_rules import RuleSet

STATES = {
    "UNPAID": ChannelState.PENDING,
    "NEW": ChannelState.OPEN,
    "ACCEPTED": ChannelState.OPEN,
    "PART_SENT": ChannelState.PARTIALLY_SHIPPED,
    "SENT": ChannelState.SHIPPED,
    "VOID": ChannelState.CANCELLED,
}
RULES = RuleSet.from_document(
    {
        "channel": "bazaar",
        "version": 1,
        "labels": ["kind"],
        "rules": [
            ["item", "goods"],
            ["postage", "shipping"],
            ["tax", "tax"],
            ["tax_kept", "tax_withheld"],
            ["commission", "commission"],
            ["payback", "refund"],
        ],
    }
)
DECLINED = ("NOT_FOUND", "INVALID", "NOT_PAYABLE", "NOT_OPEN", "ALREADY_SENT", "TOO_MUCH", "ALREADY_JUDGED")
VOCABULARY = Vocabulary(
    states=STATES,
    state_words={state: word for word, state in STATES.items()},
    # Bazaar asks for the reason in free words, so ours will do.
    cancel_reasons={reason: reason.value for reason in CancelReason},
    refund_reasons={reason: reason.value for reason in RefundReason},
    return_states={
        "OPEN": ReturnState.REQUESTED,
        "GRANTED": ReturnState.APPROVED,
        "REJECTED": ReturnState.REFUSED,
        "PAID": ReturnState.CLOSED,
    },
    failures={
        "ALREADY_ACCEPTED": Failure.ALREADY_DONE,
        **dict.fromkeys(DECLINED, Failure.DECLINED),
        "http_401": Failure.UNAUTHORIZED,
        "http_429": Failure.UNAVAILABLE,
    },
    carriers={"dhl": "DHL", "fedex": "FEDEX", "ups": "UPS", "usps": "USPS"},
)
