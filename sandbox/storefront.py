"""Storefront's twin: a retailer's own shop with its buyers, its webhooks and the callback API of our contract."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import storefront_answers as answers
from sandbox.core import Handler, Sandbox
from sandbox.storefront_book import ACCOUNT, Book, Document, moment_of
from sandbox.storefront_buyers import Buyers
from sandbox.storefront_hooks import KEY_ID, SECRET, Hooks
from sandbox.storefront_payouts import Payouts
from sandbox.storefront_returns import Returns, shown
from sandbox.storefront_stock import Stock
from sandbox.storefront_writes import Writes
from sandbox.traits import Traits
from sandbox.webhooks import WebhookSender

PREFIX = "/storefront"
OUT_OF_ORDER = 0.1
"""Share of orders whose update is told before their creation."""


class StorefrontTwin:
    def __init__(self, sandbox: Sandbox, webhooks: WebhookSender) -> None:
        self._sandbox = sandbox
        self._book = Book(sandbox)
        self._hooks = Hooks(webhooks)
        self._returns = Returns(self._book)
        self._writes = Writes(self._book)
        self._payouts = Payouts(sandbox, self._book)
        self._stock = Stock(self._book)
        self._buyers = Buyers(sandbox, self._book, self._returns)
        self._keys = sandbox.shelf.collection("storefront.keys")
        self._untold = sandbox.shelf.collection("storefront.untold")
        self._book.on_order = self._tell
        self._book.on_return = lambda topic, found: self._hooks.send(topic, shown(found))

    def routes(self) -> list[Route]:
        order, returned = "/orders/{order_id}", "/returns/{return_id}/decisions"
        write, returns = self._writes, self._returns
        return [
            self._route("list_orders", "/orders", self._list_orders, (5.0, 20)),
            self._route("get_order", order, self._get_order, (20.0, 40)),
            self._write("acknowledge", f"{order}/acknowledgement", write.acknowledge, (20.0, 40)),
            self._write("ship", f"{order}/shipments", write.ship, (20.0, 40)),
            self._write("cancel", f"{order}/cancellations", write.cancel, (10.0, 20)),
            self._write("refund", f"{order}/refunds", write.refund, (10.0, 20)),
            self._route("list_returns", "/returns", self._list_returns, (5.0, 20)),
            self._write("decide_return", returned, returns.decide, (10.0, 20)),
            self._write("set_stock", "/stock", self._stock.put, (2.0, 10), method="PUT"),
            self._route("list_payouts", "/payouts", self._payouts.listed, (1.0, 10)),
            self._route("get_payout", "/payouts/{payout_id}", self._payouts.one, (1.0, 10)),
        ]

    def connection(self) -> dict[str, Any]:
        return {
            "provider": "storefront",
            "account": ACCOUNT,
            "legal_entity": "Camp Deutschland GmbH",
            "base_url": f"{self._sandbox.options.base_url}{PREFIX}",
            "credentials": {"token": answers.TOKEN},
            "webhook_secrets": [SECRET],
            "options": {"start": "2000-01-01T00:00:00Z", "overlap_seconds": 5},
        }

    def credentials(self) -> dict[str, str]:
        return {
            "base_url": f"{self._sandbox.options.base_url}{PREFIX}",
            "token": answers.TOKEN,
            "webhook_key_id": KEY_ID,
            "webhook_secret": SECRET,
        }

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns the order's id."""
        order = self._buyers.order(traits)
        if traits.lose_webhook:
            self._untold.put(order["id"], True)
        else:
            self._announce(order, traits)
        return str(order["id"])

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file; returns their ids. Several documents of one id are its versions."""
        ids: dict[str, None] = {}
        for order in _orders_of(path):
            name = str(order.get("id") or "")
            self._hooks.send("orders/updated" if name in ids else "orders/created", order)
            if name and moment_of(order.get("updated_at")):
                ids[name] = None
                self._book.orders.put(_serviceable(order))
        return list(ids)

    def close_period(self) -> list[str]:
        return self._payouts.close_period()

    def resume(self) -> None:
        self._buyers.resume()

    def _announce(self, order: Document, traits: Traits) -> None:
        chance = random.Random(f"{self._sandbox.options.seed}/storefront-hooks/{traits.number}")
        if chance.random() < OUT_OF_ORDER:
            self._hooks.send("orders/updated", order)
        self._hooks.send("orders/created", order, copies=traits.duplicates)

    def _tell(self, topic: str, order: Document) -> None:
        """Whose first webhook is lost loses the others too: the line to the gateway was down for that buyer's order."""
        if order["id"] not in self._untold:
            self._hooks.send(topic, order)
        self._buyers.noticed(order)

    def _write(self, name: str, path: str, handler: Handler, quota: tuple[float, int], method: str = "POST") -> Route:
        return self._route(name, path, answers.once(self._keys, handler), quota, method, answers.declined)

    def _route(
        self,
        name: str,
        path: str,
        handler: Handler,
        quota: tuple[float, int],
        method: str = "GET",
        declined: Callable[[Request], Response] | None = None,
    ) -> Route:
        operation = self._sandbox.operation(
            f"storefront.{name}",
            answers.guarded(handler),
            throttled=answers.throttled,
            quota=quota,
            quota_headers=answers.rate_header,
            expired=answers.expired,
            declined=declined,
        )
        return Route(f"{PREFIX}{path}", operation, methods=[method])

    async def _list_orders(self, request: Request) -> Response:
        return answers.page(request, self._book.orders, "orders", lambda order: order)

    async def _list_returns(self, request: Request) -> Response:
        return answers.page(request, self._book.returns, "returns", shown)

    async def _get_order(self, request: Request) -> Response:
        order = self._book.orders.get(str(request.path_params["order_id"]))
        return JSONResponse(order) if order else answers.problem(404, "not_found", "There is no such order.", "id")


def _orders_of(path: Path) -> list[Document]:
    """The orders of a file: one, a list, or a page; none of what is not JSON or is something else."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    rows = document.get("orders", document) if isinstance(document, dict) else document
    rows = rows if isinstance(rows, list) else [rows]
    return [row for row in rows if isinstance(row, dict) and {"lines", "prices_include_tax"} <= row.keys()]


def _serviceable(order: Document) -> Document:
    """With the lists and counts that later requests add to."""
    lines = [{"quantity_shipped": 0, "quantity_cancelled": 0, **line} for line in order["lines"]]
    return {"parcels": [], "refunds": [], **order, "lines": lines}
