"""`fulfillmentCreate`: what Shopify checks before goods count as shipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.shopify_book import OrderBook
from sandbox.shopify_errors import UserError
from sandbox.shopify_pages import number_of
from sandbox.shopify_view import order_view

Document = dict[str, Any]
WHERE = ("fulfillment", "lineItemsByFulfillmentOrder")
FULFILLABLE = ("OPEN", "IN_PROGRESS", "INCOMPLETE")


class Fulfilling:
    def __init__(self, book: OrderBook, shipped: Callable[[str], None]) -> None:
        """`shipped`: hears of an order when all of it has left."""
        self._book = book
        self._shipped = shipped

    def create(self, wanted: Document) -> Document:
        """The payload: the fulfilment, or user errors and no effect."""
        try:
            return {"fulfillment": self._created(wanted), "userErrors": []}
        except UserError as error:
            return {"fulfillment": None, "userErrors": [error.shown()]}

    def _created(self, wanted: Document) -> Document:
        groups = wanted["lineItemsByFulfillmentOrder"]
        numbers = [number_of(group["fulfillmentOrderId"]) for group in groups]
        order_id = self._one_order(numbers)
        waiting = self._book.fulfilment_orders(order_id)
        chosen = [next(each for each in waiting if str(each["id"]) == number) for number in numbers]
        if len({each["location"] for each in chosen}) > 1:
            raise UserError(
                "Fulfillment orders must be assigned to the same location.",
                *WHERE,
            )
        units: dict[str, int] = {}
        for group, held in zip(groups, chosen, strict=True):
            _take(held, group.get("fulfillmentOrderLineItems"), units)
        fulfilment = self._book.fulfil(order_id, units, waiting, wanted.get("trackingInfo") or {})
        order = self._book.get(order_id) or {}
        if order.get("fulfillment_status") == "fulfilled":
            self._shipped(order_id)
        views = order_view(order, waiting)["fulfillments"](None)
        return next(view for view in views if view["legacyResourceId"] == str(fulfilment["id"]))

    def _one_order(self, numbers: list[str]) -> str:
        owners = {self._book.owner_of(number) for number in numbers}
        if None in owners or not owners:
            raise UserError("Fulfillment order does not exist.", *WHERE)
        if len(owners) > 1:
            raise UserError("All fulfillment orders must belong to the same order.", *WHERE)
        return str(owners.pop())


def _take(held: Document, rows: list[Document] | None, units: dict[str, int]) -> None:
    """Move units from a fulfilment order to the fulfilment; without rows, all that remains."""
    if held["status"] not in FULFILLABLE:
        raise UserError(f"Fulfillment order {held['id']} has an unfulfillable status= {held['status'].lower()}.")
    by_id = {str(line["id"]): line for line in held["lines"]}
    wanted = [(number_of(row["id"]), row["quantity"]) for row in rows or ()] or [
        (str(line["id"]), line["remaining"]) for line in held["lines"] if line["remaining"]
    ]
    for number, quantity in wanted:
        line = by_id.get(number)
        if line is None or not 0 < quantity <= line["remaining"]:
            raise UserError("Invalid fulfillment order line item quantity requested.")
        line["remaining"] -= quantity
        units[line["line_item_id"]] = units.get(line["line_item_id"], 0) + quantity
    held["status"] = "IN_PROGRESS" if any(line["remaining"] for line in held["lines"]) else "CLOSED"
