"""Finds purchase orders in a file of payloads, whatever wraps them, in the shape of the US JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.walmart_answers import Payload

DEEPEST = 12


def orders_in(path: Path) -> list[Payload]:
    """The orders of a file, verbatim; none when there are none that this server could show and change."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return list(_orders(document, 0))


def _orders(value: Any, depth: int) -> Iterator[Payload]:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for element in value:
            yield from _orders(element, depth + 1)
    elif isinstance(value, dict) and _is_an_order(value):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _orders(inner, depth + 1)


def _is_an_order(value: Payload) -> bool:
    """With lines whose statuses and charges are where the US has them, and units that can be counted."""
    try:
        lines = value["orderLines"]["orderLine"]
        statuses = [status for line in lines for status in line["orderLineStatuses"]["orderLineStatus"]]
        amounts = [line["orderLineQuantity"]["amount"] for line in lines]
        amounts += [status["statusQuantity"]["amount"] for status in statuses]
        charges = [charge["chargeAmount"]["amount"] for line in lines for charge in line["charges"]["charge"]]
        places = value["shippingInfo"]["postalAddress"]
    except (KeyError, TypeError):
        return False
    plain = all(str(amount).isdecimal() for amount in amounts) and all(isinstance(c, int | float) for c in charges)
    return bool(value.get("purchaseOrderId") and lines and plain and isinstance(places, dict))
