"""Order edits: an order as it stands, where Shopify has reduced its total and not the quantities of its lines.

Normally a removed unit stays in `quantity` and in the total, and is missing in `current_quantity`; then nothing has to
be done. This is the other reading, taken only where the stated one does not add up.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.errors import SchemaDrift
from connectors.shopify.node import Node
from models.money import Money

_AMOUNTS = ("price", "amount")


def as_edited(order: Node, currency: str) -> Node | None:
    """The order with each line at its current quantity; `None` when no unit was removed.

    Discounts and taxes of a line are stated for the ordered quantity: the removed units' share of them goes too.
    """
    rows = list(order.at("line_items").objects())
    edited = [_edited(line, currency) for line in rows]
    if all(after is line.value for after, line in zip(edited, rows, strict=True)):
        return None
    name = "lineItems" if order.camel else "line_items"
    return Node({**order.value, name: edited}, order.path, camel=order.camel)


def _edited(line: Node, currency: str) -> dict[str, Any]:
    stated: dict[str, Any] = line.value
    current = line.at("current_quantity")
    if current.absent or line.at("quantity").absent:
        return stated
    ordered, left = line.at("quantity").count(), current.count()
    if left >= ordered:
        return stated
    share = Decimal(left) / Decimal(ordered)
    lists = ("taxLines", "discountAllocations") if line.camel else ("tax_lines", "discount_allocations")
    scaled = {name: _scaled(stated[name], share, currency) for name in lists if isinstance(stated.get(name), list)}
    return {**stated, "quantity": left, **scaled}


def _scaled(value: Any, share: Decimal, currency: str, *, inside: bool = False) -> Any:
    """Every amount below, times the share, in minor units."""
    if isinstance(value, list):
        return [_scaled(each, share, currency, inside=inside) for each in value]
    if isinstance(value, dict):
        return {
            name: _scaled(each, share, currency, inside=name in _AMOUNTS or name.endswith(("_set", "Set")))
            for name, each in value.items()
        }
    return str(_part(value, share, currency)) if inside and _is_amount(value) else value


def _is_amount(value: Any) -> bool:
    try:
        Node(value).amount()
    except SchemaDrift:
        return False
    return True


def _part(value: Any, share: Decimal, currency: str) -> Decimal:
    return Money.rounded(Node(value).amount() * share, currency).amount
