"""One Shopify shop: reads changed orders, tells parcels, reads payouts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from connectors.errors import Declined, SchemaDrift
from connectors.ports import OrderPage, PolledOrder, SettlementRef
from connectors.registry import ChannelConnection
from connectors.shopify import queries
from connectors.shopify.fulfilment import already_told, batches, open_lines
from connectors.shopify.graphql import ShopifyGraphql, TooCostly
from connectors.shopify.node import Node
from connectors.shopify.order import CHANNEL, external_id, version_of
from connectors.shopify.parse_graphql import needs_history, next_lines, with_more_lines
from connectors.shopify.watermark import Watermark
from models.fulfilment import ConfirmedParcel

PAGE_SIZE = 10
HISTORY_DAYS = 60
"""How far back an app sees orders without the scope `read_all_orders`, and how far back payouts are looked for."""


class ShopifyChannel:
    """`transport` is for tests; `clock` says when a first poll without a configured start begins."""

    name = CHANNEL

    def __init__(
        self,
        connection: ChannelConnection,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = connection.account
        self._clock = clock
        self._options = connection.options
        self._graphql = ShopifyGraphql(connection, transport)
        self._page_size = PAGE_SIZE

    async def aclose(self) -> None:
        await self._graphql.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        """One page of orders, oldest change first. Options: `start` (ISO time), `overlap_seconds`."""
        mark = Watermark.load(cursor) if cursor else Watermark.starting(self._start())
        page = await self._orders_page(mark)
        orders = [await self._polled(node) for node in page["nodes"]]
        newest = max((order.version for order in orders), default=mark.newest)
        following = mark.after_page(newest, page["pageInfo"])
        return OrderPage(orders=tuple(orders), cursor=following.dump(), more=bool(following.after))

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """Create the fulfilments of a parcel, one a location; on a retry only those that are not there yet."""
        order = await self._order_to_fulfil(parcel)
        told = already_told(order, parcel) if retry else {}
        units = {line: count - told.get(line, 0) for line, count in parcel.units.items() if count > told.get(line, 0)}
        for batch in batches(open_lines(order), units):
            await self._fulfil(parcel, batch)

    async def settlements(self) -> list[SettlementRef]:
        since = (self._clock() - timedelta(days=HISTORY_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
        variables = {"query": f"status:paid issued_at:>='{since}'"}
        return [
            SettlementRef(settlement_id=Node(node).at("legacyResourceId", "id").identity(), document_id=node["id"])
            async for node in self._payments("payouts", queries.PAYOUTS, variables)
            if node["status"] == "PAID"
        ]

    async def settlement(self, ref: SettlementRef) -> bytes:
        """`{"payout": …, "transactions": […]}` with the transactions of all pages."""
        variables = {"id": ref.document_id, "query": f"payments_transfer_id:{ref.settlement_id}"}
        document: dict[str, Any] = {"payout": None, "transactions": []}
        async for node in self._payments("balanceTransactions", queries.PAYOUT_TRANSACTIONS, variables, document):
            document["transactions"].append(node)
        return _encoded(document)

    def _start(self) -> datetime:
        configured = self._options.get("start")
        if configured is None:
            return self._clock() - timedelta(days=HISTORY_DAYS)
        return Node(configured, "options.start").moment()

    async def _orders_page(self, mark: Watermark) -> dict[str, Any]:
        overlap = timedelta(seconds=int(self._options.get("overlap_seconds", 60)))
        while True:
            variables = {"first": self._page_size, "after": mark.after, "query": mark.query(overlap)}
            try:
                data = await self._graphql.run("orders", queries.ORDERS, variables)
            except TooCostly as error:
                if self._page_size == 1:
                    raise Declined(str(error), code="max_cost_exceeded") from error
                self._page_size //= 2
                continue
            return dict(data["orders"])

    async def _polled(self, head: dict[str, Any]) -> PolledOrder:
        order = await self._whole(head)
        node = Node(order, "data.order", camel=True)
        body = _encoded({"data": {"order": order}})
        return PolledOrder(external_id=external_id(node), version=version_of(node), body=body)

    async def _whole(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order with its history and all pages of its lines."""
        if needs_history(order):
            order = await self._read(queries.ORDER, {"id": order["id"]})
        while after := next_lines(order):
            more = await self._read(queries.ORDER_LINES, {"id": order["id"], "after": after})
            order = with_more_lines(order, more)
        return order

    async def _read(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        data = await self._graphql.run("order", query, variables)
        if not isinstance(data.get("order"), dict):
            raise SchemaDrift("missing", "data.order", data.get("order"), f"{variables['id']} was listed a moment ago.")
        return dict(data["order"])

    async def _order_to_fulfil(self, parcel: ConfirmedParcel) -> Node:
        order_id = parcel.order_key.external_id
        variables = {"id": f"gid://shopify/Order/{order_id}"}
        data = await self._graphql.run(
            "fulfillment_orders", queries.FULFILMENT_ORDERS, variables, correlation_id=parcel.correlation_id
        )
        if not isinstance(data.get("order"), dict):
            raise Declined(f"Shopify knows no order {order_id}", code="order_not_found", field="order_id")
        return Node(data["order"], "data.order", camel=True)

    async def _fulfil(self, parcel: ConfirmedParcel, batch: list[dict[str, Any]]) -> None:
        tracking = {"company": parcel.carrier, "number": parcel.tracking}
        wanted = {
            "lineItemsByFulfillmentOrder": batch,
            "notifyCustomer": bool(self._options.get("notify_customer", False)),
            "trackingInfo": {name: value for name, value in tracking.items() if value},
        }
        data = await self._graphql.run(
            "fulfillment_create",
            queries.FULFIL,
            {"fulfillment": wanted},
            writes=True,
            correlation_id=parcel.correlation_id,
        )
        _check_user_errors(data.get("fulfillmentCreate") or {})

    async def _payments(
        self, connection: str, query: str, variables: dict[str, Any], document: dict[str, Any] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Nodes of all pages of a connection of the payments account; none when the shop has no Shopify Payments."""
        after: str | None = None
        while True:
            data = await self._graphql.run(connection, query, {**variables, "after": after})
            if document is not None:
                document["payout"] = data.get("node")
            account = data.get("shopifyPaymentsAccount")
            if account is None:
                return
            page = account[connection]
            for node in page["nodes"]:
                yield node
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]


def _check_user_errors(payload: dict[str, Any]) -> None:
    """Business refusals come with HTTP 200 and no top-level error."""
    errors = payload.get("userErrors") or []
    if errors:
        first = errors[0]
        field = ".".join(map(str, first.get("field") or ())) or None
        message = "; ".join(str(error.get("message")) for error in errors)
        raise Declined(
            f"Shopify declined the fulfilment: {message}", code=first.get("code") or "user_error", field=field
        )
    if payload.get("fulfillment") is None:
        raise SchemaDrift("missing", "data.fulfillmentCreate.fulfillment", None, "Look whether it was created.")


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), default=_exact_number).encode()


def _exact_number(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} has no place in a JSON document")
