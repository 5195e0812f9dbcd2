"""The schema grows and shrinks with its data, and is what the code says it is."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command

from stack.postgres import LocalPg
from store import inbox
from store.database import Database
from store.migrate import configuration, upgrade
from tests.store.examples import an_event

ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty_url(postgres: LocalPg) -> Iterator[str]:
    name = f"empty_{uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


async def test_a_database_with_data_goes_down_and_up_again(empty_url: str) -> None:
    await upgrade(empty_url)
    before = tables(empty_url)
    database = Database(empty_url)
    async with database.session() as session:
        assert await inbox.keep(session, an_event())
    await database.aclose()
    await asyncio.to_thread(command.downgrade, configuration(empty_url), "base")
    assert tables(empty_url) == {"alembic_version"}
    await upgrade(empty_url)
    assert tables(empty_url) == before
    assert {"inbox_event", "orders", "stock", "settlement_line", "outbox"} <= before


async def test_an_upgrade_of_a_current_database_keeps_its_data(database_url: str, database: Database) -> None:
    async with database.session() as session:
        event_id = await inbox.keep(session, an_event())
    await upgrade(database_url)
    async with database.session() as session:
        assert event_id is not None
        assert (await inbox.get(session, event_id)) is not None


async def test_the_migrated_schema_is_the_schema_of_the_code(database_url: str) -> None:
    await asyncio.to_thread(command.check, configuration(database_url))


async def test_the_comparison_with_the_code_notices_a_difference(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DROP INDEX outbox_due")
    with pytest.raises(Exception, match="outbox_due"):
        await asyncio.to_thread(command.check, configuration(database_url))


async def test_many_upgrades_at_once_are_one(empty_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_url) for _ in range(6)))
    assert "orders" in tables(empty_url)


async def test_an_upgrade_waits_while_another_process_migrates(empty_url: str) -> None:
    other = await psycopg.AsyncConnection.connect(empty_url, autocommit=True)
    async with other:
        # The number is part of what processes of different versions agree on: it never changes.
        await other.execute("SELECT pg_advisory_lock(7306118)")
        upgrading = asyncio.create_task(upgrade(empty_url))
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        while not upgrading.done() and await (await other.execute(waiting)).fetchone() is None:
            continue
        assert tables(empty_url) == set()
    await upgrading
    assert "orders" in tables(empty_url)


async def command_line(url: str | None) -> tuple[int | None, str]:
    environment = {name: value for name, value in os.environ.items() if name != "ORDERYARD_DATABASE_URL"}
    environment |= {"ORDERYARD_DATABASE_URL": url} if url else {}
    argv = [sys.executable, "-m", "store.migrate"]
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    return process.returncode, errors.decode()


async def test_processes_that_migrate_the_database_of_the_environment_at_once_all_succeed(empty_url: str) -> None:
    done = await asyncio.gather(*(command_line(empty_url) for _ in range(3)))
    assert done == [(0, "")] * 3
    assert "orders" in tables(empty_url)


async def test_the_command_line_says_what_it_needs() -> None:
    code, errors = await command_line(None)
    assert code == 1
    assert "ORDERYARD_DATABASE_URL is not set" in errors
