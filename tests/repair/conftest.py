"""A database of its own for each test, and a scene of parked orders around it."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from store.database import Database
from tests.repair.scene import Scene


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture
async def scene(temporal_client: Client, database: Database) -> AsyncIterator[Scene]:
    async with Scene(temporal_client, database) as scene:
        yield scene
