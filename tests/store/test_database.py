"""Transactions, and the bell that says that there is work."""

import asyncio
from time import monotonic

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from models.messages import MappingAdded
from store import inbox, outbox
from store.database import Database, to_json
from tests.store.examples import an_event

LONG = 20.0
"""Seconds; a bell that is not heard fails the test by being this late."""


async def heard(database: Database) -> float:
    started = monotonic()
    await database.wait_for_work(LONG)
    return monotonic() - started


async def listening(database: Database) -> None:
    """The bell rings once when listening begins."""
    assert await heard(database) < LONG / 2


async def test_what_fails_is_undone(database: Database) -> None:
    async def fail() -> None:
        async with database.session() as session:
            await inbox.keep(session, an_event())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with database.session() as session:
        assert await inbox.counts(session) == {}


async def test_a_ping_without_a_server_says_so(database: Database) -> None:
    await database.ping()
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(OperationalError):
        await away.ping()
    await away.aclose()


async def test_a_new_event_and_a_new_message_wake_whoever_waits(database: Database) -> None:
    await listening(database)
    async with database.session() as session:
        await inbox.keep(session, an_event())
    assert await heard(database) < LONG / 2
    async with database.session() as session:
        await outbox.add(session, "order/amazon/EU/1", "mapping_added", MappingAdded(sku="TENT"))
    assert await heard(database) < LONG / 2


async def test_every_task_that_waits_hears_every_ring_even_one_it_was_busy_for(database: Database) -> None:
    async def two_rings(ready: asyncio.Event, go: asyncio.Event) -> float:
        await listening(database)
        ready.set()
        await go.wait()
        return await heard(database)

    ready, go = [asyncio.Event() for _ in range(3)], asyncio.Event()
    tasks = [asyncio.create_task(two_rings(each, go)) for each in ready]
    await asyncio.gather(*(each.wait() for each in ready))
    async with database.session() as session:
        await inbox.keep(session, an_event())
    go.set()
    assert max(await asyncio.gather(*tasks)) < LONG / 2


async def test_nothing_rings_for_a_transaction_that_is_undone_or_a_known_delivery(database: Database) -> None:
    await listening(database)
    async with database.session() as session:
        await inbox.keep(session, an_event())
    await heard(database)
    async with database.session() as session:
        await inbox.keep(session, an_event())
    async with database.session() as session:
        await inbox.keep(session, an_event("d-2"))
        await session.rollback()
    started = monotonic()
    await database.wait_for_work(0.3)
    assert monotonic() - started >= 0.3


async def test_the_bell_is_heard_again_after_the_connection_was_lost(database: Database, database_url: str) -> None:
    await listening(database)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'orderyard-bell' AND datname = current_database()"
        )
    await listening(database)
    async with database.session() as session:
        await inbox.keep(session, an_event())
    assert await heard(database) < LONG / 2


async def test_a_pooled_connection_that_the_server_closed_is_replaced(database: Database, database_url: str) -> None:
    await database.ping()
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    await database.ping()


async def test_waiting_without_a_server_takes_its_time_and_does_not_fail() -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    started = monotonic()
    await away.wait_for_work(0.2)
    assert monotonic() - started >= 0.2
    await away.aclose()


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\x00b", '"a\\ufffdb"'), ("\\u0000", '"\\\\u0000"'), ("\\\x00", '"\\\\\\ufffd"'), ("ü", '"\\u00fc"')],
)
def test_json_holds_no_nul_and_is_otherwise_what_it_was(text: str, kept: str) -> None:
    assert to_json(text) == kept
