"""What the GraphQL endpoint can be asked for: one resolver a root field, over the shop's parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from sandbox.core import Sandbox
from sandbox.shopify_book import LOCATIONS, OrderBook
from sandbox.shopify_cancel import Cancelling
from sandbox.shopify_edit import Editing
from sandbox.shopify_errors import UserError, refused
from sandbox.shopify_fulfil import Fulfilling
from sandbox.shopify_money import payments_of
from sandbox.shopify_once import Once
from sandbox.shopify_pages import connection, gid, number_of, shown
from sandbox.shopify_payments import Payments, payout_view
from sandbox.shopify_refunds import Refunds, checked_share
from sandbox.shopify_returns import Returns
from sandbox.shopify_returns_view import return_view
from sandbox.shopify_search import cursor_of, order_ids, rows_after
from sandbox.shopify_stock import Inventory, adjustment_view, location_view
from sandbox.shopify_view import bag_view, order_view, payment_view

Document = dict[str, Any]
Info = GraphQLResolveInfo[Any]


@dataclass
class Parts:
    """What a shop is made of."""

    book: OrderBook
    payments: Payments
    refunds: Refunds
    cancelling: Cancelling
    editing: Editing
    returns: Returns
    inventory: Inventory
    fulfilling: Fulfilling


class Reads:
    """Resolvers of queries, and the views that payloads of mutations show too."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._book = parts.book

    def fields(self) -> dict[str, Callable[..., Any]]:
        return {
            "node": lambda _info, id: self.node(id),
            "nodes": lambda _info, ids: [self.node(each) for each in ids],
            "order": lambda _info, id: self.order(id),
            "orderByIdentifier": lambda _info, identifier: self.order(identifier.get("id") or ""),
            "orders": self._orders,
            "refund": lambda _info, id: self.refund(number_of(id)),
            "return": lambda _info, id: self.one_return(number_of(id)),
            "job": lambda _info, id: self._parts.cancelling.job_view(id),
            "inventoryItems": lambda info, query=None, **page: connection(self._parts.inventory.search(query))(
                info, **page
            ),
            "locations": lambda info, **page: connection([location_view(name) for name in LOCATIONS])(info, **page),
            "shopifyPaymentsAccount": lambda _info: self._parts.payments.account_view(),
        }

    def order(self, global_id: str) -> Document | None:
        order = self._book.get(number_of(global_id))
        if order is None:
            return None
        order_id = str(order["id"])
        view = order_view(order, self._book.fulfilment_orders(order_id))
        for refund in view["refunds"](None):
            refund["order"] = lambda _info: self.order(order_id)
        view["suggestedRefund"] = lambda _info, **wanted: self._suggested(order, wanted)
        view["returns"] = lambda info, **page: connection(
            [self._return_view(each) for each in self._parts.returns.of_order(order_id)]
        )(info, **page)
        return view

    def refund(self, number: str) -> Document | None:
        """Found through its order, which Shopify's own id does not name."""
        owner = self._book.owner_of_refund(number)
        views = (self.order(gid("Order", owner)) or {})["refunds"](None) if owner else []
        return next((view for view in views if number_of(view["id"]) == number), None)

    def one_return(self, number: str) -> Document | None:
        found = self._parts.returns.get(number)
        return self._return_view(found) if found else None

    def node(self, global_id: str) -> Document | None:
        kind, number = global_id.removeprefix("gid://shopify/").split("/", 1)
        views: dict[str, Callable[[], Document | None]] = {
            "Order": lambda: self.order(global_id),
            "LineItem": lambda: self._line(number),
            "Refund": lambda: self.refund(number),
            "Return": lambda: self.one_return(number),
            "InventoryItem": lambda: self._parts.inventory.view(number),
            "OrderCancelJobResult": lambda: self._parts.cancelling.result_view(number),
            "ShopifyPaymentsPayout": lambda: self._payout(number),
        }
        return views[kind]() if kind in views else None

    def _payout(self, number: str) -> Document | None:
        payout = self._parts.payments.payouts.get(number)
        return payout_view(payout) if payout else None

    def _line(self, number: str) -> Document | None:
        owner = self._book.owner_of_line(number)
        lines = (self.order(gid("Order", owner)) or {})["lineItems"](None)["nodes"] if owner else []
        return next((line for line in lines if number_of(line["id"]) == number), None)

    def _return_view(self, found: Document) -> Document:
        def order() -> Document:
            return self.order(gid("Order", found["order_id"])) or {}

        def outcome(_info: Info, returnLineItems: list[Document], **_: Any) -> Document:  # noqa: N803
            worth = self._parts.returns.outcome(found["id"], returnLineItems)
            suggestion = self._suggestion(worth["order"], worth["amount"])
            transfer = {"__typename": "RefundReturnOutcome", "amount": suggestion["amountSet"], **suggestion}
            return {"financialTransfer": transfer, "maximumRefundable": suggestion["maximumRefundableSet"]}

        return return_view(found, order, outcome)

    def _suggested(self, order: Document, wanted: Document) -> Document:
        rows = wanted.get("refundLineItems") or ()
        if wanted.get("suggestFullRefund"):
            return self._suggestion(order, self._parts.refunds.left(order))
        shares = [checked_share(order, row, index) for index, row in enumerate(rows)]
        amount = min(self._parts.refunds.worth(order, shares), self._parts.refunds.left(order))
        return self._suggestion(order, amount)

    def _suggestion(self, order: Document, amount: Decimal) -> Document:
        most = self._parts.refunds.left(order)
        payments = payments_of(order) if most else []
        transactions = [
            {
                "kind": "SUGGESTED_REFUND",
                "gateway": payment["gateway"],
                "parentTransaction": payment_view(order, payment),
                "amountSet": bag_view(order, amount),
                "maximumRefundableSet": bag_view(order, most),
            }
            for payment in payments
        ]
        return {
            "amountSet": bag_view(order, amount),
            "subtotalSet": bag_view(order, amount),
            "totalTaxSet": bag_view(order, Decimal(0)),
            "maximumRefundableSet": bag_view(order, most),
            "suggestedTransactions": transactions,
        }

    def _orders(
        self,
        _info: Any,
        first: int = 50,
        after: str | None = None,
        query: str | None = None,
        sortKey: str = "PROCESSED_AT",  # noqa: N803
        reverse: bool = False,
        **_: Any,
    ) -> Document:
        rows = order_ids(self._book, query, sortKey, reverse=reverse)
        left = rows_after(rows, after, reverse=reverse)
        chosen = left[: min(first, 250)]
        nodes = [view for _, order_id in chosen if (view := self.order(gid("Order", order_id)))]
        return shown(nodes, [cursor_of(key) for key, _ in chosen], more=len(left) > len(chosen), back=bool(after))


class Writes:
    """Resolvers of mutations: a payload, or user errors and no effect."""

    def __init__(self, sandbox: Sandbox, parts: Parts, reads: Reads) -> None:
        self._parts = parts
        self._reads = reads
        self._once = Once(sandbox)
        self._subscriptions = sandbox.shelf.collection("shopify.webhook_subscriptions")

    def fields(self) -> dict[str, Callable[..., Any]]:
        returns = self._parts.returns
        return {
            "fulfillmentCreate": lambda _info, fulfillment, **_: self._parts.fulfilling.create(fulfillment),
            "orderCancel": self._cancel,
            "orderEditBegin": self._edit_begin,
            "orderEditSetQuantity": self._edit_quantity,
            "orderEditCommit": self._edit_commit,
            "refundCreate": self._refund,
            "inventorySetQuantities": self._set_stock,
            "returnRequest": lambda _info, input: self._return(lambda: returns.request(input)),
            "returnApproveRequest": lambda _info, input: self._return(lambda: returns.approve(number_of(input["id"]))),
            "returnDeclineRequest": lambda _info, input: self._return(
                lambda: returns.decline(number_of(input["id"]), input["declineReason"], input.get("declineNote"))
            ),
            "returnClose": lambda _info, id: self._return(lambda: returns.close(number_of(id))),
            "returnProcess": lambda info, input: self._return(
                lambda: self._once.do(info, input, lambda: returns.process(input))
            ),
            "webhookSubscriptionCreate": self._subscribe,
        }

    def _return(self, act: Callable[[], str]) -> Document:
        try:
            return {"return": self._reads.one_return(act()), "userErrors": []}
        except UserError as error:
            return {"return": None, **refused(error)}

    def _cancel(self, _info: Info, **wanted: Any) -> Document:
        try:
            job = self._parts.cancelling.begin(wanted)
        except UserError as error:
            return refused(error, errors="orderCancelUserErrors")
        cancelling = self._parts.cancelling
        return {
            "job": cancelling.job_view(job),
            "jobResult": cancelling.result_view(job),
            "orderCancelUserErrors": [],
            "userErrors": [],
        }

    def _refund(self, info: Info, input: Document) -> Document:
        try:
            number = self._once.do(info, input, lambda: self._parts.refunds.create(input))
        except UserError as error:
            return {"refund": None, "order": None, **refused(error)}
        order = self._reads.order(input["orderId"])
        return {"refund": self._reads.refund(number), "order": order, "userErrors": []}

    def _set_stock(self, info: Info, input: Document) -> Document:
        try:
            number = self._once.do(info, input, lambda: self._parts.inventory.set_levels(input), coded=True)
        except UserError as error:
            return {"inventoryAdjustmentGroup": None, **refused(error)}
        return {"inventoryAdjustmentGroup": adjustment_view(number), "userErrors": []}

    def _edit_begin(self, _info: Info, id: str) -> Document:
        try:
            edit = self._parts.editing.begin(number_of(id))
        except UserError as error:
            return {"calculatedOrder": None, **refused(error)}
        return {"calculatedOrder": self._calculated(edit), "userErrors": []}

    def _edit_quantity(
        self,
        _info: Info,
        id: str,
        lineItemId: str,  # noqa: N803
        quantity: int,
        restock: bool = False,
        **_: Any,
    ) -> Document:
        editing, line = self._parts.editing, number_of(lineItemId)
        try:
            edit = editing.set_quantity(number_of(id), line, quantity, restock=bool(restock))
        except UserError as error:
            return {"calculatedOrder": None, "calculatedLineItem": None, **refused(error)}
        view = editing.line_view(edit, line)
        return {"calculatedOrder": self._calculated(edit), "calculatedLineItem": view, "userErrors": []}

    def _edit_commit(self, _info: Info, id: str, **_: Any) -> Document:
        try:
            order_id = self._parts.editing.commit(number_of(id))
        except UserError as error:
            return {"order": None, **refused(error)}
        return {"order": self._reads.order(gid("Order", order_id)), "successMessages": [], "userErrors": []}

    def _calculated(self, edit: str) -> Document:
        view = self._parts.editing.calculated_view(edit)
        order_id = self._parts.editing.order_of(edit)
        return {**view, "originalOrder": lambda _info: self._reads.order(gid("Order", order_id))}

    def _subscribe(self, _info: Info, topic: str, webhookSubscription: Document) -> Document:  # noqa: N803
        number = self._parts.book.number("webhook_subscription")
        subscription = {"id": gid("WebhookSubscription", number), "topic": topic, **webhookSubscription}
        if not webhookSubscription.get("uri"):
            error = UserError("Address can't be blank", "webhookSubscription", "uri")
            return {"webhookSubscription": None, **refused(error)}
        self._subscriptions.put(str(number), subscription)
        return {"webhookSubscription": {"uri": "", **subscription}, "userErrors": []}
