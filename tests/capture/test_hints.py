"""Deliveries that only name an order: it is read again, and no hint is lost, however they come."""

from __future__ import annotations

from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from temporalio.client import WorkflowFailureError, WorkflowHandle

from connectors.errors import Declined, Unavailable
from connectors.ports import HINT_TOPIC
from models.order import OrderKey
from store import inbox
from store.database import Database
from store.inbox import NewEvent
from store.tables import InboxEvent
from tests.capture.scene import FIRST, SECOND, Scene, an_id, events, key_of, payload, row_of, until, webhook
from tests.workflows.world import World
from workflows.reread import RereadOrder


def hint(order_id: int, delivery_id: str | None = None) -> NewEvent:
    return webhook(b'{"resource": "an order"}', order_id, delivery_id or str(uuid4()), topic=HINT_TOPIC)


async def polled(database: Database, order_id: int) -> list[InboxEvent]:
    return [each for each in await events(database) if each.source == "poll" and each.external_id == str(order_id)]


async def taken(scene: Scene, order_id: int) -> InboxEvent:
    """The event of the order that was read, once that is delivered."""
    (read,) = await until(lambda: polled(scene.database, order_id), lambda found: found)
    return await scene.dealt_with(read.id)


def rereading(world: World, key: OrderKey) -> WorkflowHandle[RereadOrder, int]:
    return world.client.get_workflow_handle_for(RereadOrder.run, f"reread/{key}")


async def test_the_order_of_a_hint_is_read_and_taken_as_a_poll_would(scene: Scene) -> None:
    order_id = an_id()
    scene.world.channel.orders[str(order_id)] = payload(order_id)
    event = await scene.deliver(hint(order_id))
    assert event.outcome == f"asked reread/{key_of(order_id)} to read the order"
    read = await taken(scene, order_id)
    await scene.shipped(order_id)
    assert (read.topic, read.delivery_id) == ("order", f"{order_id}@2026-11-20T09:05:00+00:00")
    assert read.correlation_id == event.correlation_id
    assert (await row_of(scene.database, order_id)).correlation_id == event.correlation_id


async def test_hints_while_the_order_is_read_are_answered_by_one_more_reading(scene: Scene) -> None:
    order_id, world = an_id(), scene.world
    world.channel.orders[str(order_id)] = payload(order_id, FIRST)
    release = world.channel.hold("order")
    await scene.deliver(hint(order_id))
    await world.wait_for(lambda: "order" in world.channel.entered)
    for _ in range(5):
        await scene.deliver(hint(order_id))
    release.set()
    assert await rereading(world, key_of(order_id)).result() == 1
    assert world.channel.count("order") == 2


async def test_what_changed_after_the_reading_began_is_found_by_the_hint_about_it(scene: Scene) -> None:
    """The answer is on its way when the order changes: its hint must not be counted as answered by it."""
    order_id, world = an_id(), scene.world
    world.wms.manual = True
    world.channel.orders[str(order_id)] = payload(order_id, FIRST)
    await scene.deliver(hint(order_id))
    await rereading(world, key_of(order_id)).result()
    world.channel.orders[str(order_id)] = payload(order_id, SECOND)
    await scene.deliver(hint(order_id))
    await rereading(world, key_of(order_id)).result()
    versions = [each.delivery_id.partition("@")[2] for each in await polled(scene.database, order_id)]
    assert versions == ["2026-11-20T09:05:00+00:00", "2026-11-20T09:06:00+00:00"]


async def test_the_same_delivery_is_one_hint_and_the_same_version_one_event(scene: Scene) -> None:
    order_id, world = an_id(), scene.world
    world.channel.orders[str(order_id)] = payload(order_id)
    await scene.deliver(hint(order_id, "delivery-1"))
    assert await rereading(world, key_of(order_id)).result() == 1
    await scene.deliver(hint(order_id, "delivery-2"))
    assert await rereading(world, key_of(order_id)).result() == 0
    assert len(await polled(scene.database, order_id)) == 1
    await scene.shipped(order_id)
    assert world.erp.count("create_order") == 1


async def test_a_channel_whose_quota_is_used_up_is_asked_later(scene: Scene) -> None:
    order_id, world = an_id(), scene.world
    world.channel.orders[str(order_id)] = payload(order_id)
    world.channel.will_fail("order", Unavailable("throttled"), Unavailable("throttled"))
    await scene.deliver(hint(order_id))
    assert (await taken(scene, order_id)).status == "delivered"
    await scene.shipped(order_id)


async def test_an_order_that_the_channel_does_not_know_ends_the_reading_and_the_next_hint_begins_anew(
    scene: Scene,
) -> None:
    order_id, world = an_id(), scene.world
    world.channel.orders[str(order_id)] = payload(order_id)
    world.channel.will_fail("order", Declined("no such order", code="not_found"))
    await scene.deliver(hint(order_id))
    with pytest.raises(WorkflowFailureError):
        await rereading(world, key_of(order_id)).result()
    assert await polled(scene.database, order_id) == []
    await scene.deliver(hint(order_id))
    assert await rereading(world, key_of(order_id)).result() == 1


async def test_a_hint_that_comes_while_a_reading_fails_is_answered_by_another(scene: Scene) -> None:
    order_id, world = an_id(), scene.world
    world.channel.orders[str(order_id)] = payload(order_id)
    world.channel.will_fail("order", Declined("no such order", code="not_found"))
    release = world.channel.hold("order")
    await scene.deliver(hint(order_id))
    await world.wait_for(lambda: "order" in world.channel.entered)
    await scene.deliver(hint(order_id))
    release.set()
    assert await rereading(world, key_of(order_id)).result() == 1


async def test_what_is_read_and_not_understood_is_a_dead_letter_once(scene: Scene) -> None:
    order_id, world = an_id(), scene.world
    world.channel.orders[str(order_id)] = b"<html>maintenance</html>"
    for _ in range(2):
        await scene.deliver(hint(order_id))
        await rereading(world, key_of(order_id)).result()
    (read,) = await polled(scene.database, order_id)
    assert read.delivery_id.startswith(f"{order_id}@sha256:")
    dead = await scene.dealt_with(read.id)
    assert (dead.status, dead.refusals[0]["reason"]) == ("dead", "not_json")


async def test_a_hint_that_names_no_order_is_a_dead_letter(scene: Scene) -> None:
    with capture_logs() as lines:
        event = await scene.deliver(webhook(b'{"resource": "Main St"}', topic=HINT_TOPIC))
    assert (event.status, event.refusals[0]["reason"]) == ("dead", "hint_without_order")
    assert "Main St" not in str(lines)


async def test_a_hint_alone_is_no_captured_order(scene: Scene) -> None:
    order_id = an_id()
    release = scene.world.channel.hold("order")
    scene.world.channel.orders[str(order_id)] = payload(order_id)
    await scene.deliver(hint(order_id))

    async def captured() -> int:
        async with scene.database.session() as session:
            return await inbox.captured(session)

    assert await captured() == 0
    release.set()
    assert await until(captured, lambda count: count) == 1
    await scene.shipped(order_id)
