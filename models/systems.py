"""What is asked of ERP, warehouse, tax, fraud and notification systems, and what they answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from models.base import Model, Moment
from models.catalogue import ComponentLine
from models.channel import RefundReason
from models.money import Amount, Currency, Money
from models.order import Order, OrderKey


class LedgerRate(Model):
    """What one unit of the order's currency is in the currency of the selling company's books, and since when."""

    currency: Currency
    rate: Amount = Field(gt=0)
    on: date

    def value_of(self, amount: Money) -> Money:
        """The amount in the books' currency, rounded to its minor unit."""
        return Money.rounded(amount.amount * Decimal(self.rate), self.currency)


class ErpOrder(Model):
    """A sales order to be posted: the canonical order with its items.

    Units that are cancelled before or after the posting stand in `order.lines[].cancelled`, as a cumulative count.
    """

    order: Order
    components: tuple[ComponentLine, ...]
    seller_tax: Money
    entity: str = ""
    """Legal entity that sells; empty for the ERP connection's own company."""
    ships_from: dict[str, str] = Field(default_factory=dict)
    """Node -> legal entity that ships from it, where it is not the entity that sells."""
    ledger: LedgerRate | None = None
    """Where the entity's books are kept in another currency than the order's."""
    revision: int = Field(default=0, ge=0)
    """0 as first posted; each later restatement of the same order has a higher one."""


class CreditNoteLine(Model):
    """What of an order line is credited. All amounts are positive or zero; discounts are deducted already."""

    line_id: str
    quantity: int = Field(default=0, ge=0)
    """Units taken back or given up; 0 when only money is credited."""
    goods: Money
    shipping: Money
    seller_tax: Money
    """Tax that the seller remits, on goods and shipping."""
    channel_tax: Money
    """Tax that the channel remits: recorded on its own account."""

    @property
    def total(self) -> Money:
        return self.goods + self.shipping + self.seller_tax + self.channel_tax


class CreditNote(Model):
    """A credit note for a return or a refund; its `note_id` is the external reference, so it is posted once."""

    note_id: str
    """E.g. `amazon/US-1/302-1#credit:R-1`."""
    order_key: OrderKey
    correlation_id: str
    issued_at: Moment
    lines: tuple[CreditNoteLine, ...] = Field(min_length=1)
    reason: RefundReason
    entity: str = ""

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        parts = (part for line in self.lines for part in (line.goods, line.shipping, line.seller_tax, line.channel_tax))
        if len(found := {part.currency for part in parts}) > 1:
            raise ValueError(f"credit note {self.note_id} mixes the currencies {', '.join(sorted(found))}")
        return self

    @property
    def total(self) -> Money:
        return Money.total((line.total for line in self.lines), self.lines[0].goods.currency)


class Condition(StrEnum):
    """What an inspection decides about goods that came back."""

    RESELL = "resell"
    """Back into stock that may be sold."""
    SCRAP = "scrap"
    """Received, credited, and written off."""
    REJECT = "reject"
    """Not what was sold, or damaged by the buyer: sent back or kept for the buyer, and not credited."""


class ReturnedItem(Model):
    line_id: str | None = None
    """The order's line; None for goods that no order is known for (a blind return)."""
    item: str
    quantity: int = Field(ge=1)
    condition: Condition


class ReturnReceipt(Model):
    """Goods that came back to a node, as inspected. `receipt_id` is the external reference."""

    receipt_id: str
    """E.g. `amazon/US-1/302-1#receipt:R-1-1`; unique for a parcel that came back."""
    order_key: OrderKey | None = None
    correlation_id: str
    node: str
    received_at: Moment
    items: tuple[ReturnedItem, ...] = Field(min_length=1)
    entity: str = ""


class ReleaseCancelled(Model):
    """A warehouse's answer to a request to stop: when confirmed, no unit leaves that has not left yet."""

    confirmed: bool
    reason: str = ""


class TaxQuote(Model):
    seller_tax: Money
    source: str
    """`avatax`, `rate_table` …"""
    document: str | None = None
    """Code of the recorded transaction, to be committed or voided."""
    degraded: bool = False
    """True when a fallback answered, because the engine was away."""


class FraudVerdict(Model):
    decision: str
    """`approve` or `review`."""
    score: int
    """0 (harmless) to 100."""
    source: str
    reasons: tuple[str, ...] = ()
    degraded: bool = False
    """True when a fallback answered, because the service was away."""


class Notice(Model):
    """A message to the buyer."""

    order_key: OrderKey
    correlation_id: str
    template: str
    notice_id: str
    """Idempotency key: one message a notice."""
    values: dict[str, str]
    at: Moment
