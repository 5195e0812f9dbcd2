"""Calls to one shop's API: its key on each, its shop id where the user has several, its refusals in our vocabulary."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any

import httpx

from connectors.errors import Declined, SchemaDrift
from connectors.http import VendorClient
from connectors.limiter import RateLimiter
from connectors.mirakl.node import Node, decode
from connectors.mirakl.quotas import QUOTAS
from connectors.registry import ChannelConnection

_CODE = re.compile(r"\b[A-Z]{3,}(?:_[A-Z]+)+\b", re.ASCII)
JSON, CSV = "application/json", "text/csv"
_OF_STATUS = {404: "not_found", 413: "too_large"}


class ShopKey(httpx.Auth):
    """The shop's API key, bare. It is read for each call: one that was rotated in its file counts at once."""

    def __init__(self, connection: ChannelConnection) -> None:
        self._connection = connection
        connection.secret("api_key")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._connection.secret("api_key")
        yield request


class MiraklApi:
    def __init__(self, connection: ChannelConnection, transport: httpx.AsyncBaseTransport | None) -> None:
        shop = connection.options.get("shop_id")
        self._params = {"shop_id": str(shop)} if shop else {}
        self.limiter = RateLimiter(QUOTAS, scale=connection.quota_scale)
        self._client = VendorClient(
            "mirakl",
            connection.base_url,
            auth=ShopKey(connection),
            limiter=self.limiter,
            headers={"accept": JSON},
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def get(
        self, operation: str, path: str, params: Mapping[str, str] | None = None, *, accept: str = JSON
    ) -> httpx.Response:
        """Raises `Declined` for a 4xx."""
        all_params = {**self._params, **(params or {})}
        response = await self._client.send(operation, "GET", path, params=all_params, headers={"accept": accept})
        return _accepted(response, operation)

    async def write(self, operation: str, method: str, path: str, body: Any, correlation_id: str) -> httpx.Response:
        """Raises `Declined` for a 4xx, `InDoubt` when the reply is lost."""
        response = await self._client.send(
            operation,
            method,
            path,
            json=body,
            params=self._params,
            correlation_id=correlation_id,
            writes=True,
        )
        return _accepted(response, operation)

    async def upload(self, operation: str, path: str, name: str, content: bytes) -> httpx.Response:
        files = {"file": (name, content, "text/csv")}
        response = await self._client.send(operation, "POST", path, files=files, params=self._params, writes=True)
        return _accepted(response, operation)


def document(response: httpx.Response, operation: str) -> Node:
    """The JSON object of an answer. Raises `SchemaDrift` for anything else."""
    try:
        value = decode(response.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        remedy = f"{operation} answers with a JSON object; is there a proxy in between?"
        raise SchemaDrift("not_json", "$", response.content[:60], remedy)
    return Node(value)


def _accepted(response: httpx.Response, operation: str) -> httpx.Response:
    if response.status_code < 400:
        return response
    error = _error(response)
    code, field, words = (error[name].text() for name in ("code", "field", "message"))
    known = code or next(iter(_CODE.findall(words)), "")
    status = response.status_code
    raise Declined(
        f"{operation}: {words or f'HTTP {status}'}",
        code=known or _OF_STATUS.get(status, f"http_{status}"),
        field=field or None,
    )


def _error(response: httpx.Response) -> Node:
    """`{"errors": [{code, field, message}]}`, or one such error alone (`{"status": 400, "message": …}`)."""
    try:
        root = Node(decode(response.content))
        return next(root["errors"].each(), root)
    except (ValueError, SchemaDrift):
        return Node(None)
