"""Listings have versions and dates, and an order that waits for one is never forgotten."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from models.catalogue import ListingMap
from models.order import OrderKey
from store import catalogue, outbox
from store.database import Database
from store.tables import OutboxMessage
from tests.store.examples import NOON, a_key, a_listing

WAITING_FOR_A_LOCK = text("""
    SELECT 1 FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND NOT granted
""")


async def put(database: Database, *listings: ListingMap) -> list[int]:
    versions = []
    for listing in listings:
        async with database.session() as session:
            versions.append((await catalogue.put_listing(session, listing)).version)
    return versions


async def in_force(database: Database, at: datetime, account: str = "EU") -> str | None:
    """The first component of TENT's listing at a time."""
    async with database.session() as session:
        found = await catalogue.listings(session, "amazon", account, ["TENT", "OTHER"], at)
    assert set(found) <= {"TENT"}
    return found["TENT"].components[0].item if found else None


async def waits(database: Database, key: OrderKey, *skus: str, account: str = "EU") -> None:
    async with database.session() as session:
        await catalogue.wait_for_sku(session, "amazon", account, skus, key, key.workflow_id)


async def woken(database: Database) -> list[OutboxMessage]:
    async with database.session() as session:
        return await outbox.claim(session, 1000)


async def someone_waits_for_a_lock(database: Database) -> bool:
    async with database.session() as session:
        found = await session.execute(WAITING_FOR_A_LOCK)
        return found.first() is not None


async def test_the_listing_in_force_is_the_newest_that_had_begun(database: Database) -> None:
    assert await put(database, a_listing(item="OLD"), a_listing(item="NEW", days=2)) == [1, 2]
    assert await in_force(database, NOON + timedelta(days=1)) == "OLD"
    assert await in_force(database, NOON + timedelta(days=2)) == "NEW"
    assert await in_force(database, NOON + timedelta(days=9)) == "NEW"


async def test_a_correction_of_the_same_day_replaces_the_version_before(database: Database) -> None:
    assert await put(database, a_listing(item="WRONG"), a_listing(item="RIGHT")) == [1, 2]
    assert await in_force(database, NOON) == "RIGHT"


async def test_the_first_mapping_covers_orders_from_before_it(database: Database) -> None:
    await put(database, a_listing(item="FIRST"), a_listing(item="SECOND", days=1))
    assert await in_force(database, NOON - timedelta(days=30)) == "FIRST"


async def test_a_mapping_of_the_future_is_not_in_force_yet(database: Database) -> None:
    tomorrow = a_listing().model_copy(update={"valid_from": datetime.now(UTC) + timedelta(days=1)})
    await put(database, tomorrow)
    assert await in_force(database, datetime.now(UTC)) is None


async def test_an_account_s_own_listing_comes_before_that_of_the_whole_channel(database: Database) -> None:
    await put(database, a_listing(item="OWN"), a_listing(item="ALL", account="*", days=1))
    assert await in_force(database, NOON + timedelta(days=3)) == "OWN"
    assert await in_force(database, NOON + timedelta(days=3), account="US") == "ALL"
    async with database.session() as session:
        assert await catalogue.listings(session, "shopify", "EU", ["TENT"], NOON) == {}
        assert await catalogue.listings(session, "amazon", "EU", [], NOON) == {}


async def test_versions_are_counted_without_a_gap_when_many_map_at_once(database: Database) -> None:
    versions = await asyncio.gather(*(put(database, a_listing(item=f"I{number}")) for number in range(20)))
    assert sorted(versions) == [[number] for number in range(1, 21)]


async def test_a_new_mapping_wakes_every_order_that_waits_for_it_once(database: Database) -> None:
    await waits(database, a_key(1), "TENT", "STOVE")
    await waits(database, a_key(1), "TENT")
    await waits(database, a_key(2), "TENT")
    await waits(database, a_key(3), "STOVE")
    assert await woken(database) == []
    await put(database, a_listing("TENT"), a_listing("TENT"))
    told = sorted((message.workflow_id, message.message, message.payload["sku"]) for message in await woken(database))
    assert told == [
        ("order/amazon/EU/1", "mapping_added", "TENT"),
        ("order/amazon/EU/2", "mapping_added", "TENT"),
    ]


async def test_a_mapping_of_one_account_wakes_only_its_orders_and_one_of_all_accounts_wakes_all(
    database: Database,
) -> None:
    await waits(database, a_key(1), "TENT")
    await waits(database, a_key(2), "TENT", account="US")
    await waits(database, a_key(3), "TENT", account="JP")
    await put(database, a_listing(account="US"))
    assert [message.workflow_id for message in await woken(database)] == ["order/amazon/EU/2"]
    await put(database, a_listing(account="*"))
    assert len(await woken(database)) == 2


async def test_orders_learn_of_a_mapping_of_the_future_when_it_begins(database: Database) -> None:
    await waits(database, a_key(), "TENT")
    begins = datetime.now(UTC) + timedelta(days=1)
    await put(database, a_listing().model_copy(update={"valid_from": begins}))
    assert await woken(database) == []
    async with database.session() as session:
        message = await session.get(OutboxMessage, 1)
    assert message is not None
    assert message.next_attempt_at == begins


async def test_waiting_for_a_sku_that_was_mapped_a_moment_ago_ends_at_once(database: Database) -> None:
    await put(database, a_listing())
    await waits(database, a_key(), "TENT", "STOVE")
    assert [message.payload["sku"] for message in await woken(database)] == ["TENT"]


async def test_a_mapping_waits_for_an_order_that_is_just_beginning_to_wait(database: Database) -> None:
    async with database.session() as session:
        await catalogue.wait_for_sku(session, "amazon", "EU", ["TENT"], a_key(), "w/1")
        mapping = asyncio.create_task(put(database, a_listing()))
        while not mapping.done() and not await someone_waits_for_a_lock(database):
            continue
    await mapping
    assert [message.workflow_id for message in await woken(database)] == ["w/1"]


async def test_no_order_waits_for_ever_however_mapping_and_waiting_fall_together(database: Database) -> None:
    async def look_then_wait(number: int) -> bool:
        async with database.session() as session:
            found = await catalogue.listings(session, "amazon", "EU", ["TENT"], NOON)
            if not found:
                await catalogue.wait_for_sku(session, "amazon", "EU", ["TENT"], a_key(number), f"w/{number}")
            return not found

    parked, _ = await asyncio.gather(
        asyncio.gather(*(look_then_wait(number) for number in range(40))), put(database, a_listing())
    )
    assert len(await woken(database)) == sum(parked)
