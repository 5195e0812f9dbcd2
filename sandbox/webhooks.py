"""Sends webhooks as vendors do: signed by the twin, retried until taken, sometimes doubled, lost or out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from sandbox.core import Sandbox

RETRY_SECONDS = (0.2, 0.5, 1, 2, 4, 8, 15, 30)
"""Eight retries, like Shopify's, but quicker: a test does not wait four hours."""


class WebhookSender:
    """Delivers to `options.webhooks_to`; a delivery that is never taken is in the ledger as `webhook_given_up`."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(5.0, connect=1.0))

    def send(self, path: str, body: bytes, headers: Mapping[str, str], *, key: str, copies: int = 1) -> None:
        """Post in the background, `copies` times at once (a vendor's duplicates share one delivery id)."""
        if self._sandbox.options.webhooks_to:
            for _ in range(copies):
                self._sandbox.spawn(self._deliver(self._sandbox.options.webhooks_to + path, body, dict(headers), key))

    async def _deliver(self, url: str, body: bytes, headers: dict[str, str], key: str) -> None:
        for pause in (*RETRY_SECONDS, None):
            if await self._taken(url, body, headers):
                return
            if pause is not None:
                await asyncio.sleep(pause)
        self._sandbox.ledger.record("webhooks", "webhook_given_up", key, url=url)

    async def _taken(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        try:
            response = await self._http.post(url, content=body, headers=headers)
        except httpx.TransportError:
            return False
        return response.is_success

    async def aclose(self) -> None:
        await self._http.aclose()
