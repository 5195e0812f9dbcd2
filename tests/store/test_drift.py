"""What the contract does not have is counted, by however many at once."""

import asyncio

from connectors.ports import Drift
from store import drift
from store.database import Database
from store.drift import LONGEST_WORD

FIELD = Drift(kind="unknown_field", path="lines[].giftWrap")
WORD = Drift(kind="unknown_value", path="state", value="ON_ICE")


async def count(database: Database, event_id: int, *unknown: Drift, version: str = "2026-10") -> None:
    async with database.session() as session:
        await drift.count(session, "walmart", version, unknown, event_id)


async def counted(database: Database, channel: str = "walmart") -> dict[tuple[str, str, str], int]:
    async with database.session() as session:
        return {(row.api_version, row.path, row.value): row.count for row in await drift.of_channel(session, channel)}


async def test_each_is_counted_once_an_event_whatever_the_order(database: Database) -> None:
    await count(database, 1, FIELD, WORD, FIELD)
    await count(database, 2, FIELD)
    assert await counted(database) == {("2026-10", FIELD.path, ""): 2, ("2026-10", "state", "ON_ICE"): 1}
    async with database.session() as session:
        first, second = await drift.of_channel(session, "walmart")
    assert (first.last_event, second.last_event) == (2, 1)
    assert first.last_seen > first.first_seen
    assert await counted(database, "amazon") == {}


async def test_another_version_of_the_contract_is_counted_apart(database: Database) -> None:
    await count(database, 1, FIELD)
    await count(database, 2, FIELD, version="2027-01")
    assert await counted(database) == {("2026-10", FIELD.path, ""): 1, ("2027-01", FIELD.path, ""): 1}


async def test_many_events_at_once_lose_no_count_and_wait_in_no_circle(database: Database) -> None:
    unknown = [Drift(kind="unknown_field", path=f"field{number}") for number in range(20)]
    await asyncio.gather(*(count(database, number, *unknown[:: 1 if number % 2 else -1]) for number in range(1, 41)))
    assert await counted(database) == {("2026-10", each.path, ""): 40 for each in unknown}


async def test_a_word_without_end_is_kept_shortened(database: Database) -> None:
    await count(database, 1, Drift(kind="unknown_value", path="state", value="x" * 10_000))
    assert await counted(database) == {("2026-10", "state", "x" * LONGEST_WORD): 1}


async def test_nothing_unknown_is_nothing_to_count(database: Database) -> None:
    await count(database, 1)
    assert await counted(database) == {}
