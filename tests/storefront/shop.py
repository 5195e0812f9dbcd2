"""The shop's twin in the test's own process, a channel that speaks with it, and orders to read."""

from __future__ import annotations

import asyncio
import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

from connectors.registry import ChannelConnection
from connectors.storefront.client import StorefrontChannel
from connectors.storefront.format import StorefrontFormat
from models.order import Order
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.goods import LISTINGS
from sandbox.storefront import StorefrontTwin
from sandbox.traits import Traits
from sandbox.webhooks import WebhookSender

JOB_DELAY = 0.01
CORRELATION = "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10"
VAT_ORDER: dict[str, Any] = {
    "id": "SF-20011",
    "number": "#20011",
    "created_at": "2026-11-23T09:12:44Z",
    "updated_at": "2026-11-23T09:12:44.120331Z",
    "state": "open",
    "currency": "EUR",
    "prices_include_tax": True,
    "lines": [
        {
            "id": "1",
            "sku": "TENT-4P-GRN",
            "title": "Tent for four, green",
            "quantity": 2,
            "unit_price": "249.00",
            "price": "498.00",
            "discounts": [{"amount": "49.80", "funded_by": "seller", "code": "TENOFF"}],
            "taxes": [{"amount": "71.56", "collected_by": "seller", "rate": "0.19", "jurisdiction": "DE"}],
        }
    ],
    "charges": [
        {
            "kind": "shipping",
            "amount": "4.90",
            "taxes": [{"amount": "0.78", "collected_by": "seller", "rate": "0.19"}],
        }
    ],
    "total": "453.10",
}


def order(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(VAT_ORDER), **changes}


def line(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(VAT_ORDER["lines"][0]), **changes}


def body(document: Any) -> bytes:
    return json.dumps(document).encode()


class SentWebhooks(WebhookSender):
    """Keeps what would be posted."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.sent: list[tuple[Mapping[str, str], bytes]] = []

    def send(self, path: str, body: bytes, headers: Mapping[str, str], *, key: str, copies: int = 1) -> None:
        assert path == "/webhooks/storefront/shop"
        self.sent.extend([(dict(headers), body)] * copies)

    @property
    def topics(self) -> list[str]:
        return [headers["Orderyard-Topic"] for headers, _ in self.sent]


@dataclass
class Shop:
    options: SandboxOptions = field(
        default_factory=lambda: SandboxOptions(base_url="http://shop.test", quota_scale=1000, job_delay=JOB_DELAY)
    )
    channels: list[StorefrontChannel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(self.options)
        self.webhooks = SentWebhooks(self.sandbox)
        self.twin = StorefrontTwin(self.sandbox, self.webhooks)
        self.app = Starlette(routes=self.twin.routes())

    def sell(self, number: int = 1, *items: tuple[Any, int], **traits: Any) -> str:
        return self.twin.sell(Traits(number, items or ((LISTINGS[0], 3), (LISTINGS[3], 1)), **traits))

    def connection(self, options: dict[str, Any] | None = None, **changes: Any) -> ChannelConnection:
        entry = {**self.twin.connection(), "quota_scale": self.options.quota_scale, **changes}
        return ChannelConnection.model_validate({**entry, "options": {**entry["options"], **(options or {})}})

    def channel(
        self, options: dict[str, Any] | None = None, transport: httpx.AsyncBaseTransport | None = None, **changes: Any
    ) -> StorefrontChannel:
        asgi = transport or httpx.ASGITransport(self.app)
        self.channels.append(StorefrontChannel(self.connection(options, **changes), asgi))
        return self.channels[-1]

    def client(self) -> httpx.AsyncClient:
        given = self.twin.credentials()
        headers = {"Authorization": f"Bearer {given['token']}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=given["base_url"], headers=headers)

    def document(self, order_id: str) -> dict[str, Any]:
        """The order as the shop has it."""
        found = self.sandbox.shelf.collection("storefront.orders").get(order_id)
        assert found is not None
        return dict(copy.deepcopy(found))

    def order(self, order_id: str) -> Order:
        parsed = StorefrontFormat().parse(body(self.document(order_id)), "shop")
        assert not parsed.refusals, parsed.refusals
        return parsed.orders[0]

    def effects(self, effect: str) -> list[dict[str, Any]]:
        return self.sandbox.ledger.entries("storefront", effect)

    def fault(self, operation: str, kind: FaultKind, **more: Any) -> None:
        assert operation in self.sandbox.operations
        self.sandbox.faults.add(Fault(operation=operation, kind=kind, times=1, **more))

    async def aclose(self) -> None:
        for channel in self.channels:
            await channel.aclose()
        for task in list(self.sandbox.tasks):
            task.cancel()
        await asyncio.gather(*self.sandbox.tasks, return_exceptions=True)
        await self.webhooks.aclose()
        self.sandbox.shelf.close()


async def until(holds: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        await asyncio.sleep(0.005)
