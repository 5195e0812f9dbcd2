"""The shop's callback API: its operations, their published quotas, and one way to call each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO
from urllib.parse import quote

import httpx

from connectors.errors import Declined
from connectors.http import VendorClient
from connectors.limiter import RateLimiter
from connectors.registry import ChannelConnection
from connectors.storefront.auth import BearerToken
from connectors.storefront.wire import Document
from models.channel import QuotaLeft

LIST_ORDERS = "storefront.list_orders"
GET_ORDER = "storefront.get_order"
ACKNOWLEDGE = "storefront.acknowledge"
SHIP = "storefront.ship"
CANCEL = "storefront.cancel"
REFUND = "storefront.refund"
LIST_RETURNS = "storefront.list_returns"
DECIDE_RETURN = "storefront.decide_return"
SET_STOCK = "storefront.set_stock"
LIST_PAYOUTS = "storefront.list_payouts"
GET_PAYOUT = "storefront.get_payout"

QUOTAS: dict[str, tuple[float, int]] = {
    LIST_ORDERS: (5.0, 20),
    GET_ORDER: (20.0, 40),
    ACKNOWLEDGE: (20.0, 40),
    SHIP: (20.0, 40),
    CANCEL: (10.0, 20),
    REFUND: (10.0, 20),
    LIST_RETURNS: (5.0, 20),
    DECIDE_RETURN: (10.0, 20),
    SET_STOCK: (2.0, 10),
    LIST_PAYOUTS: (1.0, 10),
    GET_PAYOUT: (1.0, 10),
}
"""Calls a second and burst: what the contract asks a shop to grant at least."""
SHARE = 0.95
"""Of a quota that we use: calls do not arrive exactly as far apart as they are sent."""
RATE_HEADER = "Orderyard-Rate-Limit"


def granted_rate(response: httpx.Response) -> float | None:
    """Our share of the calls a second that the shop grants this operation, when it says so."""
    try:
        return float(response.headers[RATE_HEADER]) * SHARE
    except (KeyError, ValueError):
        return None


class StorefrontApi:
    def __init__(self, connection: ChannelConnection, transport: httpx.AsyncBaseTransport | None) -> None:
        self._offered = bool(connection.base_url)
        self._limiter = RateLimiter(QUOTAS, scale=connection.quota_scale * SHARE)
        self._client = VendorClient(
            "storefront",
            connection.base_url,
            auth=BearerToken(connection) if self._offered else None,
            limiter=self._limiter,
            rate_of=granted_rate,
            headers={"Accept": "application/json"},
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    def quotas(self) -> tuple[QuotaLeft, ...]:
        return self._limiter.levels()

    async def read(self, operation: str, path: str, params: Mapping[str, str] | None = None) -> httpx.Response:
        self._check_offered(operation)
        return await self._client.send(operation, "GET", path, params=params)

    async def download(self, operation: str, path: str, into: BinaryIO) -> httpx.Response:
        """As `VendorClient.download`."""
        self._check_offered(operation)
        return await self._client.download(operation, path, into)

    async def write(
        self, operation: str, path: str, body: Document, *, correlation_id: str, key: str, method: str = "POST"
    ) -> httpx.Response:
        """`key`: the idempotency key. The shop has the effect once, however often it hears of it."""
        self._check_offered(operation)
        return await self._client.send(
            operation,
            method,
            path,
            json=body.model_dump(mode="json", exclude_none=True),
            correlation_id=correlation_id,
            idempotency_key=key,
            writes=True,
        )

    def _check_offered(self, operation: str) -> None:
        if not self._offered:
            remedy = "the connection has no base_url, so the shop cannot be called"
            raise Declined(f"{operation}: {remedy}", code="unsupported", field="base_url")


def order_path(external_id: str, what: str = "") -> str:
    return f"/orders/{quote(external_id, safe='')}{what}"
