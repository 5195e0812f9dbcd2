"""A Shopify twin in the test's own process, a channel that speaks with it, and orders to read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette

from connectors.registry import ChannelConnection
from connectors.shopify.client import ShopifyChannel
from models.fulfilment import ConfirmedParcel
from models.order import OrderKey
from sandbox.core import Sandbox, SandboxOptions
from sandbox.shopify import ShopifyTwin
from sandbox.traits import draw
from sandbox.webhooks import WebhookSender

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts"
SAMPLES = CONTRACTS / "samples" / "shopify"
INTROSPECTION = CONTRACTS / "specs" / "shopify" / "admin_2026-10.introspection.json.gz"


class SentWebhooks(WebhookSender):
    """Keeps what would be posted."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    def send(self, path: str, body: bytes, headers: Any, *, key: str, copies: int = 1) -> None:
        self.sent.extend([(path, body, dict(headers))] * copies)

    @property
    def topics(self) -> list[str]:
        return [headers["X-Shopify-Topic"] for _, _, headers in self.sent]


@dataclass
class Shop:
    options: SandboxOptions = field(default_factory=lambda: SandboxOptions(base_url="http://shopify.test"))

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(self.options)
        self.webhooks = SentWebhooks(self.sandbox)
        self.twin = ShopifyTwin(self.sandbox, self.webhooks)
        self.app = Starlette(routes=self.twin.routes())

    def sell(self, number: int) -> str:
        return self.twin.sell(draw(self.options.seed, "shopify", number))

    def document(self, order_id: str) -> dict[str, Any]:
        """The order as the shop keeps it (REST shape)."""
        found = self.sandbox.shelf.collection("shopify.orders").get(order_id)
        assert found is not None
        return dict(found)

    def body(self, order_id: str) -> bytes:
        return json.dumps(self.document(order_id)).encode()

    def replace(self, order: dict[str, Any]) -> None:
        """What a merchant or an app does to an order behind our back."""
        self.twin._book.add(order)

    def connection(self, **changes: Any) -> ChannelConnection:
        return ChannelConnection.model_validate({**self.twin.connection(), **changes})

    def channel(self, **changes: Any) -> ShopifyChannel:
        return ShopifyChannel(self.connection(**changes), httpx.ASGITransport(self.app))

    def client(self) -> httpx.AsyncClient:
        headers = {"X-Shopify-Access-Token": self.twin.credentials()["access_token"]}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url=self.options.base_url, headers=headers)

    async def ask(self, query: str, /, **variables: Any) -> dict[str, Any]:
        async with self.client() as http:
            body = {"query": query, "variables": variables}
            answer = await http.post("/admin/api/2026-10/graphql.json", json=body)
            return dict(answer.json())


@asynccontextmanager
async def serving(shop: Shop) -> AsyncIterator[ShopifyChannel]:
    """The twin on a real port: a connection that breaks, breaks."""
    server = uvicorn.Server(uvicorn.Config(shop.app, port=0, log_level="critical", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    channel = ShopifyChannel(shop.connection(base_url=f"http://127.0.0.1:{port}"))
    try:
        yield channel
    finally:
        await channel.aclose()
        server.should_exit = True
        await task


async def until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.01)


def parcel(order_id: str, units: dict[str, int], tracking: str = "1Z999", **changes: Any) -> ConfirmedParcel:
    return ConfirmedParcel.model_validate(
        {
            "order_key": OrderKey(channel="shopify", account="main", external_id=order_id),
            "correlation_id": "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10",
            "shipment_id": f"SHIP-{tracking}",
            "package_number": 1,
            "carrier": "UPS",
            "tracking": tracking,
            "shipped_at": "2026-11-23T10:00:00Z",
            "units": units,
            **changes,
        }
    )


def money(amount: str, currency: str = "USD") -> dict[str, Any]:
    shown = {"amount": amount, "currency_code": currency}
    return {"shop_money": shown, "presentment_money": shown}


def line(**changes: Any) -> dict[str, Any]:
    return {
        "id": 901,
        "sku": "MUG",
        "title": "Mug",
        "variant_id": 55,
        "product_id": 66,
        "quantity": 2,
        "current_quantity": 2,
        "fulfillable_quantity": 2,
        "price": "10.00",
        "requires_shipping": True,
        "tax_lines": [],
        "discount_allocations": [],
        **changes,
    }


def order(**changes: Any) -> dict[str, Any]:
    """A plain paid order over 2 × 10.00 USD, in REST shape."""
    return {
        "id": 820982911946154508,
        "name": "#1001",
        "created_at": "2026-11-20T09:00:00-05:00",
        "updated_at": "2026-11-20T09:05:00-05:00",
        "cancelled_at": None,
        "currency": "USD",
        "financial_status": "paid",
        "fulfillment_status": None,
        "taxes_included": False,
        "total_price": "20.00",
        "total_tax": "0.00",
        "total_discounts": "0.00",
        "tax_lines": [],
        "line_items": [line()],
        "shipping_lines": [],
        "fulfillments": [],
        "refunds": [],
        "shipping_address": {"name": "Ann Bee", "address1": "1 Main St", "city": "Kyle", "country_code": "US"},
        **changes,
    }
