"""Money that a channel paid out, line by line."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from models.base import Model, Moment
from models.money import Currency, Money
from models.order import OrderKey


class LineType(StrEnum):
    GOODS = "goods"
    SHIPPING = "shipping"
    GIFT_WRAP = "gift_wrap"
    TAX = "tax"
    TAX_WITHHELD = "tax_withheld"
    """Tax that the channel collected, and keeps because it remits it."""
    PROMOTION = "promotion"
    SALE = "sale"
    """Goods, shipping and tax in one amount, where the channel does not split them (a card charge)."""
    COMMISSION = "commission"
    FEE = "fee"
    REFUND = "refund"
    RESERVE = "reserve"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    UNKNOWN = "unknown"
    """A label no rule knows: always a named residual, never a guess."""


RECEIVABLE = frozenset(
    {
        LineType.GOODS,
        LineType.SHIPPING,
        LineType.GIFT_WRAP,
        LineType.TAX,
        LineType.TAX_WITHHELD,
        LineType.PROMOTION,
        LineType.SALE,
    }
)
"""Types that together settle what the buyer paid; the rest are the channel's costs and movements."""


class SettlementLine(Model):
    number: int = Field(ge=1)
    """Position in the document, from 1: line and settlement identify it for ever."""
    type: LineType
    label: str
    """The channel's own words, e.g. `Order / ItemPrice / Principal`."""
    amount: Money
    order_id: str | None = None
    """The channel's order id."""
    line_id: str | None = None
    sku: str | None = None
    quantity: int | None = None
    posted_at: Moment | None = None


class Settlement(Model):
    """One payout and its lines; the lines add up to the payout, or the document is refused whole."""

    channel: str
    account: str
    settlement_id: str
    currency: Currency
    payout: Money
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    deposited_at: Moment | None = None
    lines: tuple[SettlementLine, ...]

    @property
    def lines_total(self) -> Money:
        return Money.total((line.amount for line in self.lines), self.currency)


class OrderMoney(Model):
    """What one settlement pays for one order; sent to the order's workflow."""

    order_key: OrderKey
    settlement_id: str
    received: Money
    """Sum of the receivable lines (goods, shipping, tax, promotions)."""
    fees: Money
    """Sum of commission and fees; negative when the channel charges them."""
    refunds: Money


class SettlementResult(Model):
    """Σ matched + Σ residual = payout, to the cent."""

    channel: str
    account: str
    settlement_id: str
    payout: Money
    matched: Money
    residual: Money
    residuals: dict[str, Money] = Field(default_factory=dict)
    """Each residual by name: the channel's label, or why an order's line did not match."""
    orders: int = 0
    lines: int = 0
