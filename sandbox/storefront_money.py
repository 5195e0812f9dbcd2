"""What the buyer has paid of an order, and what of it has gone back."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from models.money import minor_unit

Document = dict[str, Any]


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(minor_unit(currency), rounding=ROUND_HALF_UP)


def text(amount: Decimal, currency: str) -> str:
    return str(rounded(amount, currency))


def total(rows: list[Document] | None) -> Decimal:
    return sum((Decimal(row["amount"]) for row in rows or ()), Decimal(0))


def paid_for(order: Document, line: Document) -> Decimal:
    """What the buyer has paid for the whole line."""
    taxes = Decimal(0) if order["prices_include_tax"] else total(line.get("taxes"))
    return Decimal(line["price"]) - total(line.get("discounts")) + taxes


def share(order: Document, line: Document, units: int) -> Decimal:
    """Of so many of the line's units, whole minor units."""
    return rounded(paid_for(order, line) * units / int(line["quantity"]), order["currency"])


def left(order: Document) -> Decimal:
    """What has not gone back yet."""
    return Decimal(order["total"]) - total(order.get("refunds"))


def withheld(order: Document) -> Decimal:
    """Tax that a marketplace collects, and therefore keeps."""
    parts = [*order["lines"], *(order.get("charges") or ())]
    rows = [tax for part in parts for tax in part.get("taxes") or () if tax["collected_by"] == "marketplace"]
    return total(rows)
