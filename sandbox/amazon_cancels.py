"""What a cancellation does to an order: of the whole, or of some units of it."""

from __future__ import annotations

from sandbox.amazon_answers import Payload
from sandbox.amazon_prices import scale


def cancel_all(order: Payload, execution: Payload) -> None:
    """Nothing of it will come; what it would have cost stays in it, as Amazon leaves it."""
    order["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
    for item in order["orderItems"]:
        item.setdefault("fulfillment", {}).update(quantityFulfilled=0, quantityUnfulfilled=0)
        _execute(item, execution)


def cancel_units(order: Payload, units: dict[str, int], execution: Payload) -> None:
    """Fewer units will come, and only those that do cost anything."""
    for item in order["orderItems"]:
        count = units.get(item["orderItemId"], 0)
        if count:
            shipped, left = counts(item)
            scale(order, item, shipped + left - count, shipped + left)
            item["fulfillment"].update(quantityFulfilled=shipped, quantityUnfulfilled=left - count)
            if left == count:
                _execute(item, execution)
    order["fulfillment"]["fulfillmentStatus"] = status(order)


def counts(item: Payload) -> tuple[int, int]:
    """Shipped units and units left to ship."""
    stated = item.setdefault("fulfillment", {})
    shipped = stated.get("quantityFulfilled", 0)
    return shipped, stated.get("quantityUnfulfilled", item["quantityOrdered"] - shipped)


def status(order: Payload) -> str:
    pairs = [counts(item) for item in order["orderItems"]]
    if any(left for _, left in pairs):
        return "PARTIALLY_SHIPPED" if any(shipped for shipped, _ in pairs) else "UNSHIPPED"
    return "SHIPPED" if any(shipped for shipped, _ in pairs) else "CANCELLED"


def _execute(item: Payload, execution: Payload) -> None:
    item["cancellation"] = {**item.get("cancellation", {}), "cancellationExecution": execution}
