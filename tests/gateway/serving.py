"""The gateway's application behind a real socket, and senders that sign as the vendors do."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from connectors.registry import Connections
from connectors.shopify.webhook import sign
from gateway.app import create_app
from sandbox.shopify_hooks import CLIENT_SECRET
from sandbox.wms import WEBHOOK_SECRET

SHOPIFY, WMS = "/webhooks/shopify/main", "/webhooks/wms/main"


class Gateway:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def shopify(
        self, body: bytes, delivery_id: str | None = None, *, secret: str = CLIENT_SECRET, path: str = SHOPIFY
    ) -> httpx.Response:
        return await self.http.post(path, content=body, headers=signed(body, delivery_id, secret))

    async def wms(self, body: bytes, delivery_id: str = "report-1", secret: str = WEBHOOK_SECRET) -> httpx.Response:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Wms-Signature": f"sha256={signature}", "X-Wms-Delivery": delivery_id}
        return await self.http.post(WMS, content=body, headers=headers)

    async def figure(self, name: str, **labels: str) -> float:
        """A figure of `/metrics`; 0 when it is not there."""
        text = (await self.http.get("/metrics")).raise_for_status().text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return next((each.value for each in samples if each.name == name and each.labels == labels), 0.0)


def signed(body: bytes, delivery_id: str | None = None, secret: str = CLIENT_SECRET) -> dict[str, str]:
    return {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Webhook-Id": delivery_id or str(uuid4()),
        "X-Shopify-Hmac-SHA256": sign(body, secret),
    }


def report(**changes: Any) -> bytes:
    return json.dumps({"event": "shipment", "fulfilment_id": "order#BER-1", **changes}).encode()


@asynccontextmanager
async def serving(
    database_url: str, connections: Connections, temporal_address: str, namespace: str
) -> AsyncIterator[Gateway]:
    app = create_app(database_url, connections, temporal_address, namespace)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        assert not task.done(), task
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as http:
        yield Gateway(http)
    server.should_exit = True
    await task
