"""Amazon's twin on a real port, and the connector that calls it over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from connectors.amazon.client import AmazonChannel
from connectors.registry import ChannelConnection
from models.channel import Progress
from sandbox.amazon import AmazonTwin
from sandbox.amazon_login import CREDENTIALS
from sandbox.core import Sandbox, SandboxOptions
from sandbox.goods import LISTINGS
from sandbox.traits import Traits
from tests.systems.running import free_socket, served, until

Connect = Callable[..., AmazonChannel]


@pytest.fixture
def quota_scale() -> float:
    """So large that only the tests about quotas, which set it to 1, meet them."""
    return 100_000


@pytest.fixture
async def twin(quota_scale: float) -> AsyncIterator[AmazonTwin]:
    listener = free_socket()
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    options = SandboxOptions(base_url=base_url, quota_scale=quota_scale, job_delay=0.02)
    box = Sandbox(options)
    running = AmazonTwin(box)
    async with served(running.routes(), listener):
        yield running
    await until(lambda: not box.tasks)
    box.shelf.close()


@pytest.fixture
def sandbox(twin: AmazonTwin) -> Sandbox:
    return twin.sandbox


@pytest.fixture
async def connect(twin: AmazonTwin) -> AsyncIterator[Connect]:
    """Builds connectors of the twin's account, with some options of their own."""
    channels: list[AmazonChannel] = []

    def build(**options: object) -> AmazonChannel:
        entry = twin.connection()
        entry["options"] = {**entry["options"], **options}
        channels.append(AmazonChannel(ChannelConnection.model_validate(entry)))
        return channels[-1]

    yield build
    for channel in channels:
        await channel.aclose()


@pytest.fixture
def channel(connect: Connect) -> AmazonChannel:
    return connect()


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A plain client with an access token, as any other software would call the API."""
    async with httpx.AsyncClient(base_url=sandbox.options.base_url) as client:
        answer = await client.post("/auth/o2/token", data={"grant_type": "refresh_token", **CREDENTIALS})
        client.headers["x-amz-access-token"] = answer.json()["access_token"]
        yield client


@pytest.fixture
def plain() -> Traits:
    """One listing twice, nothing special."""
    return Traits(number=1, items=((LISTINGS[0], 2),))


@pytest.fixture
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Amazon and the buyers do later, they do at once."""
    monkeypatch.setattr("sandbox.amazon.SEEN_AFTER", 0.0)


async def finished(channel: AmazonChannel, progress: Progress) -> Progress:
    """What became of it in the end."""
    async with asyncio.timeout(10):
        while progress.operation is not None:
            await asyncio.sleep(0.01)
            progress = await channel.follow(progress.operation)
    return progress
