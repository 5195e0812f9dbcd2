"""A rough day on the line: deliveries of channels are lost, doubled and overtaken, as often as the scenario says."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.core import Sandbox, SandboxOptions
from sandbox.scenario import Scenario
from sandbox.webhooks import WebhookSender
from tests.systems.running import free_socket, served

MANY, FEW = 200, 40
Deliver = Callable[..., Awaitable[list[str]]]


@asynccontextmanager
async def line(trouble: dict[str, Any], seed: int = 7) -> AsyncIterator[Deliver]:
    """A sender, and a receiver that notes what arrives, in the order in which it does."""
    arrived: list[str] = []

    async def receive(request: Request) -> Response:
        arrived.append((await request.body()).decode())
        return Response(status_code=204)

    listener = free_socket()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    scenario = Scenario.model_validate({"webhooks": trouble})
    box = Sandbox(SandboxOptions(webhooks_to=url, seed=seed, scenario=scenario))
    sender = WebhookSender(box)

    async def deliver(path: str = "/webhooks/shopify/main", count: int = MANY) -> list[str]:
        for number in range(count):
            sender.send(path, str(number).encode(), {}, key=f"shopify/main/{number}")
        while box.tasks:
            await asyncio.gather(*box.tasks)
        return arrived

    async with served([Route("/webhooks/{path:path}", receive, methods=["POST"])], listener):
        yield deliver
    await sender.aclose()
    box.shelf.close()


async def test_a_plain_day_delivers_each_once() -> None:
    async with line({}) as deliver:
        assert sorted(await deliver(), key=int) == [str(number) for number in range(MANY)]


async def test_some_are_lost_and_some_are_doubled_and_the_same_ones_for_the_same_seed() -> None:
    seen = []
    for _ in range(2):
        async with line({"lost": 0.2, "doubled": 0.3}) as deliver:
            seen.append(Counter(await deliver()))
    assert seen[0] == seen[1]
    assert len(seen[0]) / MANY == pytest.approx(0.8, abs=0.1)
    assert sum(count == 2 for count in seen[0].values()) / len(seen[0]) == pytest.approx(0.3, abs=0.1)


async def test_what_is_held_back_is_overtaken_and_arrives() -> None:
    async with line({"held_back": 0.3, "held_back_seconds": 1}) as deliver:
        arrived = [int(number) for number in await deliver(count=FEW)]
    assert sorted(arrived) == list(range(FEW))
    overtaken = [number for place, number in enumerate(arrived) if place >= FEW / 2 > number + 5]
    assert overtaken, arrived


async def test_a_warehouse_has_no_part_in_the_trouble_of_channels() -> None:
    async with line({"lost": 1.0}) as deliver:
        assert len(await deliver("/webhooks/wms/main", 5)) == 5
