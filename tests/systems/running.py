"""Twins served on a real port, so that a lost reply is a broken connection and not a make-believe."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from sandbox.core import Sandbox
from sandbox.erp import ErpTwin
from sandbox.fraud import FraudTwin
from sandbox.notify import NotifyTwin
from sandbox.tax import TaxTwin
from sandbox.webhooks import WebhookSender
from sandbox.wms import WmsTwin


def free_socket() -> socket.socket:
    """The protocol is named, or asyncio would not switch Nagle's delay off: 40 ms for each answer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def served(routes: Sequence[BaseRoute], listener: socket.socket) -> AsyncIterator[None]:
    """Serve the routes over HTTP in this process."""
    config = uvicorn.Config(Starlette(routes=list(routes)), log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    try:
        yield
    finally:
        server.should_exit = True
        await running
        listener.close()


async def until(holds: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for a condition; fails when it does not come to hold."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - the condition is a fact in a twin, not an event of this loop
            await asyncio.sleep(0.005)


@dataclass
class Systems:
    """All the twins of this folder in one sandbox."""

    sandbox: Sandbox
    webhooks: WebhookSender = field(init=False)

    def __post_init__(self) -> None:
        self.webhooks = WebhookSender(self.sandbox)
        self.erp = ErpTwin(self.sandbox)
        self.wms = WmsTwin(self.sandbox, self.webhooks)
        self.tax = TaxTwin(self.sandbox)
        self.fraud = FraudTwin(self.sandbox)
        self.notify = NotifyTwin(self.sandbox)

    @property
    def routes(self) -> list[BaseRoute]:
        return [
            *self.erp.routes(),
            *self.wms.routes(),
            *self.tax.routes(),
            *self.fraud.routes(),
            *self.notify.routes(),
        ]

    def effects(self, name: str) -> list[dict[str, Any]]:
        system, effect = name.split("/")
        return self.sandbox.ledger.entries(system, effect)

    async def aclose(self) -> None:
        for task in list(self.sandbox.tasks):
            task.cancel()
        await asyncio.gather(*self.sandbox.tasks, return_exceptions=True)
        await self.webhooks.aclose()
        self.sandbox.shelf.close()
