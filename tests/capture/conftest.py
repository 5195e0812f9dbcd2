"""A database of its own, the real engine with its workers, and a relay between them."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from store.database import Database
from tests.capture.scene import Scene, end_all, relaying
from tests.workflows.world import World


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
async def world(temporal_client: Client, database: Database) -> AsyncIterator[World]:
    async with World(temporal_client, database) as world:
        yield world
        await end_all(database, world.client)


@pytest.fixture
async def scene(world: World, database: Database) -> AsyncIterator[Scene]:
    """The world with one relay that runs."""
    async with relaying(database, world.client):
        yield Scene(world)
