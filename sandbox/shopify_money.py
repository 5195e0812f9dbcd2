"""Amounts as Shopify writes them: decimal strings, in shop and presentment currency."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from models.money import minor_unit

FIRST_PAYMENT = 1_000_000_000_000
"""Added to an order's id, gives its payment's."""


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


def received(order: dict[str, Any]) -> Decimal:
    """What the buyer has paid, in the shop's currency."""
    return sum((Decimal(payment["shop_amount"]) for payment in payments_of(order)), Decimal(0))


def payments_of(order: dict[str, Any]) -> list[dict[str, Any]]:
    """The payments of an order; Shopify's REST resource does not show them with it. None while nothing was captured."""
    if order.get("financial_status") not in ("paid", "partially_refunded", "refunded"):
        return []
    gateways = order.get("payment_gateway_names") or ["shopify_payments"]
    shop = Decimal(str(order["total_price"]))
    return [
        {
            "id": int(order["id"]) + FIRST_PAYMENT,
            "kind": "sale",
            "status": "success",
            "gateway": gateways[0],
            "shop_amount": str(shop),
            "amount": str(to_shown(order, shop)),
            "created_at": order.get("processed_at") or order.get("created_at"),
            "error_code": None,
        }
    ]


def refunded(order: dict[str, Any]) -> Decimal:
    """What the buyer has been paid back, in the shop's currency."""
    refunds = order.get("refunds") or ()
    return sum((paid_back(refund, included=bool(order.get("taxes_included"))) for refund in refunds), Decimal(0))


def paid_back(refund: dict[str, Any], *, included: bool) -> Decimal:
    """What its parts say in the shop's currency; nothing when no money has moved."""
    if not any(each.get("status") == "success" for each in refund.get("transactions") or ()):
        return Decimal(0)
    names = ("subtotal_set",) if included else ("subtotal_set", "total_tax_set")
    lines = [row[name] for row in refund.get("refund_line_items") or () for name in names if name in row]
    shipping = [row["subtotal_amount_set"] for row in refund.get("refund_shipping_lines") or ()]
    off = [row["amount_set"] for row in refund.get("order_adjustments") or () if "amount_set" in row]
    return _sum(lines) + _sum(shipping) - _sum(off)


def _sum(bags: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(bag["shop_money"]["amount"])) for bag in bags), Decimal(0))


def to_shown(order: dict[str, Any], amount: Decimal) -> Decimal:
    """An amount of the shop's currency in the buyer's, at the order's rate."""
    shop, shown, currency = _rate(order)
    return amount if shop == shown or not shop else rounded(amount * shown / shop, currency)


def to_shop(order: dict[str, Any], amount: Decimal, *, most: Decimal | None = None) -> Decimal:
    """And back; all that is left in the one currency is all that is left in the other."""
    shop, shown, _ = _rate(order)
    if most is not None and amount == to_shown(order, most):
        return most
    return amount if shop == shown or not shown else rounded(amount * shop / shown, order["currency"])


def _rate(order: dict[str, Any]) -> tuple[Decimal, Decimal, str]:
    total = Decimal(str(order["total_price"]))
    shown = (order.get("total_price_set") or {}).get("presentment_money")
    if not shown or shown["currency_code"] == order["currency"]:
        return total, total, order["currency"]
    return total, Decimal(str(shown["amount"])), shown["currency_code"]
