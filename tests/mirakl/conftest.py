"""Mirakl's twin on a real port, and the connector that calls it over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest

from connectors.mirakl.client import MiraklChannel
from connectors.mirakl.parse import parse
from connectors.registry import ChannelConnection
from models.order import ChannelState, Order
from sandbox.core import Sandbox, SandboxOptions
from sandbox.goods import LISTINGS
from sandbox.mirakl import MiraklTwin
from sandbox.traits import Traits
from tests.mirakl.shop import ACCOUNT, acknowledgement
from tests.systems.running import free_socket, served

Connect = Callable[..., MiraklChannel]
Read = Callable[[str], Awaitable[Order]]
Buy = Callable[..., Awaitable[Order]]


@pytest.fixture
def quota_scale() -> float:
    """So large that only the tests about quotas, which set it to 1, meet them."""
    return 100_000


@pytest.fixture
def multi_shipment() -> bool:
    return True


@pytest.fixture
async def twin(quota_scale: float, multi_shipment: bool) -> AsyncIterator[MiraklTwin]:
    listener = free_socket()
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    box = Sandbox(SandboxOptions(base_url=base_url, quota_scale=quota_scale, job_delay=0.0))
    running = MiraklTwin(box, multi_shipment=multi_shipment)
    async with served(running.routes(), listener):
        yield running
    for task in list(box.tasks):
        task.cancel()
    box.shelf.close()


@pytest.fixture
def sandbox(twin: MiraklTwin) -> Sandbox:
    return twin.sandbox


@pytest.fixture
async def connect(twin: MiraklTwin) -> AsyncIterator[Connect]:
    """Builds connectors of the twin's account; with options, or with other fields of the connection."""
    channels: list[MiraklChannel] = []

    def build(
        connection: dict[str, Any] | None = None, clock: Callable[[], datetime] | None = None, **options: object
    ) -> MiraklChannel:
        entry = {**twin.connection(), **(connection or {})}
        entry["options"] = {**entry["options"], **options}
        known = ChannelConnection.model_validate(entry)
        channels.append(MiraklChannel(known, clock=clock) if clock else MiraklChannel(known))
        return channels[-1]

    yield build
    for channel in channels:
        await channel.aclose()


@pytest.fixture
def channel(connect: Connect) -> MiraklChannel:
    return connect()


@pytest.fixture
def read(channel: MiraklChannel) -> Read:
    """One order as it stands, canonical."""

    async def order(order_id: str) -> Order:
        result = parse(await channel.order(order_id), ACCOUNT)
        assert not result.refusals, result.refusals
        assert not result.drift, result.drift
        (found,) = result.orders
        assert not found.totals.difference
        return found

    return order


@pytest.fixture
def buy(twin: MiraklTwin, channel: MiraklChannel, read: Read) -> Buy:
    """An order that was accepted and may be shipped."""

    async def bought(**traits: Any) -> Order:
        order_id = twin.sell(Traits(**{"number": 1, "items": ((LISTINGS[1], 3), (LISTINGS[4], 1)), **traits}))
        await channel.acknowledge(acknowledgement(await read(order_id)), retry=False)
        order = await read(order_id)
        assert order.state is ChannelState.OPEN
        return order

    return bought


@pytest.fixture
def plain() -> Traits:
    """One listing twice, nothing special."""
    return Traits(number=1, items=((LISTINGS[0], 2),))


def effects(sandbox: Sandbox, effect: str) -> list[dict[str, Any]]:
    return sandbox.ledger.entries("mirakl", effect)


def of(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body)
    return document
