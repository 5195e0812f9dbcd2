"""The GraphQL endpoint: real execution, calculated cost, throttling with HTTP 200."""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import Any

from graphql import ExecutionResult, FragmentDefinitionNode, GraphQLSchema, execute_sync, parse, validate
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler, Sandbox
from sandbox.shopify_cost import LARGEST_QUERY, MUTATION_COST, POINTS, LeakyBucket, QueryCost, spent
from sandbox.shopify_pages import gid, snake
from sandbox.shopify_query import EVERYTHING, Query, declined, read_query, shown_error, too_costly, unauthorized
from sandbox.shopify_root import Parts, Reads, Writes
from sandbox.shopify_schema import schema

Document = dict[str, Any]
READS = ("orders", "order", "job", "refund", "return", "inventoryItems", "locations", "nodes")
WRITES = (
    "fulfillmentCreate",
    "orderCancel",
    "orderEditBegin",
    "orderEditSetQuantity",
    "orderEditCommit",
    "refundCreate",
    "returnRequest",
    "returnApproveRequest",
    "returnDeclineRequest",
    "returnProcess",
    "returnClose",
    "inventorySetQuantities",
    "webhookSubscriptionCreate",
)
OPERATIONS = {
    **{field: f"shopify.{snake(field)}" for field in (*READS, *WRITES)},
    "shopifyPaymentsAccount": "shopify.payouts",
}
"""Root field -> operation, by which faults are ordered and calls are counted."""
OTHER = "shopify.graphql"
THROTTLED = "shopify.throttled"
"""Counts queries that the bucket could not pay for: a client that keeps to its quota has none."""

ASKED: ContextVar[Query] = ContextVar("asked")
"""The query that is being answered."""


class GraphqlEndpoint:
    def __init__(self, sandbox: Sandbox, parts: Parts) -> None:
        self._sandbox = sandbox
        self._schema = schema()
        scale = sandbox.options.quota_scale
        self._bucket = LeakyBucket(POINTS[0] * scale, POINTS[1] * scale)
        self._operations = {name: self._operation(field, name) for field, name in OPERATIONS.items()}
        self._operations[OTHER] = self._operation("", OTHER)
        reads = Reads(parts)
        self._root = {**reads.fields(), **Writes(sandbox, parts, reads).fields()}

    async def answer(self, request: Request) -> Response:
        """Hand the request to the operation it asks for, so that faults can strike operations one by one."""
        query = await read_query(request)
        if isinstance(query, Response):
            return query
        name = next((OPERATIONS[field] for field in query.root_fields if field in OPERATIONS), OTHER)
        ASKED.set(query)
        return await self._operations[name](request)

    def readable(self, order_id: str) -> bool:
        """False for a loaded payload that does not fit Shopify's own schema: no search of Shopify's would show it."""
        variables = {"id": gid("Order", order_id)}
        try:
            result = execute_sync(self._schema, parse(EVERYTHING), self._root, variable_values=variables)
        except (KeyError, TypeError, ValueError, AttributeError):
            return False
        return not result.errors

    def _operation(self, field: str, name: str) -> Handler:
        return self._sandbox.operation(
            name,
            self._run,
            throttled=self._used_up,
            expired=unauthorized,
            declined=partial(declined, field) if field in WRITES else None,
        )

    def _used_up(self) -> Response:
        """As if other queries of the shop had just spent all points."""
        self._bucket.take(self._bucket.available)
        query = ASKED.get()
        readable = not validate(self._schema, query.document)
        return JSONResponse(self._throttled(_requested(self._schema, query) if readable else 0))

    async def _run(self, request: Request) -> Response:
        query = await read_query(request)
        if isinstance(query, Response):
            return query
        if errors := validate(self._schema, query.document):
            return JSONResponse({"errors": [shown_error(error) for error in errors]})
        requested = _requested(self._schema, query)
        if requested > LARGEST_QUERY:
            return JSONResponse({"errors": [too_costly(requested)]})
        if requested > self._bucket.available:
            self._sandbox.calls[THROTTLED] += 1
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


def _requested(schema: GraphQLSchema, query: Query) -> int:
    fragments = {n.name.value: n for n in query.document.definitions if isinstance(n, FragmentDefinitionNode)}
    return QueryCost(schema, fragments, query.variables).of(query.operation)
