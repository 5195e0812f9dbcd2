"""Returns: asked for by buyers, decided and processed by the merchant."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.core import Sandbox
from sandbox.shopify_book import ACCOUNT, OrderBook
from sandbox.shopify_errors import UserError
from sandbox.shopify_hooks import Hooks
from sandbox.shopify_money import payments_of, rounded, to_shown
from sandbox.shopify_pages import number_of
from sandbox.shopify_refunds import Refunds, share_of
from sandbox.shopify_returns_view import hook_body

Document = dict[str, Any]
FIRST_RETURN_ID = 12_400_000_000
LIVING = ("REQUESTED", "OPEN", "CLOSED")


class Returns:
    def __init__(self, sandbox: Sandbox, book: OrderBook, refunds: Refunds, hooks: Hooks) -> None:
        self._ledger = sandbox.ledger
        self._book = book
        self._refunds = refunds
        self._hooks = hooks
        self._returns = sandbox.shelf.collection("shopify.returns")
        book.returned.update(each["order_id"] for each in self._returns.values())

    def get(self, return_id: str) -> Document | None:
        found: Document | None = self._returns.get(return_id)
        return found

    def of_order(self, order_id: str) -> list[Document]:
        if order_id not in self._book.returned:
            return []
        return [each for each in self._returns.values() if each["order_id"] == order_id]

    def request(self, wanted: Document) -> str:
        """`returnRequest`; returns the return's id. Raises `UserError`."""
        order_id = number_of(wanted["orderId"])
        order = self._book.get(order_id)
        if order is None:
            raise UserError("Order not found.", "input", "orderId", code="NOT_FOUND")
        rows = [self._line(order, row, index) for index, row in enumerate(wanted["returnLineItems"])]
        number = FIRST_RETURN_ID + self._book.number("return")
        count = len(self.of_order(order_id)) + 1
        found = {
            "id": str(number),
            "order_id": order_id,
            "name": f"{order.get('name') or '#'}-R{count}",
            "status": "REQUESTED",
            "lines": [{**row, "id": str(number * 10 + index)} for index, row in enumerate(rows)],
            "refunds": [],
            "decline": None,
            "approved_at": None,
            "closed_at": None,
        }
        self._book.returned.add(order_id)
        self._keep(found, "request")
        return str(number)

    def approve(self, return_id: str) -> str:
        found = self._in_state(return_id, "REQUESTED")
        found["status"] = "OPEN"
        found["tracking"] = {"carrierName": "DHL", "number": f"RET{return_id}"}
        self._keep(found, "approve", stamp="approved_at")
        return return_id

    def decline(self, return_id: str, reason: str, note: str | None) -> str:
        found = self._in_state(return_id, "REQUESTED")
        found.update(status="DECLINED", decline={"reason": reason, "note": note})
        self._keep(found, "decline")
        return return_id

    def close(self, return_id: str) -> str:
        found = self._in_state(return_id, "OPEN")
        found["status"] = "CLOSED"
        self._keep(found, "close", stamp="closed_at")
        return return_id

    def process(self, wanted: Document) -> str:
        """`returnProcess`: units are back, and paid back if the transfer says so. Raises `UserError`."""
        return_id = number_of(wanted["returnId"])
        found = self._in_state(return_id, "OPEN")
        lines = {line["id"]: line for line in found["lines"]}
        rows = [(number_of(row["id"]), row["quantity"]) for row in wanted.get("returnLineItems") or ()]
        for index, (name, units) in enumerate(rows):
            where = ("input", "returnLineItems", str(index))
            if name not in lines:
                raise UserError("Return line item not found.", *where, "id", code="NOT_FOUND")
            if not 0 < units <= lines[name]["quantity"] - lines[name]["processed"]:
                raise UserError("Quantity is not available to be processed.", *where, "quantity", code="INVALID")
        transfer = ((wanted.get("financialTransfer") or {}).get("issueRefund") or {}).get("orderTransactions") or ()
        if not rows and not transfer:
            raise UserError("Nothing to process.", "input", code="INVALID")
        amount = self._checked_transfer(found, transfer)
        for name, units in rows:
            lines[name]["processed"] += units
        if amount:
            self._pay_back(found, dict(rows), amount, wanted.get("note"))
        self._keep(found, "process")
        return return_id

    def outcome(self, return_id: str, rows: list[Document]) -> Document:
        """`suggestedFinancialOutcome`: what the units cost, as far as it can be paid back."""
        found = self._returns.get(return_id)
        assert found is not None
        order = self._book.get(found["order_id"])
        assert order is not None
        worth = self._worth(order, found, {number_of(row["id"]): row["quantity"] for row in rows})
        return {"order": order, "amount": min(worth, self._refunds.left(order))}

    def _worth(self, order: Document, found: Document, units: dict[str, int]) -> Decimal:
        total = Decimal(0)
        for line in found["lines"]:
            count = min(units.get(line["id"], 0), line["quantity"] - line["refunded"])
            sold = next(each for each in order["line_items"] if str(each["id"]) == line["line_item_id"])
            if count:
                total += self._refunds.worth(order, [share_of(order, sold, count, "return")])
        return rounded(total, order["currency"])

    def _checked_transfer(self, found: Document, transfer: Any) -> Decimal:
        """The sum in the buyer's currency."""
        order = self._book.get(found["order_id"])
        assert order is not None
        payments = {str(each["id"]) for each in payments_of(order)}
        if any(number_of(row["parentId"]) not in payments for row in transfer):
            raise UserError("Parent transaction not found.", "input", "financialTransfer", code="NOT_FOUND")
        total = sum((Decimal(str(row["transactionAmount"]["amount"])) for row in transfer), Decimal(0))
        if total > to_shown(order, self._refunds.left(order)):
            raise UserError("Refund exceeds what can be refunded.", "input", "financialTransfer", code="INVALID")
        return total

    def _pay_back(self, found: Document, rows: dict[str, int], amount: Decimal, note: str | None) -> None:
        """For the units of this call; in a call about money alone, for all that are back and not paid back."""
        order = self._book.get(found["order_id"])
        assert order is not None
        shares = []
        for line in found["lines"]:
            units = rows.get(line["id"], 0) if rows else line["processed"] - line["refunded"]
            sold = next(each for each in order["line_items"] if str(each["id"]) == line["line_item_id"])
            if units:
                shares.append(share_of(order, sold, units, "return"))
                line["refunded"] += units
        found["refunds"].append(self._refunds.make(order, shares, amount, note=note, return_id=found["id"]))

    def _line(self, order: Document, row: Document, index: int) -> Document:
        """A line of a request: units of a fulfilment line that are not on their way back already."""
        where = ("input", "returnLineItems", str(index))
        wanted = number_of(row["fulfillmentLineItemId"])
        for fulfilment in order.get("fulfillments") or ():
            for position, sent in enumerate(fulfilment.get("line_items") or ()):
                if f"{fulfilment['id']}{position}" == wanted:
                    taken = self._coming_back(str(order["id"]), wanted)
                    if not 0 < row["quantity"] <= sent["quantity"] - taken:
                        raise UserError("Quantity is not returnable.", *where, "quantity", code="INVALID")
                    return {
                        "fulfillment_line_item_id": wanted,
                        "line_item_id": str(sent["id"]),
                        "quantity": row["quantity"],
                        "processed": 0,
                        "refunded": 0,
                        "reason": row.get("returnReason") or "UNKNOWN",
                        "note": row.get("customerNote"),
                    }
        raise UserError("Fulfillment line item not found.", *where, "fulfillmentLineItemId", code="NOT_FOUND")

    def _coming_back(self, order_id: str, fulfilment_line: str) -> int:
        return sum(
            line["quantity"]
            for each in self.of_order(order_id)
            for line in each["lines"]
            if each["status"] in LIVING and line["fulfillment_line_item_id"] == fulfilment_line
        )

    def _in_state(self, return_id: str, wanted: str) -> Document:
        found = self._returns.get(return_id)
        if found is None:
            raise UserError("Return not found.", "input", "id", code="NOT_FOUND")
        if found["status"] != wanted:
            raise UserError(f"Return is {found['status'].lower()}.", "input", "id", code="INVALID_STATE")
        return dict(found)

    def _keep(self, found: Document, event: str, *, stamp: str = "") -> None:
        """A return changes its order: there is nothing else by which a reader could find it."""
        order = self._book.get(found["order_id"])
        assert order is not None
        self._book.save(order)
        found["updated_at"] = order["updated_at"]
        found.setdefault("created_at", order["updated_at"])
        if stamp:
            found[stamp] = order["updated_at"]
        self._returns.put(found["id"], found)
        key = f"shopify/{ACCOUNT}/{found['order_id']}"
        units = {line["line_item_id"]: line["quantity"] for line in found["lines"]}
        self._ledger.record("shopify", f"return_{PAST[event]}", key, id=found["id"], units=units)
        self._hooks.send(f"returns/{event}", hook_body(found), key=found["order_id"])


PAST = {
    "request": "requested",
    "approve": "approved",
    "decline": "declined",
    "process": "processed",
    "close": "closed",
}
