"""Order edits: a session that lowers quantities, and is committed or forgotten."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.core import Sandbox
from sandbox.shopify_book import ACCOUNT, OrderBook, fulfilment_status
from sandbox.shopify_errors import UserError
from sandbox.shopify_hooks import Hooks
from sandbox.shopify_pages import connection, gid
from sandbox.shopify_refunds import Refunds, Share, current, fulfillable, share_of
from sandbox.shopify_stock import Inventory

Document = dict[str, Any]
FIRST_EDIT_ID = 780_000_000_000


class Editing:
    """Quantities can be lowered here, down to what has left; Shopify can raise them as well."""

    def __init__(self, sandbox: Sandbox, book: OrderBook, refunds: Refunds, hooks: Hooks, inventory: Inventory) -> None:
        self._ledger = sandbox.ledger
        self._book = book
        self._refunds = refunds
        self._hooks = hooks
        self._inventory = inventory
        self._edits = sandbox.shelf.collection("shopify.order_edits")

    def begin(self, order_id: str) -> str:
        """`orderEditBegin`; returns the edit's id. Raises `UserError`."""
        order = self._book.get(order_id)
        if order is None:
            raise UserError("The order does not exist.", "id")
        if order.get("cancelled_at"):
            raise UserError("The order cannot be edited.", "id")
        number = str(FIRST_EDIT_ID + self._book.number("order_edit"))
        self._edits.put(number, {"id": number, "order_id": order_id, "quantities": {}, "restock": {}, "open": True})
        return number

    def set_quantity(self, edit_id: str, line_id: str, quantity: int, *, restock: bool) -> str:
        """`orderEditSetQuantity`: the line's new quantity, staged. Raises `UserError`."""
        edit, order = self._open(edit_id)
        line = next((each for each in order["line_items"] if str(each["id"]) == line_id), None)
        if line is None:
            raise UserError("The line item does not exist.", "lineItemId")
        if not current(line) - fulfillable(line) <= quantity <= current(line):
            raise UserError("The quantity cannot be set below what is fulfilled, or raised here.", "quantity")
        edit["quantities"][line_id] = quantity
        edit["restock"][line_id] = restock
        self._edits.put(edit_id, edit)
        return edit_id

    def commit(self, edit_id: str) -> str:
        """`orderEditCommit`; returns the order's id. Raises `UserError`."""
        edit, order = self._open(edit_id)
        lines = {str(line["id"]): line for line in order["line_items"]}
        removed = {name: current(lines[name]) - quantity for name, quantity in edit["quantities"].items()}
        removed = {name: units for name, units in removed.items() if units}
        if not removed:
            raise UserError("There must be at least one change to be made.", "id")
        shares = [share_of(order, lines[name], units, "cancel") for name, units in removed.items()]
        self._lower(order, shares, edit)
        self._book.stop_waiting(edit["order_id"], removed)
        self._book.save(order)
        self._edits.put(edit_id, {**edit, "open": False})
        self._tell(edit, order, removed)
        return str(edit["order_id"])

    def order_of(self, edit_id: str) -> str:
        return str((self._edits.get(edit_id) or {})["order_id"])

    def calculated_view(self, edit_id: str) -> Document:
        edit = self._edits.get(edit_id) or {}
        order = self._book.get(edit["order_id"]) or {}
        return {
            "__typename": "CalculatedOrder",
            "id": gid("CalculatedOrder", edit_id),
            "lineItems": connection([self.line_view(edit_id, str(line["id"])) for line in order["line_items"]]),
        }

    def line_view(self, edit_id: str, line_id: str) -> Document:
        edit = self._edits.get(edit_id) or {}
        order = self._book.get(edit["order_id"]) or {}
        line = next(each for each in order["line_items"] if str(each["id"]) == line_id)
        quantity = edit["quantities"].get(line_id, current(line))
        return {
            "id": gid("CalculatedLineItem", line_id),
            "sku": line.get("sku"),
            "title": line.get("title") or "",
            "quantity": quantity,
            "editableQuantity": quantity - current(line) + fulfillable(line),
        }

    def _open(self, edit_id: str) -> tuple[Document, Document]:
        edit = self._edits.get(edit_id)
        order = self._book.get(edit["order_id"]) if edit and edit["open"] else None
        if edit is None or order is None:
            raise UserError("The calculated order does not exist.", "id")
        return edit, order

    def _lower(self, order: Document, shares: list[Share], edit: Document) -> None:
        before = Decimal(str(order.get("current_total_price") or order["total_price"]))
        worth = self._refunds.worth(order, shares)
        for share in shares:
            line = share.line
            line["current_quantity"] = current(line) - share.units
            line["fulfillable_quantity"] = fulfillable(line) - share.units
            if edit["restock"].get(str(line["id"])):
                self._inventory.give_back(str(line.get("sku") or ""), share.units)
        order["current_total_price"] = f"{before - worth:.2f}"
        order.pop("current_total_price_set", None)
        order["fulfillment_status"] = fulfilment_status(order)

    def _tell(self, edit: Document, order: Document, removed: dict[str, int]) -> None:
        """The webhook has the edit, not the order."""
        order_id = edit["order_id"]
        told = {
            "id": int(edit["id"]),
            "order_id": int(order_id),
            "app_id": None,
            "user_id": None,
            "notify_customer": False,
            "staff_note": None,
            "created_at": order["updated_at"],
            "committed_at": order["updated_at"],
            "line_items": {
                "additions": [],
                "removals": [{"id": int(name), "delta": units} for name, units in removed.items()],
            },
        }
        self._ledger.record("shopify", "order_edited", f"shopify/{ACCOUNT}/{order_id}", removed=removed)
        self._hooks.send("orders/edited", {"order_edit": told}, key=order_id)
