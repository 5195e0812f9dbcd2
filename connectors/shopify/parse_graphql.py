"""What is special about an order in GraphQL's shape: pages within it, which have to be complete before it is parsed.

Names and nesting are `Node`'s business (`line_items` finds `lineItems { nodes }`), so one reader serves both shapes.
"""

from __future__ import annotations

from typing import Any

UNTOUCHED = frozenset({"UNFULFILLED", "SCHEDULED", "ON_HOLD", "OPEN"})
UNREFUNDED = frozenset({"PAID", "AUTHORIZED", "PENDING", "EXPIRED", "PARTIALLY_PAID"})


def needs_history(order: dict[str, Any]) -> bool:
    """True when fulfilments or refunds may say more than the order's head, which a page of orders is read with."""
    lines = order.get("lineItems", {}).get("nodes", ())
    return (
        order.get("displayFulfillmentStatus") not in UNTOUCHED
        or order.get("displayFinancialStatus") not in UNREFUNDED
        or any(line.get("currentQuantity") != line.get("quantity") for line in lines)
    )


def next_lines(order: dict[str, Any]) -> str | None:
    """Cursor of the lines that are not in this document yet; `None` when all are."""
    page = order.get("lineItems", {}).get("pageInfo", {})
    return page.get("endCursor") if page.get("hasNextPage") else None


def with_more_lines(order: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """The order with the next page of its lines appended."""
    nodes = [*order["lineItems"]["nodes"], *more["lineItems"]["nodes"]]
    return {**order, "lineItems": {"pageInfo": more["lineItems"]["pageInfo"], "nodes": nodes}}
