from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from stack.temporal import LocalTemporal, ensure_namespace
from store.database import Database
from tests.versioning.fleet import Fleet
from tests.workflows.world import World


@pytest.fixture
async def namespace(temporal_server: LocalTemporal) -> str:
    """A namespace of the test's own: a build that is current takes the work away from every other test's workers."""
    name = f"versions-{uuid4().hex[:12]}"
    await ensure_namespace(temporal_server.address, name)
    return name


@pytest.fixture
async def client(temporal_server: LocalTemporal, namespace: str) -> Client:
    return await Client.connect(temporal_server.address, namespace=namespace, data_converter=pydantic_data_converter)


@pytest.fixture
async def world(client: Client, database_url: str) -> AsyncIterator[World]:
    database = Database(database_url)
    async with World(client, database) as world:
        yield world
    await database.aclose()


@pytest.fixture
async def fleet(world: World) -> AsyncIterator[Fleet]:
    fleet = Fleet(world)
    yield fleet
    await fleet.end()
