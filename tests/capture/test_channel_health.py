"""What is noted of a channel account while it is polled, whose turn its work takes, and what is unknown of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import Priority
from temporalio.worker import Worker

from activities.channel import ChannelAccount, PolledPage
from capture.temporal import fairness_key
from cli import schedules
from connectors.errors import Declined, Unavailable
from connectors.ports import Drift, Parsed
from connectors.providers import FORMATS
from connectors.registry import Connections
from connectors.shopify.format import ShopifyFormat
from models.channel import ChannelHealth
from store import drift, health
from store.database import Database
from store.tables import ChannelHealthRow
from tests.capture.scene import Scene, an_id, cancelled, events, keep, payload, relaying, until, webhook
from tests.workflows.world import PURCHASED, World
from workflows import policy
from workflows.channel_sync import ChannelSync, SyncResult

ACCOUNT = ChannelAccount(channel="shopify", account="main")


async def sync(world: World) -> None:
    queue = policy.channel_queue("shopify")
    await world.client.execute_workflow(ChannelSync.run, ACCOUNT, id=f"sync/{uuid4()}", task_queue=queue)


@pytest.fixture
def connections() -> Connections:
    """Two accounts of a channel that no worker serves: what their schedules start disturbs no other test."""
    system = {"provider": "rest", "base_url": "http://127.0.0.1:1"}
    accounts = [{"provider": "nowhere", "account": name, "base_url": "http://127.0.0.1:1"} for name in ("EU", "US")]
    systems = dict.fromkeys(("erp", "wms", "tax", "fraud", "notify"), system)
    return Connections.model_validate({"channels": accounts, **systems})


async def noted(database: Database) -> ChannelHealthRow:
    async with database.session() as session:
        found = await health.get(session, "shopify", "main")
    assert found is not None
    return found


async def test_a_poll_notes_what_the_connector_says_and_the_newest_order(world: World, database: Database) -> None:
    world.channel.offer(("5", payload(5)))
    await sync(world)
    found = await noted(database)
    assert (found.api_version, found.newest_version) == ("test", PURCHASED)
    assert found.last_success_at is not None
    assert datetime.now(UTC) - found.last_success_at < timedelta(minutes=1)
    assert found.last_failure is None


async def test_a_poll_that_fails_notes_why_and_the_next_one_that_it_went_well(world: World, database: Database) -> None:
    world.channel.offer()
    world.channel.will_fail("poll", Unavailable("shopify: 503 to /orders"))
    await sync(world)
    found = await noted(database)
    assert found.last_failure == "Unavailable: shopify: 503 to /orders"
    assert found.last_failure_at is not None
    assert found.last_success_at is not None
    assert found.last_success_at > found.last_failure_at


async def test_a_poll_that_is_declined_is_noted_too(world: World, database: Database) -> None:
    world.channel.will_fail("poll", Declined("the shop is closed", code="closed"))
    with pytest.raises(WorkflowFailureError):
        await sync(world)
    found = await noted(database)
    assert (found.last_failure, found.last_success_at) == ("Declined: the shop is closed", None)


def _breaks() -> ChannelHealth:
    raise ZeroDivisionError("a defect")


async def test_a_defect_in_what_is_only_shown_never_fails_the_poll(
    world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.channel, "health", _breaks)
    world.channel.offer(("5", payload(5)))
    with capture_logs() as lines:
        await sync(world)
    assert len(await events(database)) == 1
    assert "health of the channel not noted" in [line["event"] for line in lines]
    async with database.session() as session:
        assert await health.everywhere(session) == []


async def test_one_accounts_pile_of_calls_holds_up_no_other_account(temporal_client: Client) -> None:
    """The calls of a walk take the turns of its account: the activities inherit the workflow's fairness key."""
    queue, done = policy.channel_queue("fair"), []

    @activity.defn
    async def poll_orders(account: ChannelAccount) -> PolledPage:
        done.append(account.account)
        return PolledPage(seen=0, kept=0, more=False)

    async def walk(account: str) -> WorkflowHandle[ChannelSync, SyncResult]:
        handle = await temporal_client.start_workflow(
            ChannelSync.run,
            ChannelAccount(channel="fair", account=account),
            id=f"sync/{uuid4()}",
            task_queue=queue,
            priority=Priority(fairness_key=fairness_key("fair", account)),
        )
        await until(lambda: _calls_that_wait(handle), lambda calls: calls == 1)
        return handle

    async with Worker(temporal_client, task_queue=queue, workflows=[ChannelSync]):
        walks = [await walk("busy") for _ in range(30)]
        walks.append(await walk("quiet"))
        async with Worker(temporal_client, task_queue=queue, activities=[poll_orders], max_concurrent_activities=1):
            await asyncio.gather(*(each.result() for each in walks))
    assert done.index("quiet") < 15  # Some are on their way to the worker already; without turns it is the last.


async def _calls_that_wait(handle: WorkflowHandle[ChannelSync, SyncResult]) -> int:
    return len((await handle.describe()).raw_description.pending_activities)


async def test_every_schedule_starts_its_walks_with_the_key_of_its_account(
    temporal_client: Client, connections: Connections
) -> None:
    # A schedule starts its first walk at once: on a queue of nobody's, where no later test meets it.
    of_nobody = [each.model_copy(update={"provider": f"nobodys-{each.provider}"}) for each in connections.channels]
    connections = connections.model_copy(update={"channels": tuple(of_nobody)})
    applied = await schedules.apply(temporal_client, connections, poll_seconds=3600)
    try:
        for each in applied:
            kind, channel, account = each["schedule"].split("/")
            handle = temporal_client.get_schedule_handle(each["schedule"])
            action = (await handle.describe()).raw_description.schedule.action.start_workflow
            assert action.priority.fairness_key == f"{channel}/{account}"
            assert action.workflow_id == f"sync-{kind}/{channel}/{account}"
        assert {each["schedule"].partition("/")[0] for each in applied} >= {"orders", "returns", "settlements"}
    finally:
        for each in applied:
            await temporal_client.get_schedule_handle(each["schedule"]).delete()


def test_a_fairness_key_fits_and_tells_accounts_apart() -> None:
    assert fairness_key("mirakl", "a-shop") == "mirakl/a-shop"
    assert len(fairness_key("mirakl", "ü" * 100).encode()) <= 64


class Drifting(ShopifyFormat):
    """Finds in each payload what its caller says."""

    api_version = "2026-10"

    def __init__(self, find: Callable[[bytes], tuple[Drift, ...]]) -> None:
        self._find = find

    def parse(self, body: bytes, account: str) -> Parsed:
        return super().parse(body, account).model_copy(update={"drift": self._find(body)})


async def test_what_is_unknown_of_orders_is_counted_once_an_event_by_any_number_of_relays(world: World) -> None:
    database = world.database
    unknown = (Drift(kind="unknown_field", path="giftWrap"), Drift(kind="unknown_value", path="state", value="on_ice"))
    formats = {**FORMATS, "shopify": Drifting(lambda body: unknown if b"mat" in body.lower() else ())}
    kept = [await keep(database, webhook(cancelled(order_id), order_id)) for order_id in (an_id() for _ in range(40))]
    async with relaying(database, world.client, formats), relaying(database, world.client, formats):
        await until(lambda: events(database), lambda found: all(each.status == "delivered" for each in found))
    async with database.session() as session:
        found = await drift.of_channel(session, "shopify")
    assert {(row.kind, row.path, row.value, row.count) for row in found} == {
        ("unknown_field", "giftWrap", "", 40),
        ("unknown_value", "state", "on_ice", 40),
    }
    assert {row.last_event for row in found} == {max(kept)}


async def test_a_dead_letter_counts_what_is_unknown_of_it(world: World) -> None:
    formats = {**FORMATS, "shopify": Drifting(lambda _: (Drift(kind="unknown_field", path="everything"),))}
    async with relaying(world.database, world.client, formats):
        event = await Scene(world).deliver(webhook(b"[]"))
    assert event.status == "dead"
    async with world.database.session() as session:
        assert [row.path for row in await drift.of_channel(session, "shopify")] == ["everything"]
