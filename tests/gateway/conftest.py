"""The gateway on a real port, before a database of its own and the real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from connectors.registry import Connections
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from stack.temporal import NAMESPACE, LocalTemporal
from store.database import Database
from tests.capture.scene import end_all
from tests.gateway.serving import Gateway, serving


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture(autouse=True)
async def end_orders(database: Database, temporal_client: Client) -> AsyncIterator[None]:
    """No worker runs here: what the relay started ends with its test."""
    yield
    await end_all(database, temporal_client)


@pytest.fixture(scope="session")
def connections() -> Connections:
    twins = Twins(SandboxOptions())
    made = Connections.model_validate(twins.connections())
    twins.sandbox.shelf.close()
    return made


@pytest.fixture
async def gateway(
    database_url: str, connections: Connections, temporal_server: LocalTemporal
) -> AsyncIterator[Gateway]:
    async with serving(database_url, connections, temporal_server.address, NAMESPACE) as gateway:
        yield gateway
