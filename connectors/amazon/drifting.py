"""What an order's payload holds that the contract of 2026-08-05 does not: fields, and words of no consequence.

Words that decide what happens (the status, who ships, who remits the tax) are refused by name where they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.amazon.documents import Found
from connectors.amazon.node import Node
from connectors.drift import MOST, known_fields, unknown_fields
from connectors.ports import Drift

FIELDS = known_fields(Path(__file__).with_name("fields.txt"))
_WRAPPED = frozenset(
    f"{wrapper}.*" for wrapper in ("order", "orders[]", "payload", "request", "response", "body", "address", "headers")
)
ENVELOPES = _WRAPPED | {
    "order", "orders", "payload", "request", "response", "body", "orderItems", "orderItems[].*", "OrderItems",
    "OrderItems[].*", "AmazonOrderId", "address", "headers", "status", "statusCode", "pagination",
    "pagination.nextToken", "lastUpdatedBefore", "createdBefore",
}  # fmt: skip
"""What orders are wrapped in: answers of the API, answers as they were recorded, and v0 orders with their parts."""
_ITEMS_V0 = ("OrderItems", "orderItems")


def _read_words() -> Mapping[str, frozenset[str]]:
    lines = known_fields(Path(__file__).with_name("values.txt"))
    pairs = (line.partition(": ") for line in lines)
    return {path: frozenset(words.split()) for path, _, words in pairs}


WORDS = _read_words()


def drift(root: Node, found: Found) -> tuple[Drift, ...]:
    """Each once, by its place in an order (`order.packages[].…`), however the order is wrapped."""
    return tuple(islice(dict.fromkeys(_all(root, found)), MOST))


def _all(root: Node, found: Found) -> Iterator[Drift]:
    orders = [node.value for node in found.orders]
    v0 = [node.value for node, _ in found.orders_v0]
    if orders or v0:
        yield from _of_envelope(root.value, [*orders, *v0])
    for value in orders:
        yield from _of_order({"order": value})
    for value in v0:
        bare = {name: inner for name, inner in value.items() if name not in _ITEMS_V0}
        yield from _of_order({"order": bare})
    for items in _items_v0(found) if v0 else ():
        yield from _of_order({"items": items})


def _of_envelope(value: Any, orders: list[Any]) -> Iterator[Drift]:
    """Only of a plain object around orders: an order that stands alone has no envelope."""
    if isinstance(value, dict) and not any(value is order for order in orders):
        yield from unknown_fields(value, ENVELOPES)


def _items_v0(found: Found) -> Iterator[Any]:
    holders = [*(node for pair in found.orders_v0 for node in pair), *found.items_v0]
    for holder in holders:
        for name in _ITEMS_V0:
            if isinstance(holder[name].value, list):
                yield holder[name].value


def _of_order(value: Any) -> Iterator[Drift]:
    yield from unknown_fields(value, FIELDS)
    yield from _unknown_words(value, "")


def _unknown_words(value: Any, path: str) -> Iterator[Drift]:
    if isinstance(value, list):
        for item in value:
            yield from _unknown_words(item, f"{path}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _unknown_words(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, str) and path in WORDS and value and value not in WORDS[path]:
        yield Drift(kind="unknown_value", path=path, value=value[:60])
