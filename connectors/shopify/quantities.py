"""How much of each line Shopify has already shipped or taken off, and the parcels it knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from connectors.errors import SchemaDrift
from connectors.shopify.node import Node
from models.order import Parcel

SHIPPED = ("success",)
"""Fulfilment statuses that mean goods have left; pending and open may still fail."""

RETURN = "return"
"""Restock type of units that came back after shipping: not cancelled."""


class Quantities:
    """Read once an order; asked for each line."""

    def __init__(self, order: Node) -> None:
        self.parcels = tuple(_parcels(order))
        self._cancelled_order = not order.at("cancelled_at").absent
        self._shipped: Counter[str] = Counter()
        for parcel in self.parcels:
            self._shipped.update(parcel.quantities)
        self._removed: Counter[str] = Counter()
        self._returned: Counter[str] = Counter()
        for line_id, units, restock in _refunded(order):
            self._removed[line_id] += units
            if restock == RETURN:
                self._returned[line_id] += units

    def shipped(self, line: Node, line_id: str, quantity: int) -> int:
        if not self.parcels and line.at("fulfillment_status").text() == "fulfilled":
            return quantity - self._cancelled(line, line_id, quantity, 0)
        return min(quantity, self._shipped[line_id])

    def cancelled(self, line: Node, line_id: str, quantity: int) -> int:
        """Units that will never be shipped."""
        shipped = self.shipped(line, line_id, quantity)
        if self._cancelled_order:
            return quantity - shipped
        return self._cancelled(line, line_id, quantity, shipped)

    def _cancelled(self, line: Node, line_id: str, quantity: int, shipped: int) -> int:
        current = line.at("current_quantity")
        removed = self._removed[line_id] if current.absent else quantity - current.count()
        unshipped = quantity - shipped
        still_open = line.at("unfulfilled_quantity", "fulfillable_quantity")
        # A refund "without restocking" does not say whether the unit had left; the open quantity does.
        room = unshipped if still_open.absent or shipped == 0 else unshipped - still_open.count()
        return max(0, min(removed - self._returned[line_id], room))


def _parcels(order: Node) -> Iterator[Parcel]:
    rows = list(order.at("fulfillments").objects())
    counted = order.at("fulfillments_count").at("count")
    if not counted.absent and counted.count() > len(rows):
        raise counted.drift("truncated", f"Only {len(rows)} fulfilments are here: read the rest of them.")
    for number, fulfilment in enumerate(rows, start=1):
        if fulfilment.at("status").text().lower() not in SHIPPED:
            continue
        tracking = next(fulfilment.at("tracking_info").objects(), fulfilment)
        yield Parcel(
            parcel_id=fulfilment.at("legacy_resource_id", "id").text().rsplit("/", 1)[-1] or str(number),
            carrier=tracking.at("company", "tracking_company").text(),
            tracking=tracking.at("number", "tracking_number").text(),
            shipped_at=moment_or_none(fulfilment.at("created_at")),
            quantities=dict(_units(fulfilment)),
        )


def _units(fulfilment: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    for row in fulfilment.at("fulfillment_line_items", "line_items").objects():
        line = row.at("line_item")
        line_id = (row if line.absent else line).at("id")
        if not line_id.absent and not row.at("quantity").absent:
            units[line_id.identity()] += row.at("quantity").count()
    return units


def _refunded(order: Node) -> Iterator[tuple[str, int, str]]:
    for refund in order.at("refunds").objects():
        for row in refund.at("refund_line_items").objects():
            line_id = row.at("line_item_id") if row.at("line_item").absent else row.at("line_item").at("id")
            if not line_id.absent and not row.at("quantity").absent:
                yield line_id.identity(), row.at("quantity").count(), row.at("restock_type").text().lower()


def moment_or_none(node: Node) -> datetime | None:
    """When a parcel left or money was paid back is good to know, and not needed."""
    try:
        return node.moment()
    except SchemaDrift:
        return None
