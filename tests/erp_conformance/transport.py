"""What goes wrong between us and an ERP, brought about on the connector's own line to the real server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

import httpx


class Harm(StrEnum):
    LOST_REPLY = "lost_reply"
    """The request arrives and has its effect; the answer is lost."""
    CUT_OFF = "cut_off"
    """The request, and every one after it until `mend`, never arrives: the caller died between two steps."""
    THROTTLED = "throttled"
    """HTTP 429 instead of an effect."""


@dataclass
class Line(httpx.AsyncBaseTransport):
    """Counts writes, and harms the one that is named: the first is 1."""

    inner: httpx.AsyncBaseTransport = field(default_factory=httpx.AsyncHTTPTransport)
    harm: Harm | None = None
    at: int = 0
    writes: int = 0
    read_paths: tuple[str, ...] = ()
    """Ends of paths that only read, although they are posted to."""

    def break_at(self, harm: Harm, at: int) -> None:
        self.harm, self.at, self.writes = harm, at, 0

    def mend(self) -> None:
        self.harm, self.writes = None, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" or request.url.path.endswith(self.read_paths or ("\n",)):
            return await self.inner.handle_async_request(request)
        self.writes += 1
        if self.harm is Harm.CUT_OFF and self.writes >= self.at:
            raise httpx.ConnectError("the line is cut", request=request)
        if self.harm is Harm.THROTTLED and self.writes == self.at:
            return httpx.Response(429, headers={"Retry-After": "7"}, request=request)
        response = await self.inner.handle_async_request(request)
        if self.harm is Harm.LOST_REPLY and self.writes == self.at:
            await response.aread()
            await response.aclose()
            raise httpx.ReadError("the answer is lost", request=request)
        return response

    async def aclose(self) -> None:
        await asyncio.shield(self.inner.aclose())
