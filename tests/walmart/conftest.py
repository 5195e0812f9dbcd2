"""Walmart's twin on a real port, and the connector that calls it over HTTP."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from connectors.registry import ChannelConnection
from connectors.walmart.client import WalmartChannel
from sandbox.core import Sandbox, SandboxOptions
from sandbox.goods import LISTINGS
from sandbox.traits import Traits
from sandbox.walmart import WalmartTwin
from sandbox.webhooks import WebhookSender
from tests.systems.running import free_socket, served
from tests.walmart.contract import Recorded

Connect = Callable[..., WalmartChannel]


@pytest.fixture
def quota_scale() -> float:
    """So large that only the tests about quotas, which set it to 1, meet them."""
    return 100_000


@pytest.fixture
async def twin(quota_scale: float) -> AsyncIterator[WalmartTwin]:
    listener = free_socket()
    options = SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", quota_scale=quota_scale)
    box = Sandbox(options)
    webhooks = WebhookSender(box)
    running = WalmartTwin(box, webhooks)
    async with served(running.routes(), listener):
        yield running
    for task in list(box.tasks):
        task.cancel()
    await webhooks.aclose()
    box.shelf.close()


@pytest.fixture
def sandbox(twin: WalmartTwin) -> Sandbox:
    return twin.sandbox


@pytest.fixture
async def wire() -> Recorded:
    return Recorded()


@pytest.fixture
async def connect(twin: WalmartTwin, wire: Recorded, quota_scale: float) -> AsyncIterator[Connect]:
    """Builds connectors of the twin's account, with some options of their own."""
    channels: list[WalmartChannel] = []

    def build(**options: object) -> WalmartChannel:
        entry = {**twin.connection(), "quota_scale": quota_scale}
        entry["options"] = {**entry["options"], **options}
        channels.append(WalmartChannel(ChannelConnection.model_validate(entry), transport=wire))
        return channels[-1]

    yield build
    for channel in channels:
        await channel.aclose()


@pytest.fixture
def channel(connect: Connect) -> WalmartChannel:
    return connect()


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A plain client with an access token, as any other software would call the API."""
    headers = {"WM_SVC.NAME": "Walmart Marketplace", "WM_QOS.CORRELATION_ID": "b3261d2d-028a-4ef7-8602-633c23200af6"}
    async with httpx.AsyncClient(base_url=sandbox.options.base_url, headers=headers) as client:
        login = ("walmart-sandbox-client", "walmart-sandbox-secret-2b9d")
        answer = await client.post("/v3/token", data={"grant_type": "client_credentials"}, auth=login)
        client.headers["WM_SEC.ACCESS_TOKEN"] = answer.json()["access_token"]
        yield client


@pytest.fixture
def plain() -> Traits:
    """One listing three times and another once, nothing special."""
    return Traits(number=1, items=((LISTINGS[0], 3), (LISTINGS[3], 1)), channel_tax=True)
