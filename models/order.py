"""The canonical order: what a marketplace sold, to whom, for how much, and who owes the tax."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from models.base import Model, Moment
from models.money import Currency, Money

SCHEMA_VERSION = 1
"""Version of the canonical order; raised when the meaning of a field changes."""

INTERNAL = "orderyard.internal"
"""Key in `Order.extras` of an order that no channel knows of."""


class OrderKey(Model):
    """Identity of an order over all channels. Prints as `amazon/EU-DE/302-1234567-1234567`."""

    channel: str = Field(min_length=1)
    account: str = Field(min_length=1)
    external_id: str = Field(min_length=1)

    @model_validator(mode="after")
    def _reads_back(self) -> Self:
        if "/" in self.channel + self.account or self.channel == "order":
            raise ValueError(f"{self} cannot be told apart: no '/' in channel or account, and no channel named 'order'")
        return self

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}/{self.external_id}"

    @property
    def workflow_id(self) -> str:
        return f"order/{self}"

    @classmethod
    def from_string(cls, text: str) -> Self:
        """Read `channel/account/external id`, with or without the `order/` of a workflow id."""
        parts = text.removeprefix("order/").split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{text!r} is not an order key: write channel/account/external-id")
        return cls(channel=parts[0], account=parts[1], external_id=parts[2])


class ChannelState(StrEnum):
    """Where the channel says the order stands."""

    PENDING = "pending"
    """Payment is not authorised yet: nothing may be shipped."""
    OPEN = "open"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


_HOW_FAR = {state: number for number, state in enumerate(ChannelState)}


class FulfilmentSide(StrEnum):
    MERCHANT = "merchant"
    CHANNEL = "channel"
    """FBA, WFS …: posted to the ERP, never released to our warehouse."""


class Remitter(StrEnum):
    """Who pays a tax to the authority."""

    SELLER = "seller"
    CHANNEL = "channel"
    """Marketplace facilitator: recorded, never charged again and never paid by the seller."""


class Funder(StrEnum):
    """Who bears a discount."""

    SELLER = "seller"
    CHANNEL = "channel"


class Tax(Model):
    amount: Money
    remitter: Remitter
    jurisdiction: str | None = None
    rate: str | None = None
    """Decimal fraction as the channel states it, `0.19` for 19 %."""
    included: bool = False
    """True when the price it belongs to already contains it (VAT style)."""


class Discount(Model):
    amount: Money
    """Positive: what the buyer saves."""
    funded_by: Funder = Funder.SELLER
    code: str | None = None


class OrderLine(Model):
    """One line as the channel sold it; a bundle is still one line here."""

    line_id: str
    sku: str
    title: str = ""
    quantity: int = Field(ge=1)
    unit_price: Money | None = None
    """As the channel states it; absent where only the line's price is stated and does not divide."""
    goods: Money
    """Price of the whole line before discounts, as stated (with included taxes, if any)."""
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    cancelled: int = Field(default=0, ge=0)
    """Quantity the channel had already cancelled when this version of the order was read."""
    shipped: int = Field(default=0, ge=0)
    """Quantity the channel had already seen shipped."""
    needs_shipping: bool = True

    @model_validator(mode="after")
    def _no_more_than_ordered(self) -> Self:
        if self.cancelled + self.shipped > self.quantity:
            raise ValueError(
                f"line {self.line_id}: cancelled {self.cancelled} + shipped {self.shipped}"
                f" exceed ordered {self.quantity}"
            )
        return self

    @property
    def open(self) -> int:
        """Quantity that is still to be shipped."""
        return self.quantity - self.cancelled - self.shipped


class ChargeKind(StrEnum):
    SHIPPING = "shipping"
    GIFT_WRAP = "gift_wrap"
    TIP = "tip"
    COD_FEE = "cod_fee"
    DUTY = "duty"
    ROUNDING = "rounding"
    OTHER = "other"


class Charge(Model):
    """What the buyer pays beside goods, for one line (`line_id`) or for the order."""

    kind: ChargeKind
    amount: Money
    line_id: str | None = None
    label: str = ""
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()


class Address(Model):
    name: str = ""
    company: str = ""
    lines: tuple[str, ...] = ()
    city: str = ""
    district: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    """ISO 3166-1 alpha-2."""
    phone: str = ""

    @property
    def missing(self) -> list[str]:
        """Fields without which no parcel can be addressed."""
        needed = {"lines": self.lines, "city": self.city, "country": self.country}
        return [field for field, value in needed.items() if not value]


class Buyer(Model):
    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""
    purchase_order: str = ""


class Parcel(Model):
    """A parcel the channel already knows of when the order is read."""

    parcel_id: str
    carrier: str = ""
    tracking: str = ""
    shipped_at: Moment | None = None
    quantities: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> quantity."""


class OrderRefund(Model):
    """Money that the channel has paid back to the buyer."""

    refund_id: str
    amount: Money
    """Positive, with tax."""
    at: Moment | None = None
    reason: str = ""
    quantities: dict[str, int] = Field(default_factory=dict)
    """Channel line id -> units given back or given up for it."""


class Totals(Model):
    """The sums of an order. `goods - discounts + shipping + other + seller_tax + channel_tax == total`.

    Goods and charges are without the taxes they may include, so that each cent is counted once.
    """

    goods: Money
    discounts: Money
    shipping: Money
    other: Money
    seller_tax: Money
    channel_tax: Money
    total: Money

    @property
    def computed(self) -> Money:
        return self.goods - self.discounts + self.shipping + self.other + self.seller_tax + self.channel_tax

    @property
    def difference(self) -> Money:
        """Stated total minus computed total: zero when the invariant holds."""
        return self.total - self.computed


class Order(Model):
    """One marketplace order in the field's own words."""

    schema_version: int = SCHEMA_VERSION
    key: OrderKey
    correlation_id: UUID | None = None
    """Born with the raw event; absent only on an order that was parsed outside capture."""
    raw_event_id: int | None = None
    purchased_at: Moment
    version: Moment
    """When the channel last changed the order: a smaller version never overwrites a greater one."""
    state: ChannelState
    fulfilled_by: FulfilmentSide = FulfilmentSide.MERCHANT
    currency: Currency
    lines: tuple[OrderLine, ...] = Field(min_length=1)
    charges: tuple[Charge, ...] = ()
    total: Money
    """What the channel says the buyer pays."""
    buyer_total: Money | None = None
    """The same in the buyer's own currency, where it differs from the ledger's."""
    buyer: Buyer = Buyer()
    ship_to: Address | None = None
    bill_to: Address | None = None
    service_level: str = "standard"
    ship_by: Moment | None = None
    deliver_by: Moment | None = None
    parcels: tuple[Parcel, ...] = ()
    refunds: tuple[OrderRefund, ...] = ()
    acknowledge_by: Moment | None = None
    """Until when the channel wants to hear that the seller takes the order; None where it does not ask, or knows."""
    cancel_requested: str | None = None
    """The buyer's reason, when the buyer asked for a cancellation that is not done yet."""
    cancel_reason: str | None = None
    test: bool = False
    replacement_of: str | None = None
    gift: bool = False
    region: str = ""
    """The channel's marketplace or storefront, e.g. Amazon's marketplace id."""
    extras: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_line_an_id(self) -> Self:
        ids = [line.line_id for line in self.lines]
        if len(set(ids)) != len(ids):
            raise ValueError(f"line ids are not unique: {ids}")
        return self

    @property
    def internal(self) -> bool:
        """True for an order of our own (an exchange, a replacement): no channel knows of it, and none is told."""
        return self.extras.get(INTERNAL) == "1"

    def is_news_to(self, known: Order) -> bool:
        """True when this says more than the known version of the same order.

        Some channels count whole seconds (Shopify's `updated_at`): of two versions of a second the further state wins.
        """
        return (self.version, _HOW_FAR[self.state]) > (known.version, _HOW_FAR[known.state])

    @property
    def totals(self) -> Totals:
        taxes = [tax for part in self._parts() for tax in part.taxes]
        shipping = [charge for charge in self.charges if charge.kind is ChargeKind.SHIPPING]
        other = [charge for charge in self.charges if charge.kind is not ChargeKind.SHIPPING]
        return Totals(
            goods=self._sum(line.goods for line in self.lines) - self._included(self.lines),
            discounts=self._sum(discount.amount for part in self._parts() for discount in part.discounts),
            shipping=self._sum(charge.amount for charge in shipping) - self._included(shipping),
            other=self._sum(charge.amount for charge in other) - self._included(other),
            seller_tax=self._sum(tax.amount for tax in taxes if tax.remitter is Remitter.SELLER),
            channel_tax=self._sum(tax.amount for tax in taxes if tax.remitter is Remitter.CHANNEL),
            total=self.total,
        )

    @property
    def receivable(self) -> Money:
        """What the channel owes the seller for this order before its fees: all but the tax it remits itself."""
        return self.total - self.totals.channel_tax

    def _parts(self) -> tuple[OrderLine | Charge, ...]:
        return (*self.lines, *self.charges)

    def _included(self, parts: Iterable[OrderLine | Charge]) -> Money:
        return self._sum(tax.amount for part in parts for tax in part.taxes if tax.included)

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return Money.total(amounts, self.currency)
