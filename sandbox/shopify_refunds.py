"""Refunds: what Shopify suggests, what it checks, and what a refund does to an order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.core import Sandbox
from sandbox.shopify_book import ACCOUNT, OrderBook, fulfilment_status
from sandbox.shopify_errors import UserError
from sandbox.shopify_hooks import Hooks
from sandbox.shopify_money import payments_of, received, refunded, rounded, to_shop, to_shown
from sandbox.shopify_pages import number_of
from sandbox.shopify_stock import Inventory

Document = dict[str, Any]
FIRST_REFUND_ID = 950_000_000_000
ZERO = Decimal(0)


@dataclass(frozen=True)
class Share:
    """What units of a line cost: after discounts, and the tax on them."""

    line: Document
    units: int
    restock: str
    subtotal: Decimal
    tax: Decimal


class Refunds:
    def __init__(self, sandbox: Sandbox, book: OrderBook, hooks: Hooks, inventory: Inventory) -> None:
        self._ledger = sandbox.ledger
        self._book = book
        self._hooks = hooks
        self._inventory = inventory

    def left(self, order: Document) -> Decimal:
        """What can still be paid back, in the shop's currency."""
        return received(order) - refunded(order)

    def worth(self, order: Document, shares: list[Share]) -> Decimal:
        taxes = ZERO if order.get("taxes_included") else sum((share.tax for share in shares), ZERO)
        return sum((share.subtotal for share in shares), ZERO) + taxes

    def create(self, wanted: Document) -> str:
        """`refundCreate`; returns the refund's id. Raises `UserError`."""
        order = self._book.get(number_of(wanted["orderId"]))
        if order is None:
            raise UserError("Order does not exist", "orderId")
        shares = [checked_share(order, row, index) for index, row in enumerate(wanted.get("refundLineItems") or ())]
        paid = self._checked_money(order, wanted)
        shipping = Decimal(str((wanted.get("shipping") or {}).get("amount") or 0))
        if not shares and not paid and not shipping:
            raise UserError("Refund must have at least one line item, a shipping amount or a transaction")
        return self.make(order, shares, paid, note=wanted.get("note"), shipping=to_shop(order, shipping))

    def make(
        self,
        order: Document,
        shares: list[Share],
        paid: Decimal,
        *,
        note: str | None,
        shipping: Decimal = ZERO,
        return_id: str | None = None,
        told: bool = True,
    ) -> str:
        """Pay back (in the buyer's currency) and take units off. The caller has checked that it may be."""
        order_id = str(order["id"])
        number = FIRST_REFUND_ID + self._book.number("refund")
        refund = self._document(order, number, shares, paid, shipping)
        refund.update(note=note, **({"return": {"id": int(return_id)}} if return_id else {"return": None}))
        self._take_off(order, shares)
        order["refunds"] = [*(order.get("refunds") or ()), refund]
        _settle_status(order)
        self._book.touch(order)
        refund["created_at"] = refund["processed_at"] = order["updated_at"]
        self._book.keep(order)
        self._record(order_id, refund, shares)
        if told:
            self._hooks.send("refunds/create", refund, key=order_id)
        return str(number)

    def _checked_money(self, order: Document, wanted: Document) -> Decimal:
        """The sum of the transactions in the buyer's currency."""
        rows = wanted.get("transactions") or ()
        shown = order.get("presentment_currency") or order["currency"]
        if rows and wanted.get("currency") not in (None, shown):
            raise UserError(f"Currency must be {shown}", "currency")
        if shown != order["currency"] and rows and not wanted.get("currency"):
            raise UserError("Currency is required for orders in more than one currency", "currency")
        payments = {str(each["id"]) for each in payments_of(order)}
        for index, row in enumerate(rows):
            amount = Decimal(str(row["amount"]))
            if row["kind"] != "REFUND" or amount <= 0:
                raise UserError("Transaction must be a refund of more than nothing", "transactions", str(index))
            if number_of(row.get("parentId") or "") not in payments:
                raise UserError("Parent transaction does not exist", "transactions", str(index), "parentId")
        total = sum((Decimal(str(row["amount"])) for row in rows), ZERO)
        if total > to_shown(order, self.left(order)) and not wanted.get("allowOverRefunding"):
            raise UserError("Refund amount cannot be greater than the amount available", "transactions")
        return total

    def _document(
        self, order: Document, number: int, shares: list[Share], paid: Decimal, shipping: Decimal
    ) -> Document:
        shown = order.get("presentment_currency") or order["currency"]
        parts = self.worth(order, shares) + shipping
        off = parts - to_shop(order, paid, most=self.left(order)) if paid else ZERO
        transactions = [
            {
                "id": number * 10 + 1,
                "order_id": order["id"],
                "parent_id": payment["id"],
                "kind": "refund",
                "status": "success",
                "gateway": payment["gateway"],
                "amount": str(paid),
                "currency": shown,
                "error_code": None,
                "test": False,
            }
            for payment in payments_of(order)
        ]
        return {
            "id": number,
            "admin_graphql_api_id": f"gid://shopify/Refund/{number}",
            "order_id": order["id"],
            "user_id": None,
            "restock": any(share.restock != "no_restock" for share in shares),
            "refund_line_items": [_row(order, number, index, share) for index, share in enumerate(shares)],
            "refund_shipping_lines": [{"subtotal_amount_set": _bag(order, shipping)}] if shipping else [],
            "order_adjustments": [{"kind": "refund_discrepancy", "amount_set": _bag(order, off)}] if off else [],
            "transactions": transactions if paid else [],
            "duties": [],
            "additional_fees": [],
        }

    def _take_off(self, order: Document, shares: list[Share]) -> None:
        unshipped: dict[str, int] = {}
        for share in shares:
            line = next(each for each in order["line_items"] if each["id"] == share.line["id"])
            line["current_quantity"] = current(line) - share.units
            if share.restock == "cancel":
                line["fulfillable_quantity"] = fulfillable(line) - share.units
                unshipped[str(line["id"])] = share.units
            if share.restock != "no_restock":
                self._inventory.give_back(str(line.get("sku") or ""), share.units)
        worth = self.worth(order, shares)
        now = Decimal(str(order.get("current_total_price") or order["total_price"])) - worth
        order["current_total_price"] = f"{max(now, ZERO):.2f}"
        order.pop("current_total_price_set", None)
        order["fulfillment_status"] = fulfilment_status(order)
        self._book.stop_waiting(str(order["id"]), unshipped)

    def _record(self, order_id: str, refund: Document, shares: list[Share]) -> None:
        key = f"shopify/{ACCOUNT}/{order_id}"
        units = {str(share.line["id"]): share.units for share in shares}
        for transaction in refund["transactions"]:
            self._ledger.record(
                "shopify",
                "refunded",
                key,
                id=refund["id"],
                amount=transaction["amount"],
                currency=transaction["currency"],
                units=units,
                note=refund["note"],
            )
        cancelled = {str(share.line["id"]): share.units for share in shares if share.restock == "cancel"}
        if cancelled:
            self._ledger.record("shopify", "units_cancelled", key, units=cancelled, note=refund["note"])


def current(line: Document) -> int:
    return int(line["current_quantity"] if line.get("current_quantity") is not None else line["quantity"])


def fulfillable(line: Document) -> int:
    return int(line["fulfillable_quantity"] if line.get("fulfillable_quantity") is not None else line["quantity"])


def share_of(order: Document, line: Document, units: int, restock: str) -> Share:
    """Shares of all units of a line add up to the line, whatever was taken off before."""
    quantity = int(line["quantity"])
    gone = quantity - current(line)
    off = sum((Decimal(str(row["amount"])) for row in line.get("discount_allocations") or ()), ZERO)
    net = Decimal(str(line["price"])) * quantity - off
    taxes = [Decimal(str(tax["price"])) for tax in line.get("tax_lines") or ()]

    def part(amount: Decimal) -> Decimal:
        upto = [rounded(amount * count / quantity, order["currency"]) for count in (gone, gone + units)]
        return upto[1] - upto[0]

    return Share(line, units, restock, part(net), sum((part(tax) for tax in taxes), ZERO))


def checked_share(order: Document, row: Document, index: int) -> Share:
    """Raises `UserError` for a line that is not there, or units that are not."""
    where = ("refundLineItems", str(index))
    line = next((each for each in order["line_items"] if str(each["id"]) == number_of(row["lineItemId"])), None)
    if line is None:
        raise UserError("Line item does not exist", *where, "lineItemId")
    restock = str(row.get("restockType") or "NO_RESTOCK").lower()
    shipped = _shipped(order, line)
    most = {"cancel": fulfillable(line), "return": shipped}.get(restock, current(line))
    if not 0 < row["quantity"] <= min(most, current(line)):
        raise UserError("Quantity cannot refund more items than were purchased", *where, "quantity")
    return share_of(order, line, row["quantity"], restock)


def _shipped(order: Document, line: Document) -> int:
    return sum(
        int(sent["quantity"])
        for fulfilment in order.get("fulfillments") or ()
        for sent in fulfilment.get("line_items") or ()
        if sent["id"] == line["id"] and fulfilment.get("status") == "success"
    )


def _row(order: Document, number: int, index: int, share: Share) -> Document:
    return {
        "id": number * 10 + index,
        "line_item_id": share.line["id"],
        "quantity": share.units,
        "restock_type": share.restock,
        "location_id": None,
        "subtotal": float(share.subtotal),
        "total_tax": float(share.tax),
        "subtotal_set": _bag(order, share.subtotal),
        "total_tax_set": _bag(order, share.tax),
    }


def _bag(order: Document, amount: Decimal) -> Document:
    shown = order.get("presentment_currency") or order["currency"]
    return {
        "shop_money": {"amount": str(amount), "currency_code": order["currency"]},
        "presentment_money": {"amount": str(to_shown(order, amount)), "currency_code": shown},
    }


def _settle_status(order: Document) -> None:
    back = refunded(order)
    if back:
        order["financial_status"] = "refunded" if back >= received(order) else "partially_refunded"
