"""Plans which fulfilment orders a parcel fulfils. Shopify ships fulfilment orders, one per location, not orders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from connectors.errors import Declined
from connectors.shopify.node import Node
from models.fulfilment import ConfirmedParcel

SHIPPABLE = frozenset({"open", "in_progress", "incomplete"})
FAILED = frozenset({"cancelled", "error", "failure"})


@dataclass(frozen=True)
class OpenLine:
    """Units of an order line that wait at a location."""

    fulfilment_order: str
    line: str
    line_item: str
    remaining: int
    location: str
    shippable: bool


def already_told(order: Node, parcel: ConfirmedParcel) -> Counter[str]:
    """Units that fulfilments with this parcel's tracking number already carry.

    A parcel without a tracking number is recognised by a fulfilment without one that carries exactly its units.
    """
    told: Counter[str] = Counter()
    for fulfilment in order.at("fulfillments").objects():
        if fulfilment.at("status").text().lower() in FAILED:
            continue
        units = _units(fulfilment)
        number = next((info.at("number").text() for info in fulfilment.at("tracking_info").objects()), "")
        if number == parcel.tracking and (number or units == parcel.units):
            told.update(units)
    return told


def _units(fulfilment: Node) -> Counter[str]:
    units: Counter[str] = Counter()
    for row in fulfilment.at("fulfillment_line_items").objects():
        units[row.at("line_item").at("id").identity()] += row.at("quantity").count()
    return units


def open_lines(order: Node) -> list[OpenLine]:
    return [
        OpenLine(
            fulfilment_order=waiting.at("id").text(),
            line=line.at("id").text(),
            line_item=line.at("line_item").at("id").identity(),
            remaining=line.at("remaining_quantity").count(),
            location=waiting.at("assigned_location").at("location").at("id").text(),
            shippable=waiting.at("status").text().lower() in SHIPPABLE,
        )
        for waiting in order.at("fulfillment_orders").objects()
        for line in waiting.at("line_items").objects()
    ]


def batches(lines: list[OpenLine], units: dict[str, int]) -> list[list[dict[str, Any]]]:
    """One `lineItemsByFulfillmentOrder` a location. Raises `Declined` (`on_hold`, `over_fulfilment`)."""
    by_location: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for line_item, wanted in units.items():
        for line, quantity in _taken(lines, line_item, wanted):
            orders = by_location.setdefault(line.location, {})
            orders.setdefault(line.fulfilment_order, []).append({"id": line.line, "quantity": quantity})
    return [
        [{"fulfillmentOrderId": name, "fulfillmentOrderLineItems": rows} for name, rows in orders.items()]
        for orders in by_location.values()
    ]


def _taken(lines: list[OpenLine], line_item: str, wanted: int) -> list[tuple[OpenLine, int]]:
    taken: list[tuple[OpenLine, int]] = []
    missing = wanted
    for line in lines:
        quantity = min(missing, line.remaining) if line.shippable and line.line_item == line_item else 0
        if quantity:
            taken.append((line, quantity))
            missing -= quantity
    if missing:
        raise _short(lines, line_item, wanted, wanted - missing)
    return taken


def _short(lines: list[OpenLine], line_item: str, wanted: int, found: int) -> Declined:
    held = sum(line.remaining for line in lines if line.line_item == line_item and not line.shippable)
    field = f"line_items.{line_item}"
    if found + held >= wanted:
        message = (
            f"line {line_item}: {held} units are on hold or scheduled at Shopify; release them, then confirm again"
        )
        return Declined(message, code="on_hold", field=field)
    message = f"line {line_item}: {wanted} units shipped, Shopify has {found} left to fulfil"
    return Declined(message, code="over_fulfilment", field=field)
