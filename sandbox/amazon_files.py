"""Finds order payloads in a file, whatever they are wrapped in, in the words of Orders 2026-01-01."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.amazon_answers import Payload
from sandbox.amazon_v0 import from_v0

DEEPEST = 12


def orders_in(path: Path) -> list[Payload]:
    """The orders of a file, verbatim; none when there are none.

    v0 orders are said in the words of 2026-01-01. Amazon answers their items by a call of its own, so these may lie in
    another file of the same folder.
    """
    document = _document(path)
    items = {**_items_beside(path.parent), **dict(_items_v0(document, 0))}
    return list(_orders(document, items, 0))


@cache
def _items_beside(folder: Path) -> dict[str, list[Payload]]:
    found = (pair for path in sorted(folder.glob("*.json")) for pair in _items_v0(_document(path), 0))
    return {order_id: items for order_id, items in found if order_id}


def _document(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _orders(value: Any, items: dict[str, list[Payload]], depth: int) -> Iterator[Payload]:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for element in value:
            yield from _orders(element, items, depth + 1)
    elif isinstance(value, dict) and "orderId" in value and {"orderItems", "salesChannel"} & set(value):
        yield value
    elif isinstance(value, dict) and "AmazonOrderId" in value and {"OrderStatus", "PurchaseDate"} & set(value):
        yield from_v0(value, items.get(str(value["AmazonOrderId"])) or items.get("") or [])
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _orders(inner, items, depth + 1)


def _items_v0(value: Any, depth: int) -> Iterator[tuple[str, list[Payload]]]:
    """v0 items by the order they name; under an empty name where they name none."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for element in value:
            yield from _items_v0(element, depth + 1)
    elif isinstance(value, dict):
        for name in ("OrderItems", "orderItems"):
            if isinstance(value.get(name), list) and "orderId" not in value:
                yield (
                    str(value.get("AmazonOrderId") or ""),
                    [item for item in value[name] if isinstance(item, dict)],
                )
        for inner in value.values():
            yield from _items_v0(inner, depth + 1)
