"""Which deployment a command talks to: the environment's, or the local stack that runs in the data directory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError
from temporalio.client import Client
from temporalio.service import RPCError
from tenacity import stop_after_delay

from capture.away import in_words
from capture.temporal import connect
from cli.output import fail
from connectors.registry import Connections
from settings import Settings
from stack.running import running_stack
from store.database import Database

PATIENCE = 5.0
"""Seconds in which Temporal must answer a command."""


@dataclass(frozen=True)
class Deployment:
    database_url: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui_url: str | None
    connections_file: Path | None

    @property
    def connections(self) -> Connections:
        if self.connections_file is None:
            fail("no connections file: set ORDERYARD_CONNECTIONS_FILE", 2)
        return Connections.load(self.connections_file)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[Database]:
        database = Database(self.database_url, pool_size=5)
        try:
            yield database
        except OperationalError as error:
            fail(f"PostgreSQL does not answer: {in_words(error)}", 2)
        finally:
            await database.aclose()

    async def temporal(self) -> Client:
        try:
            return await connect.retry_with(stop=stop_after_delay(PATIENCE))(
                self.temporal_address, self.temporal_namespace
            )
        except (RPCError, RuntimeError) as error:
            fail(f"Temporal does not answer at {self.temporal_address}: {error}", 2)

    def link(self, workflow_id: str) -> str | None:
        """The workflow's page in the Temporal UI."""
        if self.temporal_ui_url is None:
            return None
        quoted = workflow_id.replace("/", "%2F").replace("#", "%23")
        return f"{self.temporal_ui_url}/namespaces/{self.temporal_namespace}/workflows/{quoted}"


def find() -> Deployment:
    """The environment wins; else the running local stack; else the command ends with a remedy."""
    settings = Settings()
    if settings.database_url and settings.temporal_address:
        return Deployment(
            settings.database_url,
            settings.temporal_address,
            settings.temporal_namespace,
            settings.temporal_ui_url,
            settings.connections_file,
        )
    stack = running_stack(settings.data_dir) or running_stack(settings.data_dir / "demo")
    if stack is None:
        fail(
            f"no stack runs in {settings.data_dir}: start one with `python starter.py up`,"
            " or set ORDERYARD_DATABASE_URL and TEMPORAL_ADDRESS",
            2,
        )
    return Deployment(
        stack.database_url,
        stack.temporal_address,
        stack.temporal_namespace,
        stack.temporal_ui_url,
        stack.connections_file,
    )
