"""`orderCancel`: taken at once, done by a job a little later, which may still find that goods have left."""

from __future__ import annotations

import asyncio
import uuid
from decimal import Decimal
from typing import Any

from sandbox.core import Sandbox
from sandbox.shopify_book import ACCOUNT, OrderBook
from sandbox.shopify_errors import UserError
from sandbox.shopify_hooks import Hooks
from sandbox.shopify_money import to_shown
from sandbox.shopify_pages import gid, number_of
from sandbox.shopify_refunds import Refunds, current, fulfillable, share_of

Document = dict[str, Any]
GONE = "Cannot cancel an order that has fulfillments"


class Cancelling:
    def __init__(self, sandbox: Sandbox, book: OrderBook, refunds: Refunds, hooks: Hooks) -> None:
        self._sandbox = sandbox
        self._book = book
        self._refunds = refunds
        self._hooks = hooks
        self._jobs = sandbox.shelf.collection("shopify.jobs")

    def begin(self, wanted: Document) -> str:
        """`orderCancel`; returns the job's id. Raises `UserError`."""
        order = self._book.get(number_of(wanted["orderId"]))
        if order is None:
            raise UserError("Order does not exist", "orderId", code="NOT_FOUND")
        if order.get("cancelled_at"):
            raise UserError("Cannot cancel an order that has already been canceled", "orderId", code="INVALID")
        if order.get("fulfillments"):
            raise UserError(GONE, "orderId", code="INVALID")
        if str(order["id"]) in self._book.returned:
            raise UserError("Cannot cancel an order with active returns", "orderId", code="INVALID")
        number = str(uuid.uuid4())
        self._jobs.put(number, {"id": number, "order_id": str(order["id"]), "wanted": wanted, "status": "STARTED",
                                "errors": []})  # fmt: skip
        self._sandbox.spawn(self._end(number))
        return number

    def resume(self) -> None:
        """Go on with the jobs that were under way when the sandbox stopped."""
        for job in self._jobs.values():
            if job["status"] == "STARTED":
                self._sandbox.spawn(self._end(job["id"]))

    def cancel(
        self, order_id: str, *, reason: str, refund: bool = True, restock: bool = True, by: str = "app"
    ) -> Document | None:
        """Now. None when goods have left already: then Shopify refuses."""
        order = self._book.get(order_id)
        if order is None or order.get("fulfillments") or order.get("cancelled_at"):
            return None
        self._pay_back(order, refund=refund, restock=restock)
        order = self._book.get(order_id) or order
        for line in order["line_items"]:
            line.update(current_quantity=0, fulfillable_quantity=0)
        waits = {str(line["id"]): int(line["quantity"]) for line in order["line_items"]}
        self._book.stop_waiting(order_id, waits)
        if order["financial_status"] in ("pending", "authorized"):
            order["financial_status"] = "voided"
        self._book.touch(order)
        order.update(cancel_reason=reason.lower(), cancelled_at=order["updated_at"])
        self._book.keep(order)
        self._sandbox.ledger.record(
            "shopify", "cancelled", f"shopify/{ACCOUNT}/{order_id}", reason=reason, by=by, refunded=refund
        )
        return order

    def job_view(self, job_id: str) -> Document | None:
        job = self._jobs.get(number_of(job_id))
        return {"__typename": "Job", "id": gid("Job", job["id"]), "done": job["status"] != "STARTED"} if job else None

    def result_view(self, result_id: str) -> Document | None:
        job = self._jobs.get(number_of(result_id))
        if job is None:
            return None
        return {
            "__typename": "OrderCancelJobResult",
            "id": gid("OrderCancelJobResult", job["id"]),
            "done": job["status"] != "STARTED",
            "status": job["status"],
            "errors": job["errors"],
        }

    async def _end(self, number: str) -> None:
        await asyncio.sleep(self._sandbox.options.job_delay)
        job = self._jobs.get(number)
        assert job is not None
        wanted = job["wanted"]
        method = wanted.get("refundMethod") or {}
        order = self.cancel(
            job["order_id"],
            reason=wanted["reason"],
            refund=bool(wanted.get("refund") or method.get("originalPaymentMethodsRefund")),
            restock=bool(wanted["restock"]),
        )
        if order is None:
            errors = [{"code": "INVALID", "field": ["orderId"], "message": GONE}]
            self._jobs.put(number, {**job, "status": "FAILED", "errors": errors})
            return
        self._jobs.put(number, {**job, "status": "SUCCEEDED"})
        self._hooks.send("orders/cancelled", order)

    def _pay_back(self, order: Document, *, refund: bool, restock: bool) -> None:
        """Everything that is left of the order, with its shipping, in one refund; none when nothing is left."""
        paid = to_shown(order, self._refunds.left(order)) if refund else Decimal(0)
        kind = "cancel" if restock else "no_restock"
        lines = [line for line in order["line_items"] if current(line)]
        shares = [share_of(order, line, min(current(line), fulfillable(line)), kind) for line in lines]
        shares = [share for share in shares if share.units]
        if shares or paid:
            self._refunds.make(order, shares, paid, note=None, told=False)
