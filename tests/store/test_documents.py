"""Long documents come into the inbox and out of it byte by byte, and never by halves."""

import asyncio
import io
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import text

from capture import relay
from store import dead_letters, documents, inbox
from store.database import Database
from store.documents import PART
from store.migrate import configuration
from tests.store.examples import an_event

LONG = bytes(range(256)) * (3 * PART // 256) + b"the end"


async def keep(database: Database, body: bytes, delivery_id: str = "settlement:1") -> int | None:
    async with database.session() as session:
        return await documents.keep(session, an_event(delivery_id, topic="settlement", body=b""), io.BytesIO(body))


async def payload(database: Database, event_id: int) -> bytes:
    file = io.BytesIO()
    async with database.session() as session:
        await documents.copy_payload(session, event_id, file)
    return file.getvalue()


async def rows_of_parts(database: Database) -> list[tuple[int, int]]:
    async with database.session() as session:
        found = await session.execute(text("SELECT number, octet_length(body) FROM inbox_part ORDER BY 1"))
        return [(number, size) for number, size in found]


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, len(LONG)])
async def test_what_comes_out_is_what_went_in(database: Database, size: int) -> None:
    event_id = await keep(database, LONG[:size])
    assert event_id is not None
    assert await payload(database, event_id) == LONG[:size]


async def test_an_event_has_the_beginning_and_its_parts_the_rest(database: Database) -> None:
    event_id = await keep(database, LONG)
    assert event_id is not None
    async with database.session() as session:
        event = await inbox.get(session, event_id)
    assert event is not None
    assert event.body == LONG[:PART]
    assert await rows_of_parts(database) == [(1, PART), (2, PART), (3, len(b"the end"))]


async def test_a_delivery_that_is_known_is_not_kept_again(database: Database) -> None:
    event_id = await keep(database, LONG)
    assert event_id is not None
    assert await keep(database, b"something else") is None
    assert await keep(database, LONG * 2) is None
    assert await payload(database, event_id) == LONG


async def test_a_document_that_breaks_off_leaves_nothing(database: Database) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > PART:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        async with database.session() as session:
            await documents.keep(session, an_event(body=b""), Breaking(LONG))
    async with database.session() as session:
        assert await inbox.counts(session) == {}
    assert await rows_of_parts(database) == []


async def test_many_at_once_keep_one(database: Database) -> None:
    ids = await asyncio.gather(*(keep(database, LONG) for _ in range(10)))
    (event_id,) = [each for each in ids if each is not None]
    assert await payload(database, event_id) == LONG


async def test_an_edition_is_what_is_understood_and_the_raw_document_stays(database: Database) -> None:
    event_id = await keep(database, LONG)
    assert event_id is not None
    refusal: Any = an_event()
    async with database.session() as session:
        await inbox.finish(session, event_id, "dead", "refused", [refusal])
        assert await dead_letters.edit(session, event_id, b"mended", "anna")
    assert await payload(database, event_id) == b"mended"
    raw = io.BytesIO()
    async with database.session() as session:
        await documents.copy_raw(session, event_id, raw)
    assert raw.getvalue() == LONG


async def test_a_body_from_before_there_were_parts_is_read_as_ever(database: Database) -> None:
    async with database.session() as session:
        event_id = await inbox.keep(session, an_event(body=LONG))
    assert event_id is not None
    assert await payload(database, event_id) == LONG


async def test_going_back_a_version_puts_the_document_together(database_url: str, database: Database) -> None:
    assert await keep(database, LONG) is not None
    assert await keep(database, b"short", "settlement:2") is not None
    await database.aclose()
    await asyncio.to_thread(command.downgrade, configuration(database_url), "0009")
    with psycopg.connect(database_url) as connection:
        bodies = [bytes(body) for (body,) in connection.execute("SELECT body FROM inbox_event ORDER BY id")]
    assert bodies == [LONG, b"short"]


def test_a_part_is_small_enough_for_a_relay_that_takes_many_events() -> None:
    assert relay.BATCH * PART <= 8 << 20
