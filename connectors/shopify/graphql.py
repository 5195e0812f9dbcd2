"""Shopify's GraphQL endpoint: one operation in, its data out, and every way to fail in our vocabulary."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx

from connectors.errors import InDoubt, SchemaDrift
from connectors.http import VendorClient
from connectors.registry import ChannelConnection
from connectors.shopify.auth import auth_of
from connectors.shopify.cost import CostLimiter
from connectors.shopify.failing import failure
from connectors.shopify.node import decode
from connectors.shopify.queries import COSTS
from models.channel import QuotaLeft

API_VERSION = "2026-10"
PATH = f"/admin/api/{API_VERSION}/graphql.json"
VERSION_HEADER = "X-Shopify-API-Version"


def sunset_of(version: str) -> date | None:
    """A version is supported for twelve months from its release, the first of its month (shopify.dev, "Versioning")."""
    try:
        year, month = map(int, version.split("-"))
        return date(year + 1, month, 1)
    except ValueError:
        return None


class ShopifyGraphql:
    def __init__(self, connection: ChannelConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = VendorClient("shopify", connection.base_url, auth=auth_of(connection), transport=transport)
        self._costs = CostLimiter(costs=COSTS, scale=connection.quota_scale)
        self.version = API_VERSION
        """The version that Shopify last answered with: it falls forward when ours has ended."""

    async def aclose(self) -> None:
        await self._http.aclose()

    @property
    def quota(self) -> QuotaLeft:
        return self._costs.level()

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

        Raises `Unavailable`, `InDoubt`, `Unauthorized`, `Declined` (also `TooCostly`), `SchemaDrift`.
        """
        priced = _priced(operation, variables)
        points = await self._costs.acquire(priced)
        try:
            response = await self._http.send(
                operation,
                "POST",
                PATH,
                json={"query": query, "variables": variables},
                writes=writes,
                correlation_id=correlation_id,
            )
        finally:
            self._costs.release(points)
        _check_status(operation, response, writes)
        self.version = response.headers.get(VERSION_HEADER, self.version)
        answer = self._answer(operation, priced, response, writes)
        if errors := answer.get("errors"):
            self._raise(operation, priced, errors, answer.get("data"), writes)
        data = answer.get("data")
        if not isinstance(data, dict):
            raise SchemaDrift("missing", "data", data, f"{operation} answers with data.")
        return data

    def _answer(self, operation: str, priced: str, response: httpx.Response, writes: bool) -> dict[str, Any]:
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
            self._costs.learn(priced, cost)
        return answer

    def _raise(self, operation: str, priced: str, errors: Any, data: Any, writes: bool) -> None:
        """Errors come with HTTP 200; returns only when what is missing was not asked for in vain."""
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        code = str((first.get("extensions") or {}).get("code") or "graphql_error")
        if code == "ACCESS_DENIED" and not writes and _readable(data):
            return
        message = f"shopify {operation}: {code}: {first.get('message', errors)}"
        if code == "graphql_error" and writes and data is not None:
            # Only what has been executed has data, if only null: an operation that is not understood has none.
            raise InDoubt(f"{message}; it may have taken effect")
        wait = self._costs.wait_for(priced) if code == "THROTTLED" else None
        raise failure(code, message, writes=writes, retry_after=wait)


def _priced(operation: str, variables: dict[str, Any]) -> str:
    """What a page costs goes by its size."""
    return f"{operation}/{variables['first']}" if "first" in variables else operation


def _readable(data: Any) -> bool:
    """Personal data that the app may not see comes as null beside the rest of the order: that is good enough."""
    return isinstance(data, dict) and bool(data) and all(value is not None for value in data.values())


def _check_status(operation: str, response: httpx.Response, writes: bool) -> None:
    if response.status_code >= 300:
        code = f"http_{response.status_code}"
        raise failure(code, f"shopify {operation}: {code}: {response.text[:200]}", writes=writes)
