"""What is said over the callback API: pages from the shop, requests to it, and its answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from connectors.storefront.contract import LineUnits
from connectors.storefront.wire import Amount, Count, CurrencyCode, Document, Id, Instant, SignedAmount, Text, Word

MOST_STOCK = 200
"""SKUs in one stock request."""

CancelWord = Literal["buyer", "out_of_stock", "pricing_error", "fraud", "address", "other"]
RefundWord = Literal[
    "returned",
    "damaged",
    "not_received",
    "not_as_described",
    "price_adjustment",
    "goodwill",
    "cancelled",
    "other",
]


class OrdersPage(Document):
    """In the order of `updated_at`, oldest first."""

    orders: list[dict[str, Any]]
    next_cursor: Text = ""
    """Left out on the last page."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.orders


class ReturnsPage(Document):
    """In the order of `updated_at`, oldest first."""

    returns: list[dict[str, Any]]
    next_cursor: Text = ""

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.returns


class PayoutHead(Document):
    id: Id
    currency: CurrencyCode
    amount: SignedAmount
    paid_at: Instant | None = None


class PayoutsPage(Document):
    """Oldest first."""

    payouts: list[PayoutHead]
    next_cursor: Text = ""


class AcknowledgementRequest(Document):
    """The seller takes the order."""

    lines: Annotated[list[Id], Field(min_length=1)]


class ShipmentRequest(Document):
    """A parcel has left."""

    shipment_id: Word
    """The same for each attempt to tell of the parcel."""
    package_number: Annotated[int, Field(ge=1)]
    carrier: Text
    """As the warehouse wrote it."""
    carrier_code: Word
    """From the documentation's table, or what the connection's `carriers` say; `other` when neither knows it."""
    tracking: Text
    shipped_at: Instant
    lines: Annotated[list[LineUnits], Field(min_length=1)]


class CancellationRequest(Document):
    """The seller will not deliver these units. The shop pays the buyer back."""

    lines: Annotated[list[LineUnits], Field(min_length=1)]
    whole: bool
    """True when nothing of the order will be delivered."""
    reason: CancelWord
    note: Text = ""


class RefundLine(Document):
    line_id: Id
    quantity: Count
    """Units given back or given up; 0 for money alone."""
    goods: Amount
    """With tax when the order's `prices_include_tax`."""
    shipping: Amount | None = None
    tax: Amount | None = None
    """On the goods, where taxes come on top."""
    shipping_tax: Amount | None = None


class PayBackRequest(Document):
    """Pay the buyer back."""

    currency: CurrencyCode
    amount: Amount
    """The sum of all the lines' amounts."""
    lines: Annotated[list[RefundLine], Field(min_length=1)]
    reason: RefundWord
    note: Text = ""


class ReturnLineUnits(Document):
    return_line_id: Id
    quantity: Annotated[int, Field(ge=1)]


class DecisionRequest(Document):
    """What the seller decides of a return."""

    action: Literal["accept", "refuse", "receive", "refund"]
    lines: Annotated[list[ReturnLineUnits], Field(min_length=1)]
    note: Text = ""


class StockLevel(Document):
    sku: Word
    quantity: Annotated[int, Field(ge=0)]


class StockRequest(Document):
    """What may be sold, absolutely."""

    quantities: Annotated[list[StockLevel], Field(min_length=1, max_length=MOST_STOCK)]


class StockResult(Document):
    sku: Word
    status: Literal["set", "refused"]
    code: Text = ""
    message: Text = ""


class StockAnswer(Document):
    """One result a SKU: what is refused does not affect the others."""

    results: list[StockResult]


class Problem(Document):
    """`application/problem+json` (RFC 9457) with a stable `code`, and the `field` at fault."""

    type: Text = "about:blank"
    title: Text = ""
    status: int
    detail: Text = ""
    code: Word
    field: Text = ""
