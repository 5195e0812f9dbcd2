"""What a shop says: orders, returns, payouts. The one source of the published schemas and of the mapping."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from connectors.storefront.wire import (
    MOST_ROWS,
    Amount,
    Count,
    Country,
    CurrencyCode,
    Document,
    Id,
    Instant,
    Rate,
    SignedAmount,
    Text,
    Units,
    Word,
)

FREE_FORM = WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 100})
Party = Literal["seller", "marketplace"]
OrderState = Literal["pending", "open", "partially_shipped", "shipped", "delivered", "cancelled"]
ReturnWord = Literal["requested", "approved", "received", "closed", "refused", "cancelled"]


class Discount(Document):
    amount: Amount
    """What the buyer saves: never negative."""
    funded_by: Party = "seller"
    """Who bears it."""
    code: Text = ""


class Tax(Document):
    amount: Amount
    collected_by: Party
    """Who pays it to the authority. What a marketplace collects is recorded, and never charged again."""
    rate: Rate | None = None
    jurisdiction: Text = ""


class Line(Document):
    id: Id
    """Unique within the order, and the same for ever."""
    sku: Word
    title: Text = ""
    quantity: Units
    """Units ordered; it does not shrink when units are cancelled."""
    unit_price: Amount | None = None
    """When stated, times `quantity` it is `price`."""
    price: Amount
    """Of the whole line, before discounts; with tax when `prices_include_tax`."""
    discounts: list[Discount] = Field(default=[], max_length=MOST_ROWS)
    taxes: list[Tax] = Field(default=[], max_length=MOST_ROWS)
    quantity_shipped: Count | None = None
    """May be left out: then all that is not cancelled in the state `shipped` or `delivered`, else none."""
    quantity_cancelled: Count | None = None
    """May be left out: then all that is not shipped in the state `cancelled`, else none."""
    needs_shipping: bool = True


class Charge(Document):
    """What the buyer pays beside goods."""

    kind: Annotated[Word, Field(examples=["shipping", "gift_wrap", "tip", "cod_fee", "duty", "rounding", "other"])]
    """Another word than these is taken as `other`."""
    amount: SignedAmount
    """Before discounts; with tax when `prices_include_tax`. Negative only for `rounding`."""
    label: Text = ""
    line_id: Id | None = None
    """Of the line that it belongs to; without it, it belongs to the order."""
    discounts: list[Discount] = Field(default=[], max_length=MOST_ROWS)
    taxes: list[Tax] = Field(default=[], max_length=MOST_ROWS)


class Address(Document):
    name: Text = ""
    company: Text = ""
    lines: list[Text] = Field(default=[], max_length=10)
    city: Text = ""
    district: Text = ""
    region: Text = ""
    postal_code: Text = ""
    country: Country = ""
    """ISO 3166-1 alpha-2, such as DE."""
    phone: Text = ""


class Buyer(Document):
    name: Text = ""
    email: Text = ""
    phone: Text = ""
    company: Text = ""
    purchase_order: Text = ""


class LineUnits(Document):
    """Units of one order line."""

    line_id: Id
    quantity: Units


class Parcel(Document):
    """A parcel that has left."""

    id: Id
    carrier: Text = ""
    tracking: Text = ""
    shipped_at: Instant | None = None
    lines: list[LineUnits] = Field(default=[], max_length=MOST_ROWS)


class Refund(Document):
    """Money that went back to the buyer."""

    id: Id
    amount: Amount
    """With tax, in the order's currency."""
    at: Instant | None = None
    reason: Text = ""
    lines: list[LineUnits] = Field(default=[], max_length=MOST_ROWS)


class CancelRequest(Document):
    """The buyer wants to cancel, and the seller has to decide."""

    reason: Text = ""
    requested_at: Instant | None = None


class OtherMoney(Document):
    amount: Amount
    currency: CurrencyCode


class StorefrontOrder(Document):
    """One order as it stands, whole: each version replaces the one before it."""

    id: Id
    """The shop's own id of the order: what the callback API's paths hold."""
    number: Text = ""
    """As the buyer knows it, where that is not the id."""
    created_at: Instant
    updated_at: Instant
    """The order's version: later whenever anything of it has changed. An older version never overwrites a newer one."""
    state: OrderState
    """`pending`: not paid, nothing may be shipped."""
    currency: CurrencyCode
    """Of every amount of the order."""
    prices_include_tax: bool
    """True: `price` and `amount` contain their taxes (VAT). False: taxes come on top (sales tax)."""
    lines: Annotated[list[Line], Field(min_length=1, max_length=MOST_ROWS)]
    charges: list[Charge] = Field(default=[], max_length=MOST_ROWS)
    total: Amount
    """What the buyer pays as ordered. It must be the sum of the parts, to the cent."""
    buyer_total: OtherMoney | None = None
    """The same in the buyer's own currency, where that differs."""
    fulfilled_by: Party = "seller"
    buyer: Buyer = Buyer()
    ship_to: Address | None = None
    bill_to: Address | None = None
    service_level: Text = "standard"
    acknowledge_by: Instant | None = None
    """Until when the shop wants to hear that the seller takes the order; left out once it knows, or does not ask."""
    ship_by: Instant | None = None
    deliver_by: Instant | None = None
    parcels: list[Parcel] = Field(default=[], max_length=MOST_ROWS)
    refunds: list[Refund] = Field(default=[], max_length=MOST_ROWS)
    cancel_request: CancelRequest | None = None
    cancel_reason: Text = ""
    region: Text = ""
    """Of several shops or countries of one account: which."""
    replacement_of: Id | None = None
    gift: bool = False
    test: bool = False
    note: Text = ""
    extras: Annotated[dict[str, Any], FREE_FORM] = Field(default={}, max_length=100)
    """Whatever the shop wants to find again; handed through, never interpreted. What is not text is left out."""


class ReturnLine(Document):
    id: Id
    line_id: Id | None = None
    """The order's line."""
    sku: Text = ""
    quantity: Units
    reason: Text = ""


class StorefrontReturn(Document):
    """Goods that a buyer sends back, as the return stands."""

    id: Id
    order_id: Id
    created_at: Instant | None = None
    updated_at: Instant
    """The return's version."""
    state: ReturnWord
    lines: Annotated[list[ReturnLine], Field(min_length=1, max_length=MOST_ROWS)]
    rma: Text = ""
    carrier: Text = ""
    tracking: Text = ""
    refunded: OtherMoney | None = None
    """What the buyer has been paid back for it."""


class PayoutLine(Document):
    type: Annotated[Word, Field(examples=["goods", "shipping", "tax", "tax_withheld", "commission", "fee", "refund"])]
    """A word that is not in the documentation's table becomes a residual with its label, never a guess."""
    label: Text = ""
    amount: SignedAmount
    """Positive: to the seller."""
    order_id: Id | None = None
    line_id: Id | None = None
    sku: Text = ""
    quantity: Count | None = None
    posted_at: Instant | None = None


class StorefrontPayout(Document):
    """Money that was paid out; its lines add up to it."""

    id: Id
    currency: CurrencyCode
    amount: SignedAmount
    paid_at: Instant | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    lines: list[PayoutLine]
