"""The relay: delivers what is due, once, whatever goes away and whatever else is broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.testing import capture_logs
from temporalio.client import Client, RetryConfig
from temporalio.contrib.pydantic import pydantic_data_converter

from capture.deliveries import Deliveries
from capture.relay import Relay
from connectors.providers import FORMATS
from models.catalogue import Component
from models.messages import MappingAdded
from stack.temporal import NAMESPACE, LocalTemporal
from store import outbox
from store.database import Database
from store.tables import InboxEvent, OutboxMessage
from tests.capture.proxy import Wire
from tests.capture.scene import (
    Scene,
    an_id,
    cancelled,
    event_of,
    events,
    keep,
    key_of,
    payload,
    relaying,
    until,
    webhook,
)
from tests.workflows.world import World

NO_PATIENCE = RetryConfig(
    initial_interval_millis=20, max_interval_millis=20, max_elapsed_time_millis=200, max_retries=2
)


@pytest.fixture
async def wire(temporal_server: LocalTemporal) -> AsyncIterator[Wire]:
    async with Wire(temporal_server.address) as wire:
        yield wire


@pytest.fixture
async def client_on_wire(wire: Wire) -> Client:
    return await Client.connect(
        wire.address, namespace=NAMESPACE, data_converter=pydantic_data_converter, retry_config=NO_PATIENCE
    )


async def make_due(database: Database) -> None:
    async with database.session() as session:
        await session.execute(text("UPDATE inbox_event SET next_attempt_at = now()"))
        await session.execute(text("UPDATE outbox SET next_attempt_at = now()"))


async def messages(database: Database) -> list[OutboxMessage]:
    async with database.session() as session:
        return [await session.get_one(OutboxMessage, number) for number in range(1, await outbox.waiting(session) + 1)]


async def test_what_temporal_cannot_take_is_postponed_ever_longer_and_then_delivered(
    world: World, wire: Wire, client_on_wire: Client
) -> None:
    database, order_id = world.database, an_id()
    relay = Relay(database, client_on_wire, Deliveries(client_on_wire, FORMATS))
    event_id = await keep(database, webhook(payload(order_id), order_id))
    await wire.cut()
    pauses = []
    for _ in range(3):
        assert await relay.deliver_due() == 1
        event = await event_of(database, event_id)
        assert event.status == "received"
        assert event.outcome
        pauses.append(event.next_attempt_at - datetime.now(UTC))
        assert await relay.deliver_due() == 0  # Not before its time.
        await make_due(database)
    for pause, seconds in zip(pauses, (2, 4, 8), strict=True):
        assert timedelta(seconds=seconds - 1) < pause <= timedelta(seconds=seconds)

    await wire.mend()
    async with relaying(database, client_on_wire):
        delivered = await until(lambda: event_of(database, event_id), lambda event: event.status == "delivered")
    assert delivered.attempts >= 4
    assert delivered.outcome == f"{key_of(order_id)}: started"
    await world.wait_for(lambda: world.erp.count("create_order") == 1)


async def test_the_longest_pause_is_a_minute(world: World, wire: Wire, client_on_wire: Client) -> None:
    database, order_id = world.database, an_id()
    event_id = await keep(database, webhook(payload(order_id), order_id))
    async with database.session() as session:
        await session.execute(text("UPDATE inbox_event SET attempts = 500"))
    await wire.cut()
    await Relay(database, client_on_wire, Deliveries(client_on_wire, FORMATS)).deliver_due()
    pause = (await event_of(database, event_id)).next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=55) < pause <= timedelta(seconds=60)


async def test_a_message_to_a_workflow_waits_for_temporal_too(world: World, wire: Wire, client_on_wire: Client) -> None:
    database = world.database
    relay = Relay(database, client_on_wire, Deliveries(client_on_wire, FORMATS))
    async with database.session() as session:
        await outbox.add(session, "order/shopify/main/nobody", "mapping_added", MappingAdded(sku="X"))
    await wire.cut()
    assert await relay.deliver_due() == 1
    (waiting,) = await messages(database)
    assert waiting.attempts == 1
    assert waiting.last_error
    await wire.mend()
    await make_due(database)
    async with relaying(database, client_on_wire):
        await until(lambda: _waiting(database), lambda count: count == 0)


async def test_mapping_a_sku_wakes_the_order_that_waits_for_it(world: World) -> None:
    order_id, database = an_id(), world.database
    event = webhook(payload(order_id).replace(b'"MAT"', b'"NEW-MAT"'), order_id)
    async with relaying(database, world.client):
        event_id = await keep(database, event)
        await until(lambda: event_of(database, event_id), lambda each: each.status == "delivered")
        scene = Scene(world)
        parked = await world.until_case(scene.handle(order_id))
        assert parked.case is not None
        await world.map_sku("NEW-MAT", Component(item="MAT-FOAM"))
        await scene.shipped(order_id)
    assert await _waiting(database) == 0


async def test_two_relays_share_the_work_and_do_nothing_twice(world: World) -> None:
    database, ids = world.database, [an_id() for _ in range(60)]
    for order_id in ids:
        await keep(database, webhook(cancelled(order_id), order_id))
    async with relaying(database, world.client), relaying(database, world.client):
        told = await until(lambda: events(database), lambda found: all(each.status == "delivered" for each in found))
    assert [each.attempts for each in told] == [1] * 60
    assert sorted(each.outcome or "" for each in told) == sorted(f"{key_of(order_id)}: started" for order_id in ids)


class BreaksOn(Deliveries):
    """A defect that one event meets."""

    broken = 0

    async def deliver(self, session: AsyncSession, event: InboxEvent) -> None:
        if event.id == self.broken:
            raise ZeroDivisionError("a defect")
        await super().deliver(session, event)


async def test_a_defect_in_one_row_stops_no_other_and_loses_nothing(world: World) -> None:
    database, ids = world.database, [an_id() for _ in range(3)]
    kept = [await keep(database, webhook(cancelled(order_id), order_id)) for order_id in ids]
    deliveries = BreaksOn(world.client, FORMATS)
    deliveries.broken = kept[1]
    with capture_logs() as lines:
        assert await Relay(database, world.client, deliveries).deliver_due() == 3
    found = await events(database)
    assert [each.status for each in found] == ["delivered", "received", "delivered"]
    assert found[1].outcome == "ZeroDivisionError: a defect"
    assert "delivery failed" in [line["event"] for line in lines]
    deliveries.broken = 0
    await make_due(database)
    await Relay(database, world.client, deliveries).deliver_due()
    assert [each.status for each in await events(database)] == ["delivered"] * 3


async def test_a_failed_statement_tells_nobody_the_buyers_address(world: World) -> None:
    """The database's errors quote the row, with all that is in it; logs and the operator's list must not."""
    database, order_id = world.database, an_id()
    event_id = await keep(database, webhook(payload(order_id), order_id))
    async with database.session() as session:
        await session.execute(text("ALTER TABLE orders ADD CHECK (total < 0)"))
    with capture_logs() as lines:
        await Relay(database, world.client, Deliveries(world.client, FORMATS)).deliver_due()
    event = await event_of(database, event_id)
    assert event.status == "received"
    told = f"{event.outcome} {lines}"
    assert "orders_total_check" in told
    assert "Failing row" not in told
    assert str(order_id) not in told


async def test_a_relay_outlasts_the_store_and_goes_on_when_it_is_back(world: World, database_url: str) -> None:
    """The store goes away under a relay that runs; nothing ends, and the next event is delivered."""
    database, address = world.database, f"127.0.0.1:{make_url(database_url).port}"
    async with Wire(address) as store_wire:
        flaky = Database(database_url.replace(address, store_wire.address))
        async with relaying(flaky, world.client):
            first, second = an_id(), an_id()
            event_id = await keep(database, webhook(cancelled(first), first))
            await until(lambda: event_of(database, event_id), lambda event: event.status == "delivered")
            with capture_logs() as lines:
                await store_wire.cut()
                await until(_aware(lines), lambda aware: aware)
            event_id = await keep(database, webhook(cancelled(second), second))
            await store_wire.mend()
            await until(lambda: event_of(database, event_id), lambda event: event.status == "delivered")
        await flaky.aclose()


def _aware(lines: Sequence[MutableMapping[str, object]]) -> Callable[[], Awaitable[bool]]:
    """Has the relay met the absence of the store?"""

    async def aware() -> bool:
        return any(line["event"] == "relay waits for the store" for line in lines)

    return aware


async def _waiting(database: Database) -> int:
    async with database.session() as session:
        return await outbox.waiting(session)
