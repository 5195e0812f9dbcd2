"""Reads orders: the changed ones page by page, and one of them as it stands now."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import Declined, SchemaDrift
from connectors.patience import patiently
from connectors.ports import OrderPage, PolledOrder
from connectors.shopify import queries
from connectors.shopify.failing import TooCostly
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.node import Node
from connectors.shopify.order import external_id, version_of
from connectors.shopify.parse_graphql import needs_history, next_lines, with_more_lines
from connectors.shopify.watermark import Watermark

PAGE_SIZE = 10
HISTORY_DAYS = 60
"""How far back an app sees orders without the scope `read_all_orders`, and how far back payouts are looked for."""


class OrderReader:
    """Options of the connection: `start` (ISO time), `overlap_seconds`."""

    def __init__(self, graphql: ShopifyGraphql, options: Mapping[str, Any], clock: Callable[[], datetime]) -> None:
        self._graphql = graphql
        self._options = options
        self._clock = clock
        self._page_size = PAGE_SIZE

    def mark(self, cursor: str | None) -> Watermark:
        return Watermark.load(cursor) if cursor else Watermark.starting(self._start())

    @property
    def overlap(self) -> timedelta:
        return timedelta(seconds=int(self._options.get("overlap_seconds", 60)))

    async def page(self, cursor: str | None) -> OrderPage:
        """One page of orders, oldest change first."""
        mark = self.mark(cursor)
        page = await self._orders_page(mark)
        orders = [await self._polled(node) for node in page["nodes"]]
        newest = max((order.version for order in orders), default=mark.newest)
        following = mark.after_page(newest, page["pageInfo"])
        return OrderPage(orders=tuple(orders), cursor=following.dump(), more=bool(following.after))

    async def order(self, order_id: str) -> bytes:
        """Raises `Declined` (`not_found`)."""
        data = await self._graphql.run("order", queries.ORDER, {"id": order_gid(order_id)})
        if not isinstance(data.get("order"), dict):
            raise not_found(order_id)
        return encoded({"data": {"order": await self._with_all_lines(dict(data["order"]))}})

    def _start(self) -> datetime:
        configured = self._options.get("start")
        if configured is None:
            return self._clock() - timedelta(days=HISTORY_DAYS)
        return Node(configured, "options.start").moment()

    async def _orders_page(self, mark: Watermark) -> dict[str, Any]:
        while True:
            variables = {"first": self._page_size, "after": mark.after, "query": mark.query(self.overlap)}
            try:
                data = await self._graphql.run("orders", queries.ORDERS, variables)
            except TooCostly:
                if self._page_size == 1:
                    raise
                self._page_size //= 2
                continue
            return dict(data["orders"])

    async def _polled(self, head: dict[str, Any]) -> PolledOrder:
        if needs_history(head):
            head = await self._read(queries.ORDER, {"id": head["id"]})
        order = await self._with_all_lines(head)
        node = Node(order, "data.order", camel=True)
        body = encoded({"data": {"order": order}})
        return PolledOrder(external_id=external_id(node), version=version_of(node), body=body)

    async def _with_all_lines(self, order: dict[str, Any]) -> dict[str, Any]:
        while after := next_lines(order):
            more = await self._read(queries.ORDER_LINES, {"id": order["id"], "after": after}, "order_lines")
            order = with_more_lines(order, more)
        return order

    async def _read(self, query: str, variables: dict[str, Any], operation: str = "order") -> dict[str, Any]:
        data = await patiently(lambda: self._graphql.run(operation, query, variables))
        if not isinstance(data.get("order"), dict):
            raise SchemaDrift("missing", "data.order", data.get("order"), f"{variables['id']} was listed a moment ago.")
        return dict(data["order"])


def order_gid(order_id: str) -> str:
    return f"gid://shopify/Order/{order_id}"


def not_found(order_id: str) -> Declined:
    return Declined(f"Shopify knows no order {order_id}", code="not_found", field="order_id")


def encoded(document: dict[str, Any] | None) -> bytes:
    return json.dumps(document, separators=(",", ":"), default=_exact_number).encode()


def _exact_number(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} has no place in a JSON document")
