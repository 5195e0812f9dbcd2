"""Stands between the sandbox and the gateway, and treats the channels' webhooks as networks do."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.prove.waiting import until

OF_THE_WIRE = ("host", "content-length", "connection")
"""Headers that belong to one connection, not to what is sent over it."""


@dataclass(frozen=True)
class Letter:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def about_an_order(self) -> bool:
        return not self.path.startswith("/webhooks/wms/")

    @property
    def of_shopify(self) -> bool:
        return self.path.startswith("/webhooks/shopify/")


class Postman:
    """`async with Postman() as postman:`; `to` is the gateway's URL. Reports of the warehouse are always delivered."""

    def __init__(self, seed: int = 7) -> None:
        self.to: str | None = None
        self.losing = 0.0
        self.doubling = 0.0
        self.delaying = 0.0
        self.holding = False
        self.taken = 0
        """Webhooks about orders that were handed in."""
        self.lost: list[Letter] = []
        self.doubled: list[Letter] = []
        self.delayed: list[Letter] = []
        self._on_the_way: set[asyncio.Task[None]] = set()
        self.held: list[Letter] = []
        self._chance = random.Random(seed)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        self._http = httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=200))

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        await until(lambda: self._server.started, "the postman to begin")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        await self._serving
        await asyncio.gather(*self._on_the_way)
        await self._http.aclose()

    async def deliver(self, letter: Letter) -> int:
        """The gateway's answer; 502 when it does not answer."""
        try:
            answer = await self._http.post(f"{self.to}{letter.path}", content=letter.body, headers=letter.headers)
        except httpx.TransportError:
            return 502
        return answer.status_code

    async def _take(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in OF_THE_WIRE}
        letter = Letter(request.url.path, headers, await request.body())
        self.taken += letter.about_an_order
        fate = self._fate(letter)
        if fate is not None:
            fate.append(letter)
        if fate is self.delayed:
            task = asyncio.create_task(self._deliver_later(letter, self._chance.uniform(0.5, 3.0)))
            self._on_the_way.add(task)
            task.add_done_callback(self._on_the_way.discard)
        if fate is None or fate is self.doubled:
            copies = 2 if fate is self.doubled else 1
            answers = await asyncio.gather(*(self.deliver(letter) for _ in range(copies)))
            return Response(status_code=max(answers))
        return Response(status_code=200)

    async def _deliver_later(self, letter: Letter, seconds: float) -> None:
        """Behind others that were sent after it."""
        answer = 503
        while answer >= 500:
            await asyncio.sleep(seconds)
            answer = await self.deliver(letter)

    def _fate(self, letter: Letter) -> list[Letter] | None:
        """Where it is noted down; None for a letter that simply arrives. Nothing befalls one letter twice."""
        if not letter.about_an_order:
            return None
        if self.holding and letter.of_shopify:
            return self.held
        drawn = self._chance.random()
        for share, fate in ((self.losing, self.lost), (self.doubling, self.doubled), (self.delaying, self.delayed)):
            if drawn < share:
                return fate
            drawn -= share
        return None
