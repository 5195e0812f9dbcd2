"""Amounts as Shopify writes them: decimal strings, in shop and presentment currency."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from models.money import minor_unit


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_EVEN)


class Purse:
    """The currencies of one order."""

    def __init__(self, currency: str, presentment: str | None = None, rate: Decimal = Decimal(1)) -> None:
        self.currency = currency
        self.presentment = presentment or currency
        self._rate = rate

    def text(self, amount: Decimal) -> str:
        """With two decimals, also for currencies that have none (`"1200.00"` JPY)."""
        return f"{amount:.2f}"

    def bag(self, amount: Decimal) -> dict[str, Any]:
        shown = rounded(amount * self._rate, self.presentment)
        return {
            "shop_money": {"amount": self.text(amount), "currency_code": self.currency},
            "presentment_money": {"amount": self.text(shown), "currency_code": self.presentment},
        }

    def both(self, name: str, amount: Decimal) -> dict[str, Any]:
        """A plain field and its `_set`."""
        return {name: self.text(amount), f"{name}_set": self.bag(amount)}
