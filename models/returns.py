"""Goods that a buyer sends back, as the channel tells it."""

from __future__ import annotations

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
