"""Goods that a buyer sends back, as the channel tells it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.money import Money
from models.order import OrderKey


class ReturnState(StrEnum):
    """Where the channel says the return stands."""

    REQUESTED = "requested"
    """Waits for the seller's decision."""
    APPROVED = "approved"
    """The buyer may send the goods."""
    RECEIVED = "received"
    CLOSED = "closed"
    """Nothing more will happen to it: refunded, or settled otherwise."""
    REFUSED = "refused"
    CANCELLED = "cancelled"


class ReturnProcessState(StrEnum):
    """Where our own process of a return stands."""

    REQUESTED = "requested"
    REVIEW = "review"
    """A person decides: out of policy, or nobody knows which order it belongs to."""
    APPROVED = "approved"
    """The buyer sends the goods; they are due until a deadline."""
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    """What was to come is there and inspected, or will not come any more."""
    REFUNDING = "refunding"
    CLOSED = "closed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    """The buyer keeps the goods."""
    LAPSED = "lapsed"
    """The goods never came."""


_P = ReturnProcessState
RETURN_TRANSITIONS: Mapping[ReturnProcessState, frozenset[ReturnProcessState]] = {
    _P.REQUESTED: frozenset({_P.REVIEW, _P.APPROVED, _P.REFUSED, _P.CANCELLED, _P.CLOSED}),
    _P.REVIEW: frozenset({_P.APPROVED, _P.REFUSED, _P.CANCELLED, _P.CLOSED}),
    _P.APPROVED: frozenset({_P.PARTLY_RECEIVED, _P.RECEIVED, _P.LAPSED, _P.CANCELLED, _P.CLOSED}),
    _P.PARTLY_RECEIVED: frozenset({_P.RECEIVED}),
    _P.RECEIVED: frozenset({_P.REFUNDING, _P.CLOSED}),
    _P.REFUNDING: frozenset({_P.CLOSED}),
    _P.CLOSED: frozenset({_P.PARTLY_RECEIVED, _P.RECEIVED}),
    _P.REFUSED: frozenset({_P.REVIEW, _P.CLOSED}),
    _P.CANCELLED: frozenset({_P.REVIEW, _P.CLOSED}),
    _P.LAPSED: frozenset({_P.PARTLY_RECEIVED, _P.RECEIVED, _P.CLOSED}),
}
"""State -> the states that may follow it. What follows an ended state are goods, or the channel's money, after all."""
ENDED_RETURNS = frozenset({_P.CLOSED, _P.REFUSED, _P.CANCELLED, _P.LAPSED})


class ReturnLine(Model):
    """Units of an order line that come back."""

    return_line_id: str
    line_id: str | None = None
    """The order's line, where the channel names it."""
    sku: str = ""
    quantity: int = Field(ge=1)
    reason: str = ""
    """The buyer's, in the channel's words."""


class ChannelReturn(Model):
    """One return on a channel."""

    return_id: str
    order_key: OrderKey
    version: Moment
    """When the channel last changed it: a smaller version never overwrites a greater one."""
    state: ReturnState
    lines: tuple[ReturnLine, ...] = Field(min_length=1)
    rma: str = ""
    """The number on the parcel, where it is not the return's id."""
    carrier: str = ""
    tracking: str = ""
    requested_at: Moment | None = None
    refunded: Money | None = None
    """What the buyer has been paid back for it."""
