"""Polling: every page is kept with its cursor, and nothing twice."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import WorkflowFailureError

from activities.channel import ChannelAccount
from connectors.errors import Declined, Unavailable
from connectors.ports import OrderPage
from store import cursors, inbox
from store.database import Database
from tests.capture.scene import Scene, an_id, events, payload, until, webhook
from tests.workflows.world import World
from workflows import policy
from workflows.channel_sync import ChannelSync, SyncResult
from workflows.settlement import SettlementSync

ACCOUNT = ChannelAccount(channel="shopify", account="main")


async def sync(world: World, account: ChannelAccount = ACCOUNT) -> SyncResult:
    return await world.client.execute_workflow(
        ChannelSync.run, account, id=f"sync/{uuid4()}", task_queue=policy.channel_queue(account.channel)
    )


async def fetch(world: World) -> int:
    return await world.client.execute_workflow(
        SettlementSync.run, ACCOUNT, id=f"fetch/{uuid4()}", task_queue=policy.channel_queue("shopify")
    )


def offer(world: World, *orders: int) -> None:
    world.channel.offer(*((str(order_id), payload(order_id)) for order_id in orders))


async def cursor_of(database: Database) -> str | None:
    async with database.session() as session:
        read = await cursors.get(session, "shopify", "main")
    return read.cursor if read else None


async def test_all_pages_are_read_and_the_cursor_of_the_last_is_kept(world: World) -> None:
    offer(world, an_id(), an_id())
    offer(world, an_id())
    offer(world)
    result = await sync(world)
    assert result == SyncResult(pages=3, seen=3, kept=3)
    assert world.channel.cursors == [None, "1", "2"]
    assert await cursor_of(world.database) == "3"
    assert {(each.source, each.topic) for each in await events(world.database)} == {("poll", "order")}


async def test_the_next_walk_begins_where_the_last_one_ended(world: World) -> None:
    offer(world, an_id())
    await sync(world)
    offer(world, an_id())
    assert (await sync(world)).kept == 1
    assert world.channel.cursors == [None, "1"]


async def test_what_was_read_before_is_seen_and_not_kept_again(world: World) -> None:
    first, second = an_id(), an_id()
    offer(world, first, second)
    offer(world, second)
    assert await sync(world) == SyncResult(pages=2, seen=3, kept=2)
    assert [each.external_id for each in await events(world.database)] == sorted((str(first), str(second)))


async def test_a_page_whose_cursor_could_not_be_stored_is_read_again_and_kept_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance, failures = cursors.advance, [RuntimeError("killed between page and cursor")]

    async def breaks_once(session: AsyncSession, channel: str, account: str, cursor: str) -> None:
        if failures:
            assert (await inbox.counts(session)) == {"received": 2}  # The page is written, in this transaction.
            raise failures.pop()
        await advance(session, channel, account, cursor)

    monkeypatch.setattr(cursors, "advance", breaks_once)
    offer(world, an_id(), an_id())
    assert await sync(world) == SyncResult(pages=1, seen=2, kept=2)
    assert world.channel.cursors == [None, None]
    assert len(await events(world.database)) == 2
    assert await cursor_of(world.database) == "1"


async def test_a_channel_that_is_away_is_asked_again(world: World) -> None:
    world.channel.will_fail("poll", Unavailable("no answer"))
    offer(world, an_id())
    assert (await sync(world)).kept == 1


async def test_garbage_that_was_polled_is_kept_and_dead_and_does_not_stop_the_page(scene: Scene) -> None:
    good = an_id()
    scene.world.channel.offer(("5", b"\x00\xff"), (str(good), payload(good)))
    assert (await sync(scene.world)).kept == 2
    found = await until(lambda: events(scene.database), lambda all_: "received" not in [e.status for e in all_])
    await scene.shipped(good)
    assert sorted(each.status for each in found) == ["dead", "delivered"]


async def test_an_order_whose_webhook_came_first_is_known_to_the_poll(scene: Scene) -> None:
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    offer(scene.world, order_id)
    assert (await sync(scene.world)).seen == 1
    polled = await until(lambda: events(scene.database), lambda found: found[-1].status != "received")
    assert (polled[-1].outcome or "").endswith("is known")
    await scene.shipped(order_id)
    assert scene.world.erp.count("create_order") == 1


async def test_an_account_without_a_connection_waits_for_one_and_says_what_is_missing(world: World) -> None:
    handle = await world.client.start_workflow(
        ChannelSync.run,
        ChannelAccount(channel="shopify", account="unknown"),
        id=f"sync/{uuid4()}",
        task_queue=policy.channel_queue("shopify"),
    )

    async def failure() -> str:
        pending = (await handle.describe()).raw_description.pending_activities
        return pending[0].last_failure.message if pending else ""

    assert "no connection for shopify/unknown" in await until(failure, lambda message: message)
    await handle.terminate()


async def test_each_settlement_document_is_fetched_and_kept_once(world: World) -> None:
    world.channel.documents = {"1": b"one", "2": b"two"}
    assert await fetch(world) == 2
    world.channel.documents["3"] = b"three"
    assert await fetch(world) == 1
    assert world.channel.count("settlement") == 3
    found = await events(world.database)
    assert [(each.topic, each.delivery_id, each.body) for each in found] == [
        ("settlement", "settlement:1", b"one"),
        ("settlement", "settlement:2", b"two"),
        ("settlement", "settlement:3", b"three"),
    ]


async def test_a_document_that_the_channel_will_not_give_does_not_hold_up_the_others(world: World) -> None:
    world.channel.documents = {"1": b"one", "2": b"two"}
    world.channel.will_fail("settlement", Declined("document 1 has expired", code="expired"))
    with pytest.raises(WorkflowFailureError) as failed:
        await fetch(world)
    assert "document 1 has expired" in str(failed.value.cause.__cause__)
    assert [each.body for each in await events(world.database)] == [b"two"]
    assert await fetch(world) == 1


async def test_a_walk_that_is_given_an_empty_page_ends(world: World) -> None:
    world.channel.pages = [OrderPage(orders=(), cursor="1", more=False)]
    assert await sync(world) == SyncResult(pages=1, seen=0, kept=0)
    assert await cursor_of(world.database) == "1"
