"""Cancels orders: the whole of one by `orderCancel`, units of one by a refund that restocks as cancelled.

Shopify offers an order edit for units as well. It is three calls without an idempotency key, and it leaves the buyer's
money where it is; `refundCreate` takes the units off and pays them back in one call that can be repeated, also for an
order that is authorised only (its suggestion has no transactions then).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.errors import Declined, SchemaDrift
from connectors.shopify import mutations, queries_changes
from connectors.shopify.failing import check_user_errors, failure
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.node import Node
from connectors.shopify.reading import order_gid
from connectors.shopify.refunding import Refunding, refund_line, suggested_transactions
from connectors.shopify.vocabulary import CANCEL_REASONS
from models.channel import Cancellation, CancelReason, Progress

OPERATION = "cancel|"
LOOK_AGAIN = timedelta(seconds=5)
LONGEST_NOTE = 255
"""Of `orderCancel(staffNote)`."""


class Cancelling:
    """Options of the connection: `notify_customer`; `refund_on_cancel` (true): cancelled units are paid back."""

    def __init__(self, graphql: ShopifyGraphql, options: Mapping[str, Any], refunding: Refunding) -> None:
        self._graphql = graphql
        self._options = options
        self._refunding = refunding

    async def cancel(self, request: Cancellation) -> Progress:
        order, lines = await self._refunding.units(request, request.units)
        if order.get("cancelledAt"):
            return Progress()
        if not request.whole:
            return await self._part(request, order, lines)
        try:
            return await self._whole(request)
        except Declined:
            # The job of an earlier attempt may have ended between the look and the write.
            order, _ = await self._refunding.units(request, ())
            if order.get("cancelledAt"):
                return Progress()
            raise

    async def follow(self, operation: str) -> Progress:
        """The order itself says whether it is cancelled: a job can be done, and the order as open as before."""
        order_id, job, result = operation.removeprefix(OPERATION).split("|")
        variables = {"order": order_gid(order_id), "job": job, "result": result}
        data = await self._graphql.run("job", queries_changes.CANCELLING, variables)
        if (data.get("order") or {}).get("cancelledAt"):
            return Progress()
        ended = data.get("node") or data.get("job") or {}
        errors = ended.get("errors") or ()
        if not ended.get("done") and not errors:
            return Progress(operation=operation, look_again=LOOK_AGAIN)
        if errors:
            message = "; ".join(str(error.get("message")) for error in errors)
            problem = f"Shopify did not cancel order {order_id}: {message}"
            raise failure(errors[0].get("code") or "user_error", problem, writes=True)
        raise Declined(f"Shopify ended the job and did not cancel order {order_id}", code="not_cancelled")

    async def _whole(self, request: Cancellation) -> Progress:
        pays_back = bool(self._options.get("refund_on_cancel", True))
        data = await self._graphql.run(
            "order_cancel",
            mutations.CANCEL,
            {
                "order": order_gid(request.order_key.external_id),
                "reason": CANCEL_REASONS[request.reason],
                # Units that are not there would be sold again.
                "restock": request.reason is not CancelReason.OUT_OF_STOCK,
                "note": request.note[:LONGEST_NOTE] or None,
                "notify": bool(self._options.get("notify_customer", False)),
                "refund": {"originalPaymentMethodsRefund": pays_back},
            },
            writes=True,
            correlation_id=request.correlation_id,
        )
        payload = data.get("orderCancel") or {}
        check_user_errors("cancellation", payload, errors="orderCancelUserErrors")
        job = payload.get("job")
        if not isinstance(job, dict):
            raise SchemaDrift("missing", "data.orderCancel.job", job, "Look whether the order is cancelled.")
        result = (payload.get("jobResult") or job)["id"]
        operation = f"{OPERATION}{request.order_key.external_id}|{job['id']}|{result}"
        return Progress(operation=operation, look_again=LOOK_AGAIN)

    async def _part(self, request: Cancellation, order: dict[str, Any], lines: dict[str, Node]) -> Progress:
        if done := self._refunding.found(order, request):
            return done
        open_units = {line: _to_cancel(lines[line], line, units) for line, units in request.units.items()}
        rows = [refund_line(line, units, "CANCEL") for line, units in open_units.items() if units]
        if not rows:
            return Progress()
        payable = await self._refunding.suggested(request, {"lines": rows, "full": False})
        pays_back = bool(self._options.get("refund_on_cancel", True))
        transactions = suggested_transactions(payable) if pays_back else []
        note = request.note or f"Cancelled: {CANCEL_REASONS[request.reason].lower()}"
        return await self._refunding.create(request, payable, {"refundLineItems": rows}, transactions, note)


def _to_cancel(line: Node, line_id: str, units: int) -> int:
    """Units that still wait. Those that were cancelled before are done; raises `Declined` for those that have left."""
    waiting = line.at("unfulfilled_quantity").count()
    gone = line.at("quantity").count() - line.at("current_quantity").count()
    if units > waiting + gone:
        problem = f"line {line_id}: {units} units to cancel, {waiting} have not left and {gone} are cancelled already"
        raise Declined(problem, code="already_shipped", field=line_id)
    return min(units, waiting)
