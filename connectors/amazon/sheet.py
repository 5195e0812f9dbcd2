"""What an order or one of its items states about money, summed by type and by what the amount is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from connectors.amazon.node import Node
from models.money import Money
from models.order import ChargeKind

K = TypeVar("K")

ITEM, TAX, DISCOUNT = "ITEM", "TAX", "DISCOUNT"
DISCOUNT_TAX = "DISCOUNT_TAX"
"""Tax on discounts, which v0 states apart; not a type of Orders 2026-01-01."""
_NOT_A_CHARGE = frozenset({ITEM, TAX, DISCOUNT, DISCOUNT_TAX})

CHARGE_KINDS = {
    "SHIPPING": ChargeKind.SHIPPING,
    "GIFT_WRAP": ChargeKind.GIFT_WRAP,
    "COD_FEE": ChargeKind.COD_FEE,
    "DELIVERY_TIP": ChargeKind.TIP,
}
"""Breakdown types that the canonical order knows; any other is `other` under its own name."""


@dataclass(frozen=True)
class Sheet:
    """Amounts by type (`SHIPPING`), and by type and what they are on (`TAX` on `SHIPPING`)."""

    currency: str
    totals: Mapping[str, Money]
    details: Mapping[tuple[str, str], Money]

    @classmethod
    def read(cls, breakdowns: Node, currency: str) -> Sheet:
        """Read a `breakdowns` list. Raises `SchemaDrift` for an amount that is not money in the order's currency."""
        totals: dict[str, Money] = {}
        details: dict[tuple[str, str], Money] = {}
        for breakdown in breakdowns.each():
            kind = breakdown["type"].identifier()
            _add(totals, kind, _signed(kind, breakdown["subtotal"].money(currency)))
            for detail in breakdown["detailedBreakdowns"].each():
                if detail["value"]:
                    key = (kind, detail["subtype"].text())
                    _add(details, key, _signed(kind, detail["value"].money(currency)))
        return cls(currency, totals, details)

    def of(self, kind: str) -> Money:
        return self.totals.get(kind, Money.zero(self.currency))

    @property
    def charges(self) -> list[str]:
        return [kind for kind in self.totals if kind not in _NOT_A_CHARGE]

    def split(self, kind: str) -> dict[str, Money]:
        """TAX or DISCOUNT by what it is on: a charge that this sheet has, or else the goods (`ITEM`)."""
        parts = {on: amount for (of, on), amount in self.details.items() if of == kind and on in self.charges}
        return {**parts, ITEM: self.of(kind) - Money.total(parts.values(), self.currency)}


def _add(sums: dict[K, Money], key: K, amount: Money) -> None:
    sums[key] = sums[key] + amount if key in sums else amount


def _signed(kind: str, amount: Money) -> Money:
    """Discounts are stated with either sign, and always lower the price."""
    return -amount if kind == DISCOUNT and amount.amount < 0 else amount
