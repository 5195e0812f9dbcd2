"""What Orderyard needs of each kind of outside system. Providers implement these; nothing else knows the vendors.

Every write may be called more than once for the same thing and must have its effect once: the caller passes
`retry=True` when an earlier attempt may have succeeded, and the provider then looks before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from connectors.errors import Failure
from models.base import Model, Moment
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    ChannelHealth,
    Progress,
    RefundReason,
    RefundRequest,
    ReturnDecision,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel, Release, Shipment
from models.order import ChannelState, Order, OrderKey
from models.returns import ChannelReturn, ReturnState
from models.settlement import Settlement
from models.systems import ErpOrder, FraudVerdict, Notice, ReleaseCancelled, TaxQuote

__all__ = [
    "HINT_TOPIC",
    "Channel",
    "ChannelFormat",
    "Drift",
    "Erp",
    "ErpOrder",
    "Fraud",
    "FraudVerdict",
    "Notice",
    "Notifier",
    "OrderPage",
    "Parsed",
    "ParsedReturns",
    "PolledOrder",
    "Refusal",
    "ReleaseCancelled",
    "ReturnPage",
    "SettlementRef",
    "Tax",
    "TaxQuote",
    "Vocabulary",
    "WebhookEvent",
    "WebhookRefused",
    "Wms",
    "WmsReport",
]


class Refusal(Model):
    """Why a payload, or one order of it, did not become a canonical order."""

    reason: str
    """Stable word: `not_json`, `not_an_order`, `missing`, `wrong_type`, `items_absent`, `totals_differ` …"""
    path: str
    value: str
    remedy: str
    external_id: str | None = None

    def __str__(self) -> str:
        return f"{self.reason} at {self.path}: {self.value}. {self.remedy}"


class Drift(Model):
    """Something in a payload that the mapping does not know: counted and shown, never a reason to refuse by itself."""

    kind: Literal["unknown_field", "unknown_value"]
    path: str
    """Without positions in lists, so that the same drift counts as one: `orderLines.orderLine[].giftWrap`."""
    value: str = ""
    """Of an unknown value: the word. Never the content of an unknown field, which may be personal data."""


class Parsed(Model):
    """Everything a payload yields: orders whose totals add up, and a named refusal for each that is not one."""

    orders: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    drift: tuple[Drift, ...] = ()


class ParsedReturns(Model):
    """Everything that a payload about returns yields."""

    returns: tuple[ChannelReturn, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    drift: tuple[Drift, ...] = ()


HINT_TOPIC = "hint"
"""Topic of a delivery that names an order and says nothing reliable of it: the order is to be read again."""


@dataclass(frozen=True)
class Vocabulary:
    """A channel's words and ours, both ways, as explicit tables."""

    states: Mapping[str, ChannelState]
    """The channel's word for an order's (or a line's) state -> ours. A word that is not here is refused by name."""
    state_words: Mapping[ChannelState, str]
    """Our state -> the word that the channel would use for it; each reads back to the same state."""
    cancel_reasons: Mapping[CancelReason, str]
    refund_reasons: Mapping[RefundReason, str]
    return_states: Mapping[str, ReturnState]
    failures: Mapping[str, Failure]
    """The channel's error code (or `http_409`) -> what it means to us. A code that is not here is `Declined`."""
    carriers: Mapping[str, str] = field(default_factory=dict)
    """A carrier's plain name (letters and digits, lower case) -> the channel's code for it."""


class WebhookEvent(Model):
    """What a verified delivery says about itself."""

    delivery_id: str
    """Vendor's delivery id: the same on a retry of the same delivery."""
    topic: str
    """`orders/…` with an order in the body, `returns/…` with a return, or `HINT_TOPIC`."""
    external_id: str | None = None


class WebhookRefused(Exception):
    """The delivery is not authentic (bad or missing signature, too old)."""


class ChannelFormat(Protocol):
    """The pure half of a channel: total functions over bytes, no I/O."""

    channel: str
    mapping_version: int
    """Raised when a payload that was parsed before would be parsed differently."""
    api_version: str
    """The version of the channel's contract that is understood."""
    vocabulary: Vocabulary

    def parse(self, body: bytes, account: str) -> Parsed:
        """Any bytes in; canonical orders and named refusals out. Never raises."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        """Check a webhook's raw body against current and former secrets. Raises `WebhookRefused`."""
        ...

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        """Any bytes in; returns and named refusals out. Never raises."""
        ...

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        """Raises `SchemaDrift` naming line, column and value; `sum_differs` when the lines are not the payout."""
        ...


class PolledOrder(Model):
    """One order as read from the channel, raw, to be kept before it is understood."""

    external_id: str
    version: Moment
    body: bytes


class OrderPage(Model):
    orders: tuple[PolledOrder, ...]
    cursor: str
    """Opaque; to be stored only together with this page, and handed to the next poll."""
    more: bool
    """True when the next page is ready now."""


class ReturnPage(Model):
    returns: tuple[PolledOrder, ...]
    """Each with the return's id as its `external_id`."""
    cursor: str
    more: bool


class SettlementRef(Model):
    settlement_id: str
    document_id: str


class Channel(Protocol):
    """The calling half of a channel, for one account."""

    name: str
    account: str

    async def poll(self, cursor: str | None) -> OrderPage:
        """Read one page of orders changed since the cursor (`None`: since the configured start)."""
        ...

    async def aclose(self) -> None: ...

    def cursor_from(self, moment: datetime) -> str:
        """The cursor of a poll that begins with what changed at this moment."""
        ...

    async def order(self, external_id: str) -> bytes:
        """One order as it stands now, for `ChannelFormat.parse`. Raises `Declined` (`not_found`) when unknown."""
        ...

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """Take the order. A channel that does not ask for it answers that it is done."""
        ...

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """Tell the channel that a parcel left."""
        ...

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        """Cancel units. Those that are cancelled already are done; raises `Declined` for those that have left, and with
        `not_found` when the channel has no such order."""
        ...

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        """Pay the buyer back, once. Raises `Declined` beyond what is left to refund."""
        ...

    async def returns(self, cursor: str | None) -> ReturnPage:
        """Read one page of returns changed since the cursor (`None`: since the configured start)."""
        ...

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        """Raises `Declined` (`unsupported`) for an action that the channel leaves to itself."""
        ...

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        """Set what may be sold, absolutely. A SKU that the channel refuses is in `rejected`; the others are set."""
        ...

    async def follow(self, operation: str) -> Progress:
        """What became of a request that was under way. Raises `Declined` with the channel's reason when it failed."""
        ...

    def health(self) -> ChannelHealth:
        """What is known without asking the channel."""
        ...

    async def settlements(self) -> list[SettlementRef]:
        """The settlements the channel has ready, oldest first."""
        ...

    async def settlement(self, ref: SettlementRef) -> bytes:
        """The document itself, for `ChannelFormat.parse_settlement`."""
        ...


class Erp(Protocol):
    async def create_order(self, request: ErpOrder, *, retry: bool) -> str:
        """Post a sales order under the order key; returns the ERP's document number."""
        ...

    async def cancel_order(self, key: OrderKey, correlation_id: str) -> None:
        """Cancel the sales order of a key; not an error when there is none."""
        ...

    async def post_shipment(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        """Record a shipment; returns its document number."""
        ...

    async def post_invoice(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        """Invoice a shipment; returns the invoice number."""
        ...


class Wms(Protocol):
    async def release(self, release: Release, *, retry: bool) -> None:
        """Instruct a node to ship."""
        ...

    async def cancel(self, fulfilment_id: str, correlation_id: str) -> ReleaseCancelled:
        """Ask the warehouse to stop; its answer is the truth. Confirmed when it never heard of the release."""
        ...

    async def shipments(self, fulfilment_id: str, correlation_id: str) -> list[Shipment]:
        """Shipments of a release: heals a lost report."""
        ...


class WmsReport(Model):
    """A shipment report pushed by the warehouse, and the workflow that waits for it."""

    reply_to: str
    shipment: Shipment


class Tax(Protocol):
    async def quote(self, order: Order, *, retry: bool) -> TaxQuote:
        """Record the seller's tax of an order as an uncommitted transaction."""
        ...

    async def commit(self, document: str, correlation_id: str) -> None: ...

    async def void(self, document: str, correlation_id: str) -> None:
        """Void a recorded transaction; not an error when there is none."""
        ...


class Fraud(Protocol):
    async def assess(self, order: Order) -> FraudVerdict: ...


class Notifier(Protocol):
    async def send(self, notice: Notice) -> None: ...
