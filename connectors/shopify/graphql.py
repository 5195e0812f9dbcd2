"""Shopify's GraphQL endpoint: one operation in, its data out, and every way to fail in our vocabulary."""

from __future__ import annotations

from typing import Any

import httpx

from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.http import VendorClient
from connectors.registry import ChannelConnection
from connectors.shopify.auth import auth_of
from connectors.shopify.cost import CostLimiter
from connectors.shopify.node import decode

API_VERSION = "2026-10"
PATH = f"/admin/api/{API_VERSION}/graphql.json"
SHOP_CLOSED = frozenset({402, 404, 423})
"""Frozen for payment, unknown, locked: the shop itself has to be put right."""
SECURITY_REJECTION = 430


class TooCostly(ConnectorError):
    """A single query asks for more points than Shopify grants one query (1000)."""


class ShopifyGraphql:
    def __init__(self, connection: ChannelConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = VendorClient("shopify", connection.base_url, auth=auth_of(connection), transport=transport)
        self._costs = CostLimiter()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def run(
        self,
        operation: str,
        query: str,
        variables: dict[str, Any],
        *,
        writes: bool = False,
        correlation_id: str | None = None,
    ) -> dict[str, Any]:
        """The `data` of an operation.

        Raises `Unavailable`, `InDoubt`, `Unauthorized`, `Declined`, `SchemaDrift`, `TooCostly`.
        """
        await self._costs.acquire(operation)
        response = await self._http.send(
            operation,
            "POST",
            PATH,
            json={"query": query, "variables": variables},
            writes=writes,
            correlation_id=correlation_id,
        )
        _check_status(operation, response)
        answer = self._answer(operation, response, writes)
        if errors := answer.get("errors"):
            self._raise(operation, errors, answer.get("data"), writes)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise SchemaDrift("missing", "data", data, f"{operation} answers with data.")
        return data

    def _answer(self, operation: str, response: httpx.Response, writes: bool) -> dict[str, Any]:
        try:
            answer = decode(response.content)
        except SchemaDrift as drift:
            if writes:
                raise InDoubt(f"shopify {operation}: unreadable answer; it may have taken effect ({drift})") from drift
            raise
        if not isinstance(answer, dict):
            raise SchemaDrift("wrong_type", "$", answer, f"{operation} answers with an object.")
        cost = (answer.get("extensions") or {}).get("cost")
        if isinstance(cost, dict):
            self._costs.learn(operation, cost)
        return answer

    def _raise(self, operation: str, errors: Any, data: Any, writes: bool) -> None:
        """Errors come with HTTP 200; returns only when what is missing was not asked for in vain."""
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        code = str((first.get("extensions") or {}).get("code", ""))
        message = f"shopify {operation}: {code or 'error'}: {first.get('message', errors)}"
        match code:
            case "THROTTLED":
                raise Unavailable(message, self._costs.wait_for(operation))
            case "MAX_COST_EXCEEDED":
                raise TooCostly(message)
            case "ACCESS_DENIED":
                self._check_denied(message, data, writes)
            case "INTERNAL_SERVER_ERROR" | "TIMEOUT":
                raise InDoubt(f"{message}; it may have taken effect") if writes else Unavailable(message)
            case _:
                remedy = f"Check the operation against Admin API {API_VERSION}."
                raise SchemaDrift("graphql_error", "errors[0]", first.get("message", errors), remedy)

    def _check_denied(self, message: str, data: Any, writes: bool) -> None:
        """Personal data that the app may not see comes as null beside the rest of the order: that is good enough."""
        readable = isinstance(data, dict) and data and all(value is not None for value in data.values())
        if writes or not readable:
            raise Unauthorized(message)


def _check_status(operation: str, response: httpx.Response) -> None:
    status = response.status_code
    where = f"shopify {operation}: HTTP {status}"
    if status in SHOP_CLOSED:
        raise Unauthorized(f"{where}: the shop does not serve this app")
    if status == SECURITY_REJECTION:
        raise Unavailable(where)
    if status >= 300:
        raise Declined(f"{where}: {response.text[:200]}", code=f"http_{status}")
