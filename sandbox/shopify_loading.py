"""Finds Shopify orders in a file of payloads, whatever wraps them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.shopify_book import moment_of

OF_AN_ORDER = frozenset({"line_items", "financial_status", "total_price", "total_price_set"})
NOT_OF_AN_ORDER = frozenset({"order_id", "invoice_url", "abandoned_checkout_url", "refund_line_items"})
WRAPPERS = ("response_body", "order", "orders", "data")
EARLIEST = datetime.min.replace(tzinfo=UTC)


def orders_of(path: Path) -> list[dict[str, Any]]:
    """REST-shaped orders of a file, oldest version first; none when it holds no such thing."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return []
    return sorted(_found(document), key=lambda order: moment_of(order.get("updated_at")) or EARLIEST)


def _found(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from _found(each)
    elif isinstance(value, dict):
        if len(OF_AN_ORDER & value.keys()) >= 2 and not NOT_OF_AN_ORDER & value.keys():
            yield value
            return
        for name in WRAPPERS:
            yield from _found(value.get(name))


def first_topic(order: dict[str, Any]) -> str:
    return "orders/cancelled" if order.get("cancelled_at") else "orders/create"


def next_topic(before: dict[str, Any], order: dict[str, Any]) -> str:
    """What Shopify would call the change from one version to the next."""
    if order.get("cancelled_at") and not before.get("cancelled_at"):
        return "orders/cancelled"
    if order.get("financial_status") == "paid" != before.get("financial_status"):
        return "orders/paid"
    return "orders/updated"
