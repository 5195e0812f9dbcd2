"""Each delivery is kept once, handled by one, and never forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.ports import Refusal
from store import inbox
from store.database import Database
from store.tables import InboxEvent
from tests.store.examples import an_event

MISSING = Refusal(reason="missing", path="orders[0].total", value="None", remedy="ask the channel", external_id="7")

NOT_JSON = Refusal(reason="not_json", path="$", value="<", remedy="send the file again")


async def kept(database: Database, *deliveries: str) -> list[int]:
    ids = []
    for delivery in deliveries:
        async with database.session() as session:
            event_id = await inbox.keep(session, an_event(delivery))
            assert event_id is not None
            ids.append(event_id)
    return ids


async def event(database: Database, event_id: int) -> InboxEvent:
    async with database.session() as session:
        found = await inbox.get(session, event_id)
    assert found is not None
    return found


async def test_fifty_copies_of_a_delivery_at_once_are_one_event(database: Database) -> None:
    async def keep() -> int | None:
        async with database.session() as session:
            return await inbox.keep(session, an_event())

    ids = await asyncio.gather(*(keep() for _ in range(50)))
    assert len([event_id for event_id in ids if event_id is not None]) == 1
    async with database.session() as session:
        assert await inbox.counts(session) == {"received": 1}


async def test_the_same_delivery_id_of_another_account_or_source_is_another_event(database: Database) -> None:
    async with database.session() as session:
        assert await inbox.keep(session, an_event())
        assert await inbox.keep(session, an_event(account="US"))
        assert await inbox.keep(session, an_event(source="poll"))
        assert await inbox.keep(session, an_event()) is None
        assert await inbox.id_of(session, "amazon", "US", "webhook", "d-1") == 2
        assert await inbox.id_of(session, "amazon", "US", "poll", "d-1") is None


async def test_pages_that_overlap_in_any_order_are_kept_without_a_deadlock(database: Database) -> None:
    events = [an_event(f"d-{number}") for number in range(40)]

    async def keep(page: list[inbox.NewEvent]) -> list[int]:
        async with database.session() as session:
            return await inbox.keep_many(session, page)

    pages = [events, events[::-1], events[10:] + events[:10], events[:20]]
    ids = [event_id for new in await asyncio.gather(*map(keep, pages * 3)) for event_id in new]
    assert len(ids) == len(set(ids)) == 40


async def test_a_page_is_kept_in_the_order_of_its_deliveries_whatever_its_own(database: Database) -> None:
    async with database.session() as session:
        ids = await inbox.keep_many(session, [an_event("d-2"), an_event("d-3"), an_event("d-1")])
        kept = [(await inbox.get(session, event_id)) for event_id in ids]
    assert [event.delivery_id for event in kept if event] == ["d-1", "d-2", "d-3"]
    assert ids == sorted(ids)


async def test_an_event_is_alone_until_another_tells_of_the_same_order(database: Database) -> None:
    async with database.session() as session:
        of_seven = await inbox.keep(session, an_event("d-1", external_id="7"))
        await inbox.keep(session, an_event("d-2", external_id="8"))
        await inbox.keep(session, an_event("d-3", external_id="7", account="US"))
        of_a_file = await inbox.keep(session, an_event("d-4"))
        assert of_seven
        assert of_a_file
        first, file = await inbox.get(session, of_seven), await inbox.get(session, of_a_file)
        assert first
        assert file
        assert not await inbox.is_not_alone(session, first)
        assert await inbox.is_not_alone(session, file)
        await inbox.keep(session, an_event("d-5", external_id="7", source="poll"))
        assert await inbox.is_not_alone(session, first)


async def test_keeping_nothing_is_nothing(database: Database) -> None:
    async with database.session() as session:
        assert await inbox.keep_many(session, []) == []


async def test_an_event_is_kept_as_it_came_but_without_secrets(database: Database) -> None:
    headers = {"X-Topic": "orders/create", "Authorization": "Bearer 1", "X-Amz-Access-Token": "2", "Cookie": "3"}
    body = bytes(range(256))
    new = an_event(headers=headers, body=body, external_id="ab\x00c", version=datetime(2026, 1, 1, tzinfo=UTC))
    async with database.session() as session:
        event_id = await inbox.keep(session, new)
    assert event_id
    found = await event(database, event_id)
    assert found.body == body
    assert found.headers == {"x-topic": "orders/create"}
    assert found.external_id == "ab\ufffdc"
    assert found.version == new.version
    assert found.correlation_id == new.correlation_id
    assert found.received_at == new.received_at


async def test_two_claimers_never_get_the_same_event(database: Database) -> None:
    ids = await kept(database, *(f"d-{number}" for number in range(60)))

    async def claim() -> list[int]:
        claimed: list[int] = []
        while True:
            async with database.session() as session:
                batch = await inbox.claim(session, 7)
            if not batch:
                return claimed
            claimed += [event.id for event in batch]

    claims = await asyncio.gather(*(claim() for _ in range(6)))
    assert sorted(event_id for claimed in claims for event_id in claimed) == ids


async def test_a_claimer_does_not_wait_for_another_that_is_still_at_work(database: Database) -> None:
    first, second = await kept(database, "d-1", "d-2")
    async with database.session() as slow, database.session() as quick:
        assert [event.id for event in await inbox.claim(slow, 1)] == [first]
        assert [event.id for event in await inbox.claim(quick, 5)] == [second]


async def test_the_events_of_a_claimer_that_died_are_due_again_when_its_lease_ends(database: Database) -> None:
    await kept(database, "d-1")
    async with database.session() as session:
        assert len(await inbox.claim(session, 5, lease=timedelta(0))) == 1
    async with database.session() as session:
        [again] = await inbox.claim(session, 5)
    assert again.attempts == 2
    async with database.session() as session:
        assert await inbox.claim(session, 5) == []


async def test_a_postponed_event_waits_its_time_and_shows_why(database: Database) -> None:
    [event_id] = await kept(database, "d-1")
    async with database.session() as session:
        await inbox.claim(session, 5)
        await inbox.postpone(session, event_id, "Temporal is away", timedelta(hours=1))
    async with database.session() as session:
        assert await inbox.claim(session, 5) == []
        await inbox.postpone(session, event_id, "Temporal is away", timedelta(0))
    async with database.session() as session:
        [again] = await inbox.claim(session, 5)
    assert (again.id, again.attempts, again.outcome) == (event_id, 2, "Temporal is away")


async def test_a_finished_event_is_neither_claimed_nor_postponed(database: Database) -> None:
    [event_id] = await kept(database, "d-1")
    async with database.session() as session:
        await inbox.finish(session, event_id, "delivered", "started order/amazon/EU/1")
        await inbox.postpone(session, event_id, "late report", timedelta(0))
    async with database.session() as session:
        assert await inbox.claim(session, 5) == []
    found = await event(database, event_id)
    assert (found.status, found.outcome) == ("delivered", "started order/amazon/EU/1")
    assert found.finished_at is not None


async def test_dead_letters_are_dead_events_and_files_of_which_an_order_was_refused(database: Database) -> None:
    dead, partly, fine = await kept(database, "dead", "partly", "fine")
    async with database.session() as session:
        await inbox.finish(
            session, dead, "dead", "not json", [Refusal(reason="not_json", path="$", value="", remedy="")]
        )
        await inbox.finish(session, partly, "delivered", "2 of 3", [MISSING])
        await inbox.finish(session, fine, "delivered", "3 of 3")
    async with database.session() as session:
        assert [event.id for event in await inbox.dead_letters(session)] == [partly, dead]
        [missing] = await inbox.dead_letters(session, reason="missing", channel="amazon")
        assert await inbox.dead_letters(session, account="US") == []
        assert await inbox.dead_letters(session, since=datetime.now(UTC) + timedelta(days=1)) == []
    assert missing.refusals == [MISSING.model_dump()]


async def test_a_replayed_event_is_due_again_and_counts_its_attempts_on(database: Database) -> None:
    dead, waiting = await kept(database, "dead", "waiting")
    async with database.session() as session:
        await inbox.claim(session, 1)
        await inbox.finish(session, dead, "dead", "missing", [MISSING])
    async with database.session() as session:
        assert await inbox.replay(session, [dead, waiting, 10**12]) == 1
        assert await inbox.dead_letters(session) == []
    async with database.session() as session:
        attempts = {event.id: event.attempts for event in await inbox.claim(session, 5)}
    assert attempts == {dead: 2, waiting: 1}
    async with database.session() as session:
        await inbox.finish(session, dead, "dead", "still missing", [MISSING])
        assert await inbox.replay(session, dead) == 1


async def test_an_order_is_captured_once_a_channel_told_of_it_and_that_was_dealt_with(database: Database) -> None:
    events: dict[str, dict[str, Any]] = {
        "by webhook": {"external_id": "1"},
        "by poll": {"external_id": "1", "source": "poll"},
        "still waits": {"external_id": "2"},
        "not of an order": {"external_id": None},
        "a parcel": {"external_id": "amazon/EU/1#BER-1", "channel": "wms", "source": "wms"},
    }
    async with database.session() as session:
        for delivery, more in events.items():
            event_id = await inbox.keep(session, an_event(delivery, **more))
            assert event_id is not None
            if delivery != "still waits":
                await inbox.finish(session, event_id, "delivered", "started")
        assert await inbox.captured(session) == 1
