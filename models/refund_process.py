"""The process of one refund: what it is asked, what the ledger answers, and how far it is."""

from __future__ import annotations

from pydantic import Field

from models.base import Model
from models.case import ExceptionCase
from models.channel import ReturnDecision
from models.order import Order, OrderKey
from models.refunds import Refund, RefundClaim

INTERNAL = "orderyard.internal"
"""Extra of an order that no channel knows: a replacement. `1` when it is one."""


class RefundTask(Model):
    """A claim to be paid, and how."""

    claim: RefundClaim
    correlation_id: str
    decision: ReturnDecision | None = None
    """Some channels pay a return back by ending it: this is tried first, and a plain refund where it is not offered."""


class RefundGrant(Model):
    """The ledger's answer to a claim, with what is needed to pay it."""

    refund: Refund
    order: Order | None = None
    """None when it is refused."""
    again: bool = False
    """True when the claim was in the ledger before: an earlier process may have sent the money."""


class GivenUp(Model):
    request_id: str
    why: str


class RefundProgress(Model):
    """What a refund's workflow answers to a query."""

    task: RefundTask
    refund: Refund | None = None
    step: str
    case: ExceptionCase | None = None
    documents: dict[str, str] = Field(default_factory=dict)
    """`erp`: number of the credit note; `tax`: code of the transaction."""


def refund_id(key: OrderKey, name: str) -> str:
    """The claim's `request_id`: unique within the installation."""
    return f"{key}#{name}"


def refund_workflow_id(claim: RefundClaim) -> str:
    name = claim.request_id.removeprefix(f"{claim.order_key}#")
    return f"refund/{claim.order_key}/{name}"


def told_to_the_channel(order: Order) -> bool:
    """False for an order that no channel knows."""
    return order.extras.get(INTERNAL) != "1"
