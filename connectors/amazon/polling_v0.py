"""The same walk over the v0 reads (getOrders, getOrderItems, getOrderAddress): for compatibility until 2027-03-27."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.auth import TOKEN_HEADER, restricted_token_request
from connectors.amazon.node import Node
from connectors.amazon.polling import NO_VERSION, Cursor, OrderWalk, written
from connectors.patience import patiently
from connectors.ports import OrderPage, PolledOrder

LARGEST_PAGE = 100


class OrderWalkV0(OrderWalk):
    path = "/orders/v0/orders"

    async def page(self, cursor: str | None) -> OrderPage:
        at = Cursor.model_validate_json(cursor) if cursor else Cursor(after=self._start())
        response = await self._read(at)
        if response.status_code == 400 and at.token:
            at = Cursor(after=at.after)
            response = await self._read(at)
        payload = document(response, "get orders")["payload"]
        orders = [await self._whole(order) for order in payload["Orders"].each()]
        return self._turned(at, payload["NextToken"], payload["LastUpdatedBefore"], tuple(orders))

    async def one(self, external_id: str) -> bytes:
        path = f"{self.path}/{quote(external_id, safe='')}"
        answer = document(await self._client.send(quotas.GET_ORDER, "GET", path), "get order")
        return (await self._whole(answer["payload"])).body

    async def _read(self, at: Cursor) -> httpx.Response:
        params = {
            "LastUpdatedAfter": written(at.after),
            "MarketplaceIds": self._marketplaces,
            "MaxResultsPerPage": str(min(self._page_size, LARGEST_PAGE)),
        }
        if at.token:
            params["NextToken"] = at.token
        return await self._client.send(quotas.GET_ORDERS_V0, "GET", self.path, params=params)

    async def _whole(self, order: Node) -> PolledOrder:
        """The order with its items and its address beside it, as `parse` takes them."""
        external_id = order["AmazonOrderId"].identifier()
        whole: dict[str, Any] = {"order": order.value}
        whole["orderItems"] = await patiently(lambda: self._items(external_id))
        if order["FulfillmentChannel"].value == "MFN" and order["OrderStatus"].value != "Pending":
            whole["address"] = await patiently(lambda: self._address(external_id))
        return PolledOrder(
            external_id=external_id,
            version=order["LastUpdateDate"].moment_if_readable() or NO_VERSION,
            body=json.dumps(whole, default=str).encode(),
        )

    async def _items(self, external_id: str) -> list[Any]:
        path = f"{self.path}/{quote(external_id, safe='')}/orderItems"
        items: list[Any] = []
        params: dict[str, str] = {}
        while True:
            response = await self._client.send(quotas.GET_ORDER_ITEMS_V0, "GET", path, params=params)
            payload = document(response, "get order items")["payload"]
            items += [item.value for item in payload["OrderItems"].each()]
            if not payload["NextToken"]:
                return items
            params = {"NextToken": payload["NextToken"].text()}

    async def _address(self, external_id: str) -> Any:
        """Addresses are restricted data: they need a token for exactly this path (Tokens API 2021-03-01)."""
        path = f"{self.path}/{external_id}/address"
        granted = await self._client.send(
            quotas.CREATE_RESTRICTED_TOKEN,
            "POST",
            "/tokens/2021-03-01/restrictedDataToken",
            json=restricted_token_request(path),
        )
        token = document(granted, "create restricted data token")["restrictedDataToken"].identifier()
        headers = {TOKEN_HEADER: token}
        response = await self._client.send(quotas.GET_ORDER_ADDRESS_V0, "GET", path, headers=headers)
        return document(response, "get order address")["payload"].value
