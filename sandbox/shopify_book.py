"""The shop's orders and how far they are: paid, fulfilled. Kept in REST shape."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.core import Sandbox
from sandbox.goods import ITEMS, SOLD

ACCOUNT = "main"
LOCATIONS = {"BER-1": 87_100_000_001, "LEJ-2": 87_100_000_002}
FIRST_FULFILMENT_ID = 5_300_000_000_000
FIRST_FULFILMENT_ORDER_ID = 7_400_000_000_000


def moment_of(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def now() -> datetime:
    """Shopify's clock counts whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


class OrderBook:
    """All orders, their fulfilment orders (one a location) and when each changed last."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._ledger = sandbox.ledger
        self._orders = sandbox.shelf.collection("shopify.orders")
        self._waiting = sandbox.shelf.collection("shopify.fulfillment_orders")
        self._hidden = sandbox.shelf.collection("shopify.unlisted")
        self._numbers = sandbox.shelf.collection("shopify.numbers")
        self._owners = {str(each["id"]): name for name in self._waiting for each in self._waiting.get(name) or ()}
        self._line_owners: dict[str, str] = {}
        self._refund_owners: dict[str, str] = {}
        for each in self._orders.values():
            self._index(each)
        self.returned: set[str] = set()
        """Orders that something of is coming back."""
        self.changed = {str(each["id"]): moment_of(each.get("updated_at")) for each in self._orders.values()}

    def add(self, order: dict[str, Any], *, listed: bool = True) -> None:
        """Keep a new order, or a newer version of one, as it is written."""
        order_id = str(order["id"])
        self.keep(order)
        if order_id not in self._waiting:
            self._waiting.put(order_id, list(self._split(order)))
            self._owners.update({str(each["id"]): order_id for each in self._waiting.get(order_id) or ()})
        if not listed:
            self._hidden.put(order_id, True)

    def get(self, order_id: str) -> dict[str, Any] | None:
        """A copy: change it, then `save` it."""
        return copy.deepcopy(self._orders.get(order_id))

    def listed(self) -> Iterator[tuple[datetime, str]]:
        """When each order that the search shows changed last, and its id."""
        rows = ((changed, order_id) for order_id, changed in self.changed.items() if order_id not in self._hidden)
        return ((changed, order_id) for changed, order_id in rows if changed)

    def unpaid(self) -> list[str]:
        """Ids of the listed orders that wait for their payment."""
        return [
            order_id
            for _, order_id in self.listed()
            if (order := self._orders.get(order_id))
            and order.get("financial_status") == "pending"
            and not order.get("cancelled_at")
        ]

    def fulfilment_orders(self, order_id: str) -> list[dict[str, Any]]:
        return copy.deepcopy(self._waiting.get(order_id) or [])

    def owner_of(self, fulfilment_order_id: str) -> str | None:
        """The order that a fulfilment order belongs to."""
        return self._owners.get(fulfilment_order_id)

    def owner_of_line(self, line_id: str) -> str | None:
        """The order that a line item belongs to."""
        return self._line_owners.get(line_id)

    def owner_of_refund(self, refund_id: str) -> str | None:
        """The order that a refund belongs to."""
        return self._refund_owners.get(refund_id)

    def number(self, name: str) -> int:
        """1, 2, 3 … for each name, also after a restart."""
        number = int(self._numbers.get(name) or 0) + 1
        self._numbers.put(name, number)
        return number

    def save(self, order: dict[str, Any]) -> None:
        """Keep a change of an order that `get` gave out."""
        self.touch(order)
        self.keep(order)

    def stop_waiting(self, order_id: str, units: dict[str, int]) -> None:
        """So many units of the order's lines are not to be shipped any more."""
        waiting = self.fulfilment_orders(order_id)
        left = dict(units)
        for each in waiting:
            for line in each["lines"]:
                taken = min(left.get(line["line_item_id"], 0), line["remaining"])
                line["remaining"] -= taken
                line["total"] -= taken
                left[line["line_item_id"]] = left.get(line["line_item_id"], 0) - taken
            if not any(line["remaining"] for line in each["lines"]):
                each["status"] = "CLOSED"
        self._waiting.put(order_id, waiting)

    def pay(self, order_id: str) -> dict[str, Any] | None:
        order = self.get(order_id)
        if order is None or order.get("financial_status") != "pending" or order.get("cancelled_at"):
            return None
        order["financial_status"] = "paid"
        self.save(order)
        return order

    def fulfil(
        self, order_id: str, units: dict[str, int], waiting: list[dict[str, Any]], tracking: dict[str, Any]
    ) -> dict[str, Any]:
        """A fulfilment of so many units of the order's lines. The caller has checked that they wait."""
        order = self._orders.get(order_id)
        assert order is not None
        order = copy.deepcopy(order)
        self.touch(order)
        fulfilment = self._fulfilment(order, units, tracking)
        order.setdefault("fulfillments", [])
        order["fulfillments"] = [*(order["fulfillments"] or []), fulfilment]
        self._count_shipped(order, units)
        self._waiting.put(order_id, waiting)
        self.keep(order)
        key = f"shopify/{ACCOUNT}/{order_id}"
        self._ledger.record(
            "shopify", "fulfillment_created", key, tracking=tracking.get("number"), units=units, id=fulfilment["id"]
        )
        return fulfilment

    def keep(self, order: dict[str, Any]) -> None:
        """As it is written; its `updated_at` says when it changed."""
        order_id = str(order["id"])
        self._orders.put(order_id, order)
        self._index(order)
        self.changed[order_id] = moment_of(order.get("updated_at"))

    def _index(self, order: dict[str, Any]) -> None:
        for name, owners in (("line_items", self._line_owners), ("refunds", self._refund_owners)):
            rows = order.get(name)
            for row in rows if isinstance(rows, list) else ():
                if isinstance(row, dict) and row.get("id"):
                    owners[str(row["id"])] = str(order["id"])

    def touch(self, order: dict[str, Any]) -> None:
        """A later `updated_at`, even within one second: a reader tells versions apart by it."""
        before = moment_of(order.get("updated_at"))
        moment = max(now(), before + timedelta(seconds=1)) if before else now()
        order["updated_at"] = moment.isoformat()

    def _fulfilment(self, order: dict[str, Any], units: dict[str, int], tracking: dict[str, Any]) -> dict[str, Any]:
        number = FIRST_FULFILMENT_ID + self.number("fulfillment")
        tracked = tracking.get("number") or next(iter(tracking.get("numbers") or []), None)
        sent = [line for line in order["line_items"] if str(line["id"]) in units]
        return {
            "id": number,
            "admin_graphql_api_id": f"gid://shopify/Fulfillment/{number}",
            "order_id": order["id"],
            "name": f"{order.get('name') or ''}.{len(order.get('fulfillments') or []) + 1}",
            "status": "success",
            "created_at": order["updated_at"],
            "updated_at": order["updated_at"],
            "tracking_company": tracking.get("company"),
            "tracking_number": tracked,
            "tracking_numbers": [tracked] if tracked else [],
            "line_items": [{**line, "quantity": units[str(line["id"])]} for line in sent],
        }

    def _count_shipped(self, order: dict[str, Any], units: dict[str, int]) -> None:
        for line in order["line_items"]:
            left = max(0, int(line.get("fulfillable_quantity", line["quantity"])) - units.get(str(line["id"]), 0))
            if str(line["id"]) in units:
                line["fulfillment_status"] = "partial" if left else "fulfilled"
            line["fulfillable_quantity"] = left
        order["fulfillment_status"] = fulfilment_status(order)

    def _split(self, order: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """One fulfilment order for each location that ships some of the lines; a single one where one has them all."""
        by_location: dict[str, list[dict[str, Any]]] = {}
        stated = order.get("line_items")
        lines = [line for line in stated if _is_shipped(line)] if isinstance(stated, list) else []
        everywhere = [name for name in LOCATIONS if all(name in _stocked_at(line) for line in lines)]
        for line in lines:
            by_location.setdefault((everywhere or _stocked_at(line))[0], []).append(line)
        for location, held in by_location.items():
            number = FIRST_FULFILMENT_ORDER_ID + self.number("fulfillment_order")
            rows = [_waiting_line(number * 100 + index, line) for index, line in enumerate(held)]
            yield {"id": number, "order_id": str(order["id"]), "location": location, "status": "OPEN", "lines": rows}


def fulfilment_status(order: dict[str, Any]) -> str | None:
    """`partial` while units wait, none while nothing has left."""
    if not order.get("fulfillments"):
        return None
    waiting = (line for line in order["line_items"] if line.get("requires_shipping", True))
    return "partial" if any(line.get("fulfillable_quantity", line["quantity"]) for line in waiting) else "fulfilled"


def _waiting_line(number: int, line: dict[str, Any]) -> dict[str, Any]:
    units = line.get("fulfillable_quantity", line.get("quantity"))
    units = units if isinstance(units, int) else 0
    return {"id": number, "line_item_id": str(line["id"]), "total": units, "remaining": units}


def _is_shipped(line: Any) -> bool:
    return isinstance(line, dict) and line.get("requires_shipping") is not False and bool(line.get("id"))


def _stocked_at(line: dict[str, Any]) -> list[str]:
    """The warehouses that stock everything the listing is made of."""
    listing = next((each for each in SOLD if each.sku == line.get("sku")), None)
    items = listing.components if listing else {}
    return [name for name in LOCATIONS if all(name in ITEMS[item] for item in items)]
