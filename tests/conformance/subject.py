"""What the conformance suite has to know of a channel beyond its port: one `Subject`, and every point is run on it.

To put a channel to the test, write `tests/conformance/subjects/<channel>.py` with `SUBJECT = Subject(…)`; it is found
by itself. `make conformance` then prints its grade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from connectors.ports import Channel, ChannelFormat
from connectors.registry import ChannelConnection
from models.channel import ReturnAction
from sandbox.channel import ChannelTwin
from sandbox.core import Sandbox
from sandbox.webhooks import WebhookSender

Clock = Callable[[], datetime]
Throttled = Callable[[int, bytes], bool]
"""Whether an answer (HTTP status and body) says that the quota is used up."""


def throttled_by_status(status: int, body: bytes) -> bool:
    """The usual way. A channel that refuses with HTTP 200 brings its own."""
    return status == 429 and bool(body)


class Capability(StrEnum):
    """What not every channel has. A point that needs one is n/a where `Subject.without` says why it is absent."""

    WEBHOOKS = "webhooks"
    """The channel posts events to us."""
    SIGNED_BODY = "signed_body"
    """Its deliveries are signed over the body (not only authenticated by a shared secret)."""
    TIME_WINDOW = "time_window"
    """Its signature holds for a time only."""
    TOKEN = "token"
    """Access tokens that expire."""
    ACKNOWLEDGE = "acknowledge"
    """The seller has to take an order within a time."""
    CANCEL = "cancel"
    CANCEL_PART = "cancel_part"
    BUYER_CANCELS = "buyer_cancels"
    """`Traits.cancel`: the order becomes cancelled without us."""
    BUYER_ASKS = "buyer_asks"
    """`Traits.asks_to_cancel`: shown as `Order.cancel_requested`."""
    CHANNEL_CANCELS_PART = "channel_cancels_part"
    """`Traits.cancels_part`: a unit of the first line becomes cancelled without us."""
    REFUND = "refund"
    REFUND_SHOWN = "refund_shown"
    """What was refunded is seen in the order as it is read again."""
    RETURNS = "returns"
    DECIDE_RETURN = "decide_return"
    STOCK = "stock"
    SETTLEMENT = "settlement"
    CHANNEL_TAX = "channel_tax"
    """The channel remits tax itself (`Traits.channel_tax`)."""
    PARCELS = "parcels"
    """An order may leave in several parcels, each with its own carrier and tracking number."""
    PARTS_SHOWN = "parts_shown"
    """What has left is seen in the order before all of it has left."""
    QUOTA = "quota"
    """The channel answers 429 beyond a published quota."""


@dataclass(frozen=True)
class Operations:
    """The sandbox's operation for each call. For a write: the request that has the effect, whose reply may be lost."""

    poll: str
    order: str
    confirm: str
    token: str = ""
    acknowledge: str = ""
    cancel: str = ""
    cancel_part: str = ""
    refund: str = ""
    returns: str = ""
    decide_return: str = ""
    stock: str = ""


@dataclass(frozen=True)
class Effects:
    """What the twin's ledger calls the effect of each write; the system is the channel's name."""

    confirmed: str
    acknowledged: str = ""
    cancelled: str = "cancelled"
    cancelled_part: str = "cancelled"
    refunded: str = "refunded"
    return_decided: str = ""
    stock_set: str = "stock_set"


@dataclass(frozen=True)
class Delivery:
    """A webhook as the twin has posted it."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Subject:
    """A channel under test."""

    format: ChannelFormat
    twin: Callable[[Sandbox, WebhookSender], ChannelTwin]
    connect: Callable[[ChannelConnection, Clock], Channel]
    """The real connector of a connection; the clock is the connector's idea of the time."""
    operations: Operations
    effects: Effects
    state_fields: tuple[str, ...]
    """Names of the JSON fields of an order that hold the word for its state: an unknown word there is refused."""
    without: Mapping[Capability, str] = field(default_factory=dict)
    """What the channel does not have, and why."""
    small_pages: Mapping[str, Any] = field(default_factory=dict)
    """Connection options with which a poll reads about two orders a page, without an overlap of hours."""
    fills_pages: int = 5
    """How many orders are more than a page then."""
    tight_scale: float = 0.1
    """A quota so small that a dozen polls at once use it up; every burst must still be one at least."""
    throttled: Throttled = throttled_by_status
    order_at: tuple[str, ...] = ()
    """Where the order is in the body of `Channel.order`; a field more around it need not be counted."""
    free_form: tuple[str, ...] = ()
    """Names of fields whose content the mapping does not look into: an unknown field below them is no drift."""
    return_actions: tuple[tuple[ReturnAction, ...], ...] = ()
    """Each a way that the seller may lead a return as the twin serves it; actions in none of them are `unsupported`."""
    window: timedelta = timedelta(minutes=5)
    """How old a delivery may be (`TIME_WINDOW`)."""
    resign: Callable[[Delivery, datetime, str], Mapping[str, str]] | None = None
    """The headers of the same delivery as if it had been signed at that time with that secret (`TIME_WINDOW`)."""
    wrong_credentials: tuple[str, ...] = ()
    """Names of the credentials that, when wrong, must be `Unauthorized`; all of the connection's when empty."""

    @property
    def name(self) -> str:
        return self.format.channel
