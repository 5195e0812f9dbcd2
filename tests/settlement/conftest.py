"""Databases for one test alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest

from stack.postgres import LocalPg
from store.database import Database


@pytest.fixture
async def fresh_database(postgres: LocalPg, database_template: str) -> AsyncIterator[Callable[[], Awaitable[Database]]]:
    """Makes as many as a test needs."""
    made: list[tuple[str, Database]] = []

    async def make() -> Database:
        name = f"test_{uuid4().hex}"
        made.append((name, Database(postgres.create_database(name, template=database_template))))
        return made[-1][1]

    yield make
    for name, database in made:
        await database.aclose()
        postgres.drop_database(name)


@pytest.fixture
async def database(fresh_database: Callable[[], Awaitable[Database]]) -> Database:
    return await fresh_database()
