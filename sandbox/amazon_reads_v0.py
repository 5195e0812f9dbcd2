"""Orders API v0: the reads that Amazon ends on 2027-03-27."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.amazon_answers import Payload, Refused, invalid, not_found, now, read_moment, written
from sandbox.amazon_shelf import AmazonShelf
from sandbox.amazon_v0 import STATUSES, address_to_v0, items_to_v0, to_v0


class AmazonReadsV0:
    def __init__(self, shelf: AmazonShelf) -> None:
        self._shelf = shelf

    async def orders(self, request: Request) -> Response:
        """`GET /orders/v0/orders`."""
        query = request.query_params
        marketplaces = query.get("MarketplaceIds", "").split(",")
        if not marketplaces[0]:
            raise invalid("MarketplaceIds is required.")
        by = "created" if "CreatedAfter" in query else "updated"
        if ("CreatedAfter" in query) == ("LastUpdatedAfter" in query):
            raise invalid("Exactly one of CreatedAfter and LastUpdatedAfter must be provided.")
        name = "CreatedAfter" if by == "created" else "LastUpdatedAfter"
        after = read_moment(query[name], name)
        records = self._shelf.records()
        until, start = _opened(query.get("NextToken"))
        found = [
            record
            for record in records
            if after <= datetime.fromisoformat(record[by]) <= until
            and (record[by], record["id"]) > start
            and _sayable(record["order"])
            and record["order"]["salesChannel"].get("marketplaceId") in marketplaces
        ]
        found.sort(key=lambda record: (record[by], record["id"]))
        size = int(query["MaxResultsPerPage"]) if query.get("MaxResultsPerPage", "").isdigit() else 100
        page = found[: max(1, min(size, 100))]
        body: Payload = {"Orders": [to_v0(record["order"]) for record in page]}
        body["CreatedBefore" if by == "created" else "LastUpdatedBefore"] = written(until)
        if len(found) > len(page):
            body["NextToken"] = _sealed(until, page[-1][by], page[-1]["id"])
        return JSONResponse({"payload": body})

    async def order(self, request: Request) -> Response:
        """`GET /orders/v0/orders/{orderId}`."""
        return JSONResponse({"payload": to_v0(self._order(request))})

    async def items(self, request: Request) -> Response:
        """`GET /orders/v0/orders/{orderId}/orderItems`."""
        order = self._order(request)
        return JSONResponse({"payload": {"AmazonOrderId": order["orderId"], "OrderItems": items_to_v0(order)}})

    async def address(self, request: Request) -> Response:
        """`GET /orders/v0/orders/{orderId}/address`: restricted data."""
        order = self._order(request)
        address = address_to_v0(order)
        payload: dict[str, Any] = {"AmazonOrderId": order["orderId"]}
        return JSONResponse({"payload": payload | ({"ShippingAddress": address} if address else {})})

    def _order(self, request: Request) -> Payload:
        record = self._shelf.get(request.path_params["order_id"])
        if record is None or not _sayable(record["order"]):
            raise not_found("The order")
        order: Payload = record["order"]
        return order


def _sayable(order: Payload) -> bool:
    """False for a loaded order that is too odd to be said in v0."""
    try:
        to_v0(order)
        items_to_v0(order)
    except (KeyError, TypeError, AttributeError):
        return False
    return order["fulfillment"]["fulfillmentStatus"] in STATUSES


def _sealed(until: datetime, updated: str, external_id: str) -> str:
    return base64.urlsafe_b64encode("|".join((until.isoformat(), updated, external_id)).encode()).decode()


def _opened(token: str | None) -> tuple[datetime, tuple[str, str]]:
    if not token:
        return now(), ("", "")
    try:
        until, updated, external_id = base64.urlsafe_b64decode(token).decode().split("|")
        return datetime.fromisoformat(until), (updated, external_id)
    except ValueError:
        raise Refused(400, "InvalidInput", "Invalid NextToken.") from None
