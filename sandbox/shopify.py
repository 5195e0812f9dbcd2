"""Shopify's twin: one shop with its Admin API (GraphQL and REST), its buyers, its webhooks and Shopify Payments."""

from __future__ import annotations

import hmac
import random
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.core import Handler, Sandbox
from sandbox.shopify_book import ACCOUNT, OrderBook, now
from sandbox.shopify_buyers import Buyers
from sandbox.shopify_cancel import Cancelling
from sandbox.shopify_edit import Editing
from sandbox.shopify_fulfil import Fulfilling
from sandbox.shopify_graphql import GraphqlEndpoint
from sandbox.shopify_hooks import CLIENT_SECRET, SHOP_DOMAIN, Hooks
from sandbox.shopify_loading import first_topic, next_topic, orders_of
from sandbox.shopify_orders import OrderWriter
from sandbox.shopify_payments import Payments
from sandbox.shopify_query import unauthorized
from sandbox.shopify_refunds import Refunds
from sandbox.shopify_rest import RestEndpoints
from sandbox.shopify_returns import Returns
from sandbox.shopify_root import Parts
from sandbox.shopify_stock import Inventory
from sandbox.traits import Traits
from sandbox.webhooks import WebhookSender

ACCESS_TOKEN = "shpat_sandbox_8d0b6a1e"
CLIENT_ID = "sandbox-app-5b2e"
TOKEN_SECONDS = 86399
SCOPE = "read_orders,write_orders,write_order_edits,write_fulfillments,write_returns,write_inventory"
SUPPORTED = ("2026-01", "2026-04", "2026-07", "2026-10", "unstable")


class ShopifyTwin:
    def __init__(self, sandbox: Sandbox, webhooks: WebhookSender) -> None:
        self._sandbox = sandbox
        self._book = OrderBook(sandbox)
        self._payments = Payments(sandbox, self._book)
        self._hooks = Hooks(webhooks)
        self._parts = self._made(sandbox)
        self._buyers = Buyers(sandbox, self._parts, self._hooks)
        self._graphql = GraphqlEndpoint(sandbox, self._parts)
        self._rest = RestEndpoints(sandbox, self._book, self._payments)
        self._tokens = sandbox.shelf.collection("shopify.tokens")

    def _made(self, sandbox: Sandbox) -> Parts:
        inventory = Inventory(sandbox, self._book)
        refunds = Refunds(sandbox, self._book, self._hooks, inventory)
        return Parts(
            book=self._book,
            payments=self._payments,
            refunds=refunds,
            cancelling=Cancelling(sandbox, self._book, refunds, self._hooks),
            editing=Editing(sandbox, self._book, refunds, self._hooks, inventory),
            returns=Returns(sandbox, self._book, refunds, self._hooks),
            inventory=inventory,
            fulfilling=Fulfilling(self._book, lambda order_id: self._buyers.shipped(order_id)),
        )

    def routes(self) -> list[Route]:
        api = "/admin/api/{version}"
        token = self._sandbox.operation("shopify.token", self._grant, throttled=_slow_down)
        return [
            Route("/admin/oauth/access_token", token, methods=["POST"]),
            Route(f"{api}/graphql.json", self._guarded(self._graphql.answer), methods=["POST"]),
            *(Route(f"{api}{path}", self._guarded(answer)) for path, answer in self._rest.handlers().items()),
        ]

    def connection(self) -> dict[str, Any]:
        return {
            "provider": "shopify",
            "account": ACCOUNT,
            "base_url": self._sandbox.options.base_url,
            "credentials": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            "webhook_secrets": [CLIENT_SECRET],
            "quota_scale": self._sandbox.options.quota_scale,
            "options": {"start": "2000-01-01T00:00:00Z", "overlap_seconds": 5},
        }

    def credentials(self) -> dict[str, str]:
        return {
            "base_url": f"{self._sandbox.options.base_url}/admin/api/2026-10",
            "shop": SHOP_DOMAIN,
            "access_token": ACCESS_TOKEN,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "webhook_secret": CLIENT_SECRET,
        }

    def sell(self, traits: Traits) -> str:
        """A buyer orders; returns the order's id."""
        order = OrderWriter(traits, self._sandbox.options.seed, now()).write()
        order_id = str(order["id"])
        self._book.add(order)
        if not traits.lose_webhook:
            self._announce(order, traits)
        self._parts.inventory.sell(order)
        self._buyers.bought(order, traits)
        return order_id

    def resume(self) -> None:
        """Jobs and buyers go on with what they were about when the sandbox stopped. Needs a running event loop."""
        self._parts.cancelling.resume()
        self._buyers.resume()

    def load(self, path: Path) -> list[str]:
        """Serve the orders of a file; returns their ids. Several documents of one id are its versions."""
        latest: dict[str, dict[str, Any]] = {}
        for order in orders_of(path):
            order_id = str(order.get("id") or "")
            before = latest.get(order_id)
            self._hooks.send(next_topic(before, order) if before else first_topic(order), order)
            if order_id.isdecimal():
                latest[order_id] = order
        for order_id, order in latest.items():
            self._book.add(order)
            if not self._graphql.readable(order_id):
                self._book.add(order, listed=False)
            elif order.get("financial_status") == "pending" and not order.get("cancelled_at"):
                self._buyers.pays(order_id, told=True)
        return list(latest)

    def close_period(self) -> list[str]:
        """Pay out what was shipped; returns the payouts' ids."""
        return self._payments.close_period()

    def _announce(self, order: dict[str, Any], traits: Traits) -> None:
        chance = random.Random(f"{self._sandbox.options.seed}/shopify-hooks/{traits.number}")
        if chance.random() < 0.1:
            # Shopify guarantees no order: the update may arrive before the creation.
            self._hooks.send("orders/updated", order)
        self._hooks.send("orders/create", order, copies=traits.duplicates)

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            if not self._known(request.headers.get("X-Shopify-Access-Token", "")):
                return unauthorized()
            response = await handler(request)
            response.headers["X-Shopify-API-Version"] = served(request.path_params["version"])
            return response

        return answer

    def _known(self, token: str) -> bool:
        if hmac.compare_digest(token.encode(), ACCESS_TOKEN.encode()):
            return True
        return float(self._tokens.get(token) or 0) > time.time()

    async def _grant(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        if any(form.get(name) != value for name, value in wanted.items()):
            return JSONResponse({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        token = f"shpat_{uuid.uuid4().hex}"
        self._tokens.put(token, time.time() + TOKEN_SECONDS)
        return JSONResponse({"access_token": token, "scope": SCOPE, "expires_in": TOKEN_SECONDS})


def served(version: str) -> str:
    """A version that has ended, or is not out yet, is answered with the oldest one that is supported."""
    return version if version in SUPPORTED else SUPPORTED[0]


def _slow_down() -> Response:
    return JSONResponse({"errors": "Too many requests"}, 429, headers={"Retry-After": "2.0"})
