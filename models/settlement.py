"""Money that a channel paid out, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    labels: tuple[str, ...] = ()
    """The same one by one, in the places where the channel's rules look for them."""
    amount: Money
    order_id: str | None = None
    """The channel's order id."""
    line_id: str | None = None
    sku: str | None = None
    quantity: int | None = None
    marketplace: str = ""
    """Where one payout covers several (amazon.de, amazon.fr)."""
    posted_at: Moment | None = None


class SettlementKey(Model):
    """Identity of a settlement over all channels. Prints as `amazon/EU-DE/281`."""

    channel: str
    account: str
    settlement_id: str

    def __str__(self) -> str:
        return f"{self.channel}/{self.account}/{self.settlement_id}"

    @classmethod
    def from_string(cls, text: str) -> SettlementKey:
        channel, _, rest = text.partition("/")
        account, _, settlement_id = rest.partition("/")
        if not settlement_id:
            raise ValueError(f"{text!r} is not a settlement: write channel/account/settlement-id")
        return cls(channel=channel, account=account, settlement_id=settlement_id)


class Statement(Model):
    """What a document states about one payout in one currency, without its lines."""

    channel: str
    account: str
    settlement_id: str
    currency: Currency
    payout: Money
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    deposited_at: Moment | None = None
    where: str = ""
    """Where in the document the payout is stated."""

    @property
    def key(self) -> SettlementKey:
        return SettlementKey(channel=self.channel, account=self.account, settlement_id=self.settlement_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line as it is read, and which of the document's statements it belongs to."""

    settlement_id: str
    line: SettlementLine


Reading = Iterator[Statement | Entry]
"""A document, statement by statement and line by line, in any order. Each statement has its total and its lines."""


class Settlement(Statement):
    """One payout and its lines; the lines add up to the payout, or the document is refused whole."""

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
