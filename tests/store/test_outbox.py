"""Messages to workflows: written with their cause, delivered at least once, to one relay at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

from models.messages import MappingAdded
from store import outbox
from store.database import Database

TENT = MappingAdded(sku="TENT")


async def test_a_message_is_claimed_by_one_relay_and_gone_once_it_is_delivered(database: Database) -> None:
    async with database.session() as session:
        await outbox.add(session, "order/amazon/EU/1", "mapping_added", TENT)
    async with database.session() as one, database.session() as other:
        [message] = await outbox.claim(one, 10)
        assert await outbox.claim(other, 10) == []
    assert (message.workflow_id, message.message, message.payload) == (
        "order/amazon/EU/1",
        "mapping_added",
        {"sku": "TENT"},
    )
    async with database.session() as session:
        await outbox.delivered(session, message.id)
        await outbox.postpone(session, message.id, "late report", timedelta(0))
    async with database.session() as session:
        assert await outbox.claim(session, 10) == []
        assert await outbox.waiting(session) == 0


async def test_relays_share_many_messages_without_overlap(database: Database) -> None:
    messages = [outbox.Message(workflow_id=f"w/{n}", message="m", payload={"n": n}) for n in range(80)]
    async with database.session() as session:
        await outbox.add_all(session, messages)

    async def relay() -> list[str]:
        told: list[str] = []
        while True:
            async with database.session() as session:
                batch = await outbox.claim(session, 9)
            if not batch:
                return told
            told += [message.workflow_id for message in batch]

    told = [name for names in await asyncio.gather(*(relay() for _ in range(5))) for name in names]
    assert sorted(told) == sorted(message.workflow_id for message in messages)


async def test_an_undelivered_message_comes_again_with_its_error(database: Database) -> None:
    async with database.session() as session:
        await outbox.add(session, "w", "m", TENT)
    async with database.session() as session:
        [message] = await outbox.claim(session, 1, lease=timedelta(hours=1))
        await outbox.postpone(session, message.id, "Temporal is away", timedelta(0))
    async with database.session() as session:
        [again] = await outbox.claim(session, 1)
        assert (again.attempts, again.last_error) == (2, "Temporal is away")
        assert await outbox.waiting(session) == 1


async def test_a_message_waits_for_its_time(database: Database) -> None:
    tomorrow, yesterday = datetime.now(UTC) + timedelta(days=1), datetime.now(UTC) - timedelta(days=1)
    messages = [
        outbox.Message(workflow_id=name, message="m", payload={}, not_before=at)
        for name, at in (("later", tomorrow), ("now", yesterday))
    ]
    async with database.session() as session:
        await outbox.add_all(session, messages)
        await outbox.add_all(session, [])
    async with database.session() as session:
        assert [message.workflow_id for message in await outbox.claim(session, 10)] == ["now"]
