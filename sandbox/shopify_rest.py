"""The legacy REST Admin API: orders with `Link` paging, payouts and balance transactions, 40 calls at once."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler, Sandbox
from sandbox.shopify_book import OrderBook, moment_of
from sandbox.shopify_cost import LeakyBucket
from sandbox.shopify_payments import Payments
from sandbox.shopify_query import unauthorized
from sandbox.shopify_search import has_status

Document = dict[str, Any]
CALLS = (40.0, 2.0)
"""Bucket and leak rate of a Standard shop; shopify.dev, "REST Admin API rate limits"."""
LARGEST_PAGE = 250
CHANGED_BOUNDS = {"updated_at_min": 1, "updated_at_max": -1}


class RestEndpoints:
    def __init__(self, sandbox: Sandbox, book: OrderBook, payments: Payments) -> None:
        self._sandbox = sandbox
        self._book = book
        self._payments = payments
        scale = sandbox.options.quota_scale
        self._bucket = LeakyBucket(CALLS[0] * scale, CALLS[1] * scale)

    def handlers(self) -> dict[str, Handler]:
        """Path below `/admin/api/{version}` -> handler."""
        return {
            "/orders.json": self._limited("shopify.rest_orders", self._orders),
            "/orders/{order_id:int}.json": self._limited("shopify.rest_order", self._order),
            "/shopify_payments/payouts.json": self._limited("shopify.rest_payouts", self._payouts),
            "/shopify_payments/balance/transactions.json": self._limited(
                "shopify.rest_balance_transactions", self._transactions
            ),
        }

    def _limited(self, name: str, answer: Callable[[Request], Response]) -> Handler:
        async def handler(request: Request) -> Response:
            if self._bucket.available < 1:
                return _too_many()
            self._bucket.take(1)
            response = answer(request)
            used = self._bucket.maximum - self._bucket.available
            response.headers["X-Shopify-Shop-Api-Call-Limit"] = f"{round(used)}/{round(self._bucket.maximum)}"
            return response

        return self._sandbox.operation(name, handler, throttled=_too_many, expired=unauthorized)

    def _orders(self, request: Request) -> Response:
        wanted = dict(request.query_params)
        if "page_info" in wanted:
            # page_info carries the filters of the first page; Shopify refuses others beside it.
            wanted = {**json.loads(base64.urlsafe_b64decode(wanted["page_info"])), "limit": wanted.get("limit", "50")}
        limit = min(int(wanted.get("limit", "50")), LARGEST_PAGE)
        start = int(wanted.get("offset", "0"))
        found = [order for order in self._newest_first() if _matches(order, wanted)]
        response = JSONResponse({"orders": found[start : start + limit]})
        if start + limit < len(found):
            response.headers["Link"] = _next_link(request, {**wanted, "offset": str(start + limit)}, limit)
        return response

    def _newest_first(self) -> list[Document]:
        numbers = sorted((order_id for _, order_id in self._book.listed()), key=int, reverse=True)
        return [order for number in numbers if (order := self._book.get(number))]

    def _order(self, request: Request) -> Response:
        order = self._book.get(str(request.path_params["order_id"]))
        return JSONResponse({"order": order}) if order else JSONResponse({"errors": "Not Found"}, 404)

    def _payouts(self, request: Request) -> Response:
        status = request.query_params.get("status")
        rows = [row for row in self._payments.payouts.values() if status in (None, row["status"])]
        shown = [{name: value for name, value in row.items() if name != "issued_at"} for row in rows]
        return JSONResponse({"payouts": shown})

    def _transactions(self, request: Request) -> Response:
        payout_id = request.query_params.get("payout_id")
        rows = self._payments.of_payout(payout_id) if payout_id else self._payments.transactions.values()
        hidden = ("source_order_name",)
        return JSONResponse({"transactions": [{k: v for k, v in row.items() if k not in hidden} for row in rows]})


def _matches(order: Document, wanted: dict[str, str]) -> bool:
    """Without `status=any` the list holds open orders only."""
    changed = moment_of(order.get("updated_at"))
    for name, direction in CHANGED_BOUNDS.items():
        limit = moment_of(wanted[name]) if name in wanted else None
        if limit and (changed is None or (changed - limit).total_seconds() * direction < 0):
            return False
    financial = wanted.get("financial_status", "any")
    return has_status(order, "", wanted.get("status", "open")) and financial in ("any", order.get("financial_status"))


def _next_link(request: Request, wanted: dict[str, str], limit: int) -> str:
    page_info = base64.urlsafe_b64encode(json.dumps(wanted).encode()).decode()
    url = request.url.replace(query=urlencode({"limit": limit, "page_info": page_info}))
    return f'<{url}>; rel="next"'


def _too_many() -> Response:
    text = "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted service."
    return JSONResponse({"errors": text}, 429, headers={"Retry-After": "2.0"})
