"""What is asked of a channel, and what becomes of it.

Each request carries an id that is the same for every attempt: the channel's idempotency key, or what a connector looks
for before it writes again.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.money import Money
from models.order import OrderKey


class CancelReason(StrEnum):
    BUYER = "buyer"
    """The buyer asked for it. Some channels accept this only while they know of the buyer's request."""
    OUT_OF_STOCK = "out_of_stock"
    PRICING_ERROR = "pricing_error"
    FRAUD = "fraud"
    ADDRESS = "address"
    """Nobody delivers to the buyer's address."""
    OTHER = "other"


class RefundReason(StrEnum):
    RETURNED = "returned"
    DAMAGED = "damaged"
    NOT_RECEIVED = "not_received"
    NOT_AS_DESCRIBED = "not_as_described"
    PRICE_ADJUSTMENT = "price_adjustment"
    GOODWILL = "goodwill"
    CANCELLED = "cancelled"
    OTHER = "other"


class ChannelRequest(Model):
    """What every request about an order has in common."""

    request_id: str
    """Idempotency key, e.g. `amazon/US-1/302-1#cancel`."""
    order_key: OrderKey
    correlation_id: str
    region: str = ""
    """The order's marketplace (`Order.region`)."""
    extras: dict[str, str] = Field(default_factory=dict)
    """The order's channel extras (`Order.extras`), which some channels need again."""
    again: bool = False
    """True when an earlier process may have sent it: the connector looks before it writes, as for a retry."""


class Acknowledgement(ChannelRequest):
    """The seller takes the order: every line of it."""

    lines: tuple[str, ...]
    """Channel line ids."""


class Cancellation(ChannelRequest):
    """The seller will not deliver these units."""

    units: dict[str, int] = Field(min_length=1)
    """Channel line id -> units to cancel."""
    whole: bool
    """True when nothing of the order will be delivered: channels often have another call for that."""
    reason: CancelReason
    note: str = ""


class RefundLine(Model):
    """What of an order line is paid back. All amounts are positive."""

    line_id: str
    quantity: int = Field(default=0, ge=0)
    """Units given back or given up; 0 for money alone."""
    goods: Money
    shipping: Money | None = None
    tax: Money | None = None
    """Tax on the goods, where prices are without tax."""
    shipping_tax: Money | None = None
    channel_tax: Money | None = None
    """What of `tax` the channel remits: some channels refund it themselves with the goods."""
    channel_shipping_tax: Money | None = None
    """The same of `shipping_tax`."""


class RefundRequest(ChannelRequest):
    lines: tuple[RefundLine, ...] = Field(min_length=1)
    reason: RefundReason
    note: str = ""

    @property
    def total(self) -> Money:
        parts = [
            amount
            for line in self.lines
            for amount in (line.goods, line.shipping, line.tax, line.shipping_tax)
            if amount is not None
        ]
        return Money.total(parts, self.lines[0].goods.currency)


class ReturnAction(StrEnum):
    ACCEPT = "accept"
    REFUSE = "refuse"
    RECEIVE = "receive"
    """The goods are back."""
    REFUND = "refund"
    """Pay the buyer for what came back, and end the return."""


class ReturnDecision(ChannelRequest):
    return_id: str
    action: ReturnAction
    units: dict[str, int] = Field(min_length=1)
    """Return line id -> units that the decision is about."""
    note: str = ""


class StockQuantity(Model):
    sku: str
    """The channel's SKU."""
    quantity: int = Field(ge=0)
    """What the channel may sell: available, less the safety buffer."""


class StockUpdate(Model):
    request_id: str
    correlation_id: str
    quantities: tuple[StockQuantity, ...] = Field(min_length=1)


class Rejected(Model):
    """One entry of a bulk request that the channel refused; the others are not affected."""

    key: str
    """The SKU or line id."""
    code: str
    message: str


class Progress(Model):
    """What became of a request: done (`operation` is None), or under way at the channel."""

    operation: str | None = None
    """The channel's own process, opaque, to be handed to `Channel.follow`: taken is not done."""
    look_again: timedelta = timedelta(seconds=30)
    """When to ask for it next."""
    rejected: tuple[Rejected, ...] = ()
    """Of a bulk request that is done: what was refused of it."""


class QuotaLeft(Model):
    """What a channel still grants on one operation."""

    operation: str
    rate: float
    """Calls (or points) a second."""
    burst: int
    left: float


class ChannelHealth(Model):
    """What a connector knows about its account without asking the channel."""

    api_version: str
    sunset: date | None = None
    """The day on which the channel ends this version, where it is known."""
    credential_expires: Moment | None = None
    quotas: tuple[QuotaLeft, ...] = ()
