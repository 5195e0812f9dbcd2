"""The whole sandbox on a real port, in a thread of its own: these clients know nothing of our event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.app import create_app
from sandbox.core import SandboxOptions
from tests.systems.running import free_socket

ORDERS = 9


@dataclass(frozen=True)
class Delivery:
    """A webhook as it has arrived; names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class RunningSandbox:
    """What an independent client is told: addresses and credentials; and what the sandbox has counted."""

    url: str
    letterbox: list[Delivery]

    def deliveries(self) -> list[Delivery]:
        """The webhooks that have come, once there is one."""
        until(lambda: bool(self.letterbox))
        return list(self.letterbox)

    def control(self, path: str, **params: str) -> Any:
        return httpx.get(f"{self.url}/_sandbox/{path}", params=params).raise_for_status().json()

    def credentials(self, channel: str) -> dict[str, str]:
        return dict(self.control("credentials")[channel])

    def sold(self, channel: str) -> list[str]:
        """Ids of what buyers have ordered on a channel."""
        return [
            entry["key"].rpartition("/")[2] for entry in self.control("ledger", system=channel, effect="order_placed")
        ]

    def effects(self, system: str, effect: str) -> list[dict[str, Any]]:
        return list(self.control("ledger", system=system, effect=effect))

    def calls(self, operation: str, status: int) -> int:
        return int(self.control("calls").get(f"{operation} {status}", 0))

    def buy(self, **orders: int) -> None:
        """Let buyers buy, and wait until they have."""
        before = self.control("orders")["numbers"]
        httpx.post(f"{self.url}/_sandbox/orders", json={"orders": orders, "per_second": 1000}).raise_for_status()
        wanted = {channel: before[channel] + count for channel, count in orders.items()}
        until(lambda: wanted.items() <= self.control("orders")["numbers"].items())


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[RunningSandbox]:
    listener = free_socket()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    letterbox: list[Delivery] = []

    async def receive(request: Request) -> Response:
        letterbox.append(Delivery(request.url.path, dict(request.headers), await request.body()))
        return Response(status_code=204)

    app = create_app(SandboxOptions.in_scenario("calm", base_url=url, webhooks_to=url, quota_scale=1000.0))
    app.router.routes.append(Route("/webhooks/{path:path}", receive, methods=["POST"]))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started)
    running = RunningSandbox(url, letterbox)
    running.buy(**dict.fromkeys(running.control("orders")["numbers"], ORDERS))
    yield running
    server.should_exit = True
    thread.join()
    listener.close()
