"""An operator mends, delivers again or discards what was refused; nothing of it is ever lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.ports import Refusal
from store import dead_letters, inbox
from store.database import Database
from store.dead_letters import Query
from store.tables import InboxEvent
from tests.store.examples import an_event


def because(reason: str) -> Refusal:
    return Refusal(reason=reason, path="$", value="", remedy="mend it")


async def refused(database: Database, delivery_id: str, reason: str = "missing", **more: Any) -> int:
    async with database.session() as session:
        event_id = await inbox.keep(session, an_event(delivery_id, **more))
        assert event_id is not None
        await inbox.finish(session, event_id, "dead", "refused", [because(reason)])
    return event_id


async def event(database: Database, event_id: int) -> InboxEvent:
    async with database.session() as session:
        found = await inbox.get(session, event_id)
    assert found is not None
    return found


async def meant(database: Database, **query: Any) -> list[int]:
    async with database.session() as session:
        return await dead_letters.ids(session, Query(**query))


async def test_a_query_means_what_it_says_of_channel_account_reason_and_time(database: Database) -> None:
    early = datetime.now(UTC) - timedelta(days=2)
    old = await refused(database, "old", received_at=early)
    new = await refused(database, "new", "totals_differ")
    other = await refused(database, "other", channel="walmart", account="US")
    assert await meant(database) == [old, new, other]
    assert await meant(database, channel="amazon") == [old, new]
    assert await meant(database, account="US") == [other]
    assert await meant(database, reason="totals_differ") == [new]
    assert await meant(database, since=early + timedelta(days=1)) == [new, other]
    assert await meant(database, channel="amazon", reason="missing") == [old]
    assert Query().is_everything
    assert not Query(account="US").is_everything


async def test_a_query_means_all_however_many_there_are(database: Database) -> None:
    kept = [await refused(database, f"d-{number}") for number in range(250)]
    assert await meant(database) == kept


async def test_an_edited_event_is_due_again_with_its_new_payload_and_keeps_the_raw_one(database: Database) -> None:
    event_id = await refused(database, "d-1")
    async with database.session() as session:
        assert await dead_letters.edit(session, event_id, b'{"mended": true}', "ann")
    found = await event(database, event_id)
    assert (found.status, found.refusals, found.outcome) == ("received", [], None)
    assert (found.payload, found.body, found.edited_by) == (b'{"mended": true}', b"{}", "ann")
    async with database.session() as session:
        assert [each.id for each in await inbox.claim(session, 5)] == [event_id]


async def test_only_dead_letters_are_edited_or_discarded(database: Database) -> None:
    async with database.session() as session:
        waiting = await inbox.keep(session, an_event("waiting"))
        delivered = await inbox.keep(session, an_event("delivered"))
        assert waiting
        assert delivered
        await inbox.finish(session, delivered, "delivered", "started")
    async with database.session() as session:
        for event_id in (waiting, delivered, 10**12):
            assert not await dead_letters.edit(session, event_id, b"other", "ann")
        assert await dead_letters.discard(session, [waiting, delivered, 10**12], "why not", "ann") == []
    assert [(await event(database, each)).status for each in (waiting, delivered)] == ["received", "delivered"]
    assert (await event(database, delivered)).edited_body is None


async def test_what_is_discarded_says_by_whom_and_why_and_stays(database: Database) -> None:
    first, second = await refused(database, "d-1"), await refused(database, "d-2")
    async with database.session() as session:
        assert await dead_letters.discard(session, [first], "a test order", "ann") == [first]
    assert await meant(database) == [second]
    async with database.session() as session:
        assert [each.id for each in await inbox.dead_letters(session)] == [second]
        assert [each.id for each in await inbox.dead_letters(session, discarded=True)] == [first]
        assert await dead_letters.discard(session, [first], "again", "bob") == []
    found = await event(database, first)
    assert (found.status, found.outcome) == ("discarded", "discarded by ann: a test order")
    assert [each["reason"] for each in found.refusals] == ["missing"]
    assert found.body == b"{}"


async def test_a_discarded_event_can_still_be_replayed_by_its_number(database: Database) -> None:
    event_id = await refused(database, "d-1")
    async with database.session() as session:
        await dead_letters.discard(session, [event_id], "by mistake", "ann")
    async with database.session() as session:
        assert await inbox.replay(session, event_id) == 1
    assert (await event(database, event_id)).status == "received"
