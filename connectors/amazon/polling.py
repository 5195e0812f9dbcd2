"""Walks the orders changed since a watermark, page by page (searchOrders, Orders 2026-01-01)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.node import Node, decode
from connectors.errors import SchemaDrift
from connectors.http import VendorClient
from connectors.ports import OrderPage, PolledOrder
from connectors.raw import elements
from models.base import Model, Moment

INCLUDED = "BUYER,RECIPIENT,PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX"
OVERLAP_SECONDS = 120
"""How far a new walk goes back behind the last: changes become visible a little out of order."""
FIRST_WALK = timedelta(days=30)
NO_VERSION = datetime(1970, 1, 1, tzinfo=UTC)


class Cursor(Model):
    """Where a walk stands. `token` continues it; without one a new walk begins at `after`."""

    after: Moment
    token: str | None = None
    before: Moment | None = None
    """Up to when the walk's first page reached: the next watermark."""


def cursor_from(moment: datetime) -> str:
    """Where a walk begins that reads what changed at this moment and since."""
    return Cursor(after=moment).model_dump_json()


class OrderWalk:
    path = "/orders/2026-01-01/orders"

    def __init__(self, client: VendorClient, options: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._since = options.get("since")
        self._overlap = timedelta(seconds=float(options.get("overlap_seconds", OVERLAP_SECONDS)))
        self._page_size = int(options.get("page_size", 100))
        self._marketplaces = ",".join(str(each) for each in options.get("marketplace_ids", ()))

    async def page(self, cursor: str | None) -> OrderPage:
        """The next page. A page token that Amazon takes no more (24 hours, 400) restarts the walk at its watermark."""
        at = Cursor.model_validate_json(cursor) if cursor else Cursor(after=self._start())
        response = await self._read(at)
        if response.status_code == 400 and at.token:
            at = Cursor(after=at.after)
            response = await self._read(at)
        answer = document(response, "search orders")
        orders = tuple(polled(text) for text in elements(response.text, "orders"))
        return self._turned(at, answer["pagination"]["nextToken"], answer["lastUpdatedBefore"], orders)

    async def one(self, external_id: str) -> bytes:
        path = f"{self.path}/{quote(external_id, safe='')}"
        response = await self._client.send(quotas.GET_ORDER, "GET", path, params={"includedData": INCLUDED})
        document(response, "get order")
        return response.content

    def _start(self) -> datetime:
        return datetime.fromisoformat(self._since) if self._since else self._clock() - FIRST_WALK

    async def _read(self, at: Cursor) -> httpx.Response:
        """`lastUpdatedBefore` is left out: Amazon refuses one less than two minutes old, and states its own."""
        params = {
            "lastUpdatedAfter": written(at.after),
            "includedData": INCLUDED,
            "maxResultsPerPage": str(self._page_size),
        }
        if self._marketplaces:
            params["marketplaceIds"] = self._marketplaces
        if at.token:
            params["paginationToken"] = at.token
        return await self._client.send(quotas.SEARCH_ORDERS, "GET", self.path, params=params)

    def _turned(self, at: Cursor, token: Node, reached: Node, orders: tuple[PolledOrder, ...]) -> OrderPage:
        before = at.before or reached.moment_if_readable() or at.after + self._overlap
        if token:
            following = Cursor(after=at.after, token=token.text(), before=before)
        else:
            following = Cursor(after=max(at.after, before - self._overlap))
        return OrderPage(orders=orders, cursor=following.model_dump_json(), more=bool(token))


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def polled(text: str) -> PolledOrder:
    """One order, verbatim. One without a readable id or version is kept as well, to be refused where it is read."""
    node = Node(decode(text))
    try:
        external_id = node["orderId"].identifier()
    except SchemaDrift:
        external_id = "unreadable-" + hashlib.sha256(text.encode()).hexdigest()[:16]
    version = node["lastUpdatedTime"].moment_if_readable() or NO_VERSION
    return PolledOrder(external_id=external_id, version=version, body=f'{{"order":{text}}}'.encode())
