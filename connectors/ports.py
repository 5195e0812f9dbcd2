"""What Orderyard needs of each kind of outside system. Providers implement these; nothing else knows the vendors.

Every write may be called more than once for the same thing and must have its effect once: the caller passes
`retry=True` when an earlier attempt may have succeeded, and the provider then looks before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from models.base import Model, Moment
from models.fulfilment import ConfirmedParcel, Release, Shipment
from models.order import Order, OrderKey
from models.settlement import Settlement
from models.systems import ErpOrder, FraudVerdict, Notice, ReleaseCancelled, TaxQuote

__all__ = [
    "Channel",
    "ChannelFormat",
    "Erp",
    "ErpOrder",
    "Fraud",
    "FraudVerdict",
    "Notice",
    "Notifier",
    "OrderPage",
    "Parsed",
    "PolledOrder",
    "Refusal",
    "ReleaseCancelled",
    "SettlementRef",
    "Tax",
    "TaxQuote",
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


class Parsed(Model):
    """Everything a payload yields: orders whose totals add up, and a named refusal for each that is not one."""

    orders: tuple[Order, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class WebhookEvent(Model):
    """What a verified delivery says about itself."""

    delivery_id: str
    """Vendor's delivery id: the same on a retry of the same delivery."""
    topic: str
    external_id: str | None = None


class WebhookRefused(Exception):
    """The delivery is not authentic (bad or missing signature, too old)."""


class ChannelFormat(Protocol):
    """The pure half of a channel: total functions over bytes, no I/O."""

    channel: str
    mapping_version: int

    def parse(self, body: bytes, account: str) -> Parsed:
        """Any bytes in; canonical orders and named refusals out. Never raises."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        """Check a webhook's raw body against current and former secrets. Raises `WebhookRefused`."""
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

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """Tell the channel that a parcel left."""
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
