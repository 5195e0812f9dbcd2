"""Sends webhooks as vendors do: signed by the twin, retried until taken, sometimes doubled, lost or out of order."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from sandbox.core import Sandbox
from sandbox.scenario import WebhookTrouble

WAREHOUSE = "/webhooks/wms/"
"""Where the warehouse reports to; all else are deliveries of channels."""
RETRY_SECONDS = (0.2, 0.5, 1, 2, 4, 8, 15, 30)
"""Eight retries, like Shopify's, but quicker: a test does not wait four hours."""


class WebhookSender:
    """Delivers to `options.webhooks_to`; a delivery that is never taken is in the ledger as `webhook_given_up`.

    What is not taken yet is on the shelf: a vendor that was restarted goes on sending.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._waiting = sandbox.shelf.collection("webhooks")
        self._chance = random.Random(f"{sandbox.options.seed}/webhooks")
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(5.0, connect=1.0))

    def send(self, path: str, body: bytes, headers: Mapping[str, str], *, key: str, copies: int = 1) -> None:
        """Post in the background, `copies` times at once (a vendor's duplicates share one delivery id)."""
        if self._sandbox.options.webhooks_to:
            trouble = self._trouble(path)
            if self._chance.random() < trouble.lost:
                return
            for _ in range(copies + (self._chance.random() < trouble.doubled)):
                number = uuid.uuid4().hex
                # Latin-1 maps every byte to one character and back: the signed body comes out as it went in.
                delivery = {"path": path, "body": body.decode("latin-1"), "headers": dict(headers), "key": key}
                self._waiting.put(number, delivery)
                self._sandbox.spawn(self._deliver(number, delivery))

    def _trouble(self, path: str) -> WebhookTrouble:
        """What the scenario says of the channels' webhooks; a warehouse's reports are none."""
        return WebhookTrouble() if path.startswith(WAREHOUSE) else self._sandbox.options.scenario.webhooks

    def resume(self) -> None:
        """Go on with what was not taken when the sandbox stopped. Needs a running event loop."""
        for number in self._waiting:
            self._sandbox.spawn(self._deliver(number, self._waiting.get(number)))

    async def _deliver(self, number: str, delivery: Any) -> None:
        url = f"{self._sandbox.options.webhooks_to}{delivery['path']}"
        trouble = self._trouble(delivery["path"])
        if self._chance.random() < trouble.held_back:
            await asyncio.sleep(trouble.held_back_seconds)
        for pause in (*RETRY_SECONDS, None):
            if await self._taken(url, delivery["body"].encode("latin-1"), delivery["headers"]):
                self._waiting.remove(number)
                return
            if pause is not None:
                await asyncio.sleep(pause)
        self._waiting.remove(number)
        self._sandbox.ledger.record("webhooks", "webhook_given_up", delivery["key"], url=url)

    async def _taken(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        try:
            response = await self._http.post(url, content=body, headers=headers)
        except httpx.TransportError:
            return False
        return response.is_success

    async def aclose(self) -> None:
        await self._http.aclose()
