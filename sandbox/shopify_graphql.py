"""The GraphQL endpoint: real execution, calculated cost, throttling with HTTP 200."""

from __future__ import annotations

from typing import Any

from graphql import ExecutionResult, FragmentDefinitionNode, execute_sync, parse, validate
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler, Sandbox
from sandbox.shopify_book import OrderBook
from sandbox.shopify_cost import LARGEST_QUERY, MUTATION_COST, POINTS, LeakyBucket, QueryCost, spent
from sandbox.shopify_fulfil import Fulfilling
from sandbox.shopify_pages import gid, number_of, shown
from sandbox.shopify_payments import Payments, payout_view
from sandbox.shopify_query import EVERYTHING, Query, declined, read_query, shown_error, too_costly, unauthorized
from sandbox.shopify_schema import schema
from sandbox.shopify_search import cursor_of, order_ids, rows_after
from sandbox.shopify_view import order_view

Document = dict[str, Any]
OPERATIONS = {
    "orders": "shopify.orders",
    "order": "shopify.order",
    "fulfillmentCreate": "shopify.fulfillment_create",
    "shopifyPaymentsAccount": "shopify.payouts",
}
OTHER = "shopify.graphql"


class GraphqlEndpoint:
    def __init__(self, sandbox: Sandbox, book: OrderBook, payments: Payments) -> None:
        self._schema = schema()
        self._book = book
        self._payments = payments
        self._fulfilling = Fulfilling(book)
        self._subscriptions = sandbox.shelf.collection("shopify.webhook_subscriptions")
        scale = sandbox.options.quota_scale
        self._bucket = LeakyBucket(POINTS[0] * scale, POINTS[1] * scale)
        self._operations = {name: self._operation(sandbox, name) for name in (*OPERATIONS.values(), OTHER)}
        self._root = {
            "node": self._node,
            "order": lambda _info, id: self._order(id),
            "orderByIdentifier": lambda _info, identifier: self._order(identifier.get("id") or ""),
            "orders": self._orders,
            "shopifyPaymentsAccount": lambda _info: payments.account_view(),
            "fulfillmentCreate": lambda _info, fulfillment, **_: self._fulfilling.create(fulfillment),
            "webhookSubscriptionCreate": self._subscribe,
        }

    async def answer(self, request: Request) -> Response:
        """Hand the request to the operation it asks for, so that faults can strike operations one by one."""
        query = await read_query(request)
        if isinstance(query, Response):
            return query
        name = next((OPERATIONS[field] for field in query.root_fields if field in OPERATIONS), OTHER)
        return await self._operations[name](request)

    def readable(self, order_id: str) -> bool:
        """False for a loaded payload that does not fit Shopify's own schema: no search of Shopify's would show it."""
        variables = {"id": gid("Order", order_id)}
        try:
            result = execute_sync(self._schema, parse(EVERYTHING), self._root, variable_values=variables)
        except (KeyError, TypeError, ValueError, AttributeError):
            return False
        return not result.errors

    def _operation(self, sandbox: Sandbox, name: str) -> Handler:
        return sandbox.operation(
            name,
            self._run,
            throttled=lambda: JSONResponse(self._throttled(self._bucket.available + 1)),
            expired=unauthorized,
            declined=declined if name == OPERATIONS["fulfillmentCreate"] else None,
        )

    async def _run(self, request: Request) -> Response:
        query = await read_query(request)
        if isinstance(query, Response):
            return query
        if errors := validate(self._schema, query.document):
            return JSONResponse({"errors": [shown_error(error) for error in errors]})
        fragments = {n.name.value: n for n in query.document.definitions if isinstance(n, FragmentDefinitionNode)}
        requested = QueryCost(self._schema, fragments, query.variables).of(query.operation)
        if requested > LARGEST_QUERY:
            return JSONResponse({"errors": [too_costly(requested)]})
        if requested > self._bucket.available:
            return JSONResponse(self._throttled(requested))
        return JSONResponse(self._executed(query, requested))

    def _executed(self, query: Query, requested: float) -> Document:
        result: ExecutionResult = execute_sync(
            self._schema,
            query.document,
            self._root,
            variable_values=query.variables,
            operation_name=query.operation.name.value if query.operation.name else None,
        )
        actual = min(requested, spent(result.data) + (MUTATION_COST if query.writes else 0))
        self._bucket.take(actual)
        errors = {"errors": [shown_error(error) for error in result.errors]} if result.errors else {}
        return {"data": result.data, **errors, "extensions": {"cost": self._cost(requested, actual)}}

    def _throttled(self, requested: float) -> Document:
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev"}}
        return {"errors": [error], "extensions": {"cost": self._cost(requested, None)}}

    def _cost(self, requested: float, actual: float | None) -> Document:
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": self._bucket.maximum,
                "currentlyAvailable": int(self._bucket.available),
                "restoreRate": self._bucket.restore,
            },
        }

    def _order(self, global_id: str) -> Document | None:
        order = self._book.get(number_of(global_id))
        return order_view(order, self._book.fulfilment_orders(str(order["id"]))) if order else None

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
        nodes = [view for _, order_id in chosen if (view := self._order(order_id))]
        return shown(nodes, [cursor_of(key) for key, _ in chosen], more=len(left) > len(chosen), back=bool(after))

    def _node(self, _info: Any, id: str) -> Document | None:
        if "/ShopifyPaymentsPayout/" in id:
            payout = self._payments.payouts.get(number_of(id))
            return payout_view(payout) if payout else None
        return self._order(id) if "/Order/" in id else None

    def _subscribe(self, _info: Any, topic: str, webhookSubscription: Document) -> Document:  # noqa: N803
        number = self._book.number("webhook_subscription")
        subscription = {"id": gid("WebhookSubscription", number), "topic": topic, **webhookSubscription}
        if not webhookSubscription.get("uri"):
            error = {"field": ["webhookSubscription", "uri"], "message": "Address can't be blank"}
            return {"webhookSubscription": None, "userErrors": [error]}
        self._subscriptions.put(str(number), subscription)
        return {"webhookSubscription": {"uri": "", **subscription}, "userErrors": []}
