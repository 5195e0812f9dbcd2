"""Returns, from webhooks and from polls, to the newest version of each."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from activities.channel import ChannelAccount
from connectors.errors import Unavailable
from connectors.ports import ChannelFormat, Drift, ParsedReturns, PolledOrder, Refusal, ReturnPage
from connectors.providers import FORMATS
from connectors.shopify.format import ShopifyFormat
from models.returns import ChannelReturn
from store import cursors, drift, inbox, returns
from store.database import Database
from store.tables import ReturnRow
from tests.capture.scene import Scene, end_all, events, key_of, relaying, until, webhook
from tests.workflows.world import ChannelSide, World
from workflows import policy
from workflows.channel_sync import ReturnSync, SyncResult

ACCOUNT = ChannelAccount(channel="shopify", account="main")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Format(ShopifyFormat):
    """Of a shop that sends our own returns, and those that are not as a list of what is wrong."""

    api_version = "2026-10"

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        document = json.loads(body)
        if "returns" not in document:
            refusal = Refusal(reason="missing", path="returns", value="nothing", remedy="ask the channel")
            return ParsedReturns(refusals=(refusal,))
        told = tuple(ChannelReturn.model_validate(each) for each in document["returns"])
        unknown = tuple(Drift(kind="unknown_field", path=name) for name in document if name != "returns")
        return ParsedReturns(returns=told, drift=unknown)


FORMATS_WITH_RETURNS: Mapping[str, ChannelFormat] = {**FORMATS, "shopify": Format()}


class Side(ChannelSide):
    """Offers pages of returns; the cursor is the number of pages that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.return_pages: list[tuple[PolledOrder, ...]] = []

    async def returns(self, cursor: str | None) -> ReturnPage:
        await self._do("returns", cursor)
        number = int(cursor or 0)
        found = self.return_pages[number] if number < len(self.return_pages) else ()
        last = number + 1 >= len(self.return_pages)
        return ReturnPage(returns=found, cursor=str(min(number + 1, len(self.return_pages))), more=not last)


@pytest.fixture
async def world(temporal_client: Client, database: Database) -> AsyncIterator[World]:
    world = World(temporal_client, database)
    world.channel = Side()
    async with world:
        yield world
        await end_all(database, world.client)


@pytest.fixture
async def scene(world: World, database: Database) -> AsyncIterator[Scene]:
    async with relaying(database, world.client, FORMATS_WITH_RETURNS):
        yield Scene(world)


def document(*told: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"returns": told, **more}).encode()


def a_return(return_id: str = "R-1", version: datetime = NOON, state: str = "requested") -> dict[str, Any]:
    return {
        "return_id": return_id,
        "order_key": key_of(5).model_dump(mode="json"),
        "version": version.isoformat(),
        "state": state,
        "lines": [{"return_line_id": "1", "quantity": 1}],
    }


def offered(return_id: str, version: datetime = NOON) -> PolledOrder:
    return PolledOrder(external_id=return_id, version=version, body=document(a_return(return_id, version)))


async def kept(database: Database) -> dict[str, ReturnRow]:
    async with database.session() as session:
        return {row.return_id: row for row in await returns.of_order(session, key_of(5))}


async def sync(world: World) -> SyncResult:
    queue = policy.channel_queue("shopify")
    return await world.client.execute_workflow(ReturnSync.run, ACCOUNT, id=f"returns/{uuid4()}", task_queue=queue)


async def test_a_return_that_is_sent_is_kept_and_an_older_version_of_it_ignored(scene: Scene) -> None:
    later = NOON + timedelta(hours=1)
    newer = await scene.deliver(webhook(document(a_return(version=later, state="received")), topic="returns/update"))
    older = await scene.deliver(webhook(document(a_return()), topic="returns/request"))
    assert newer.outcome == f"return R-1 of {key_of(5)}: kept as received"
    assert older.outcome == f"return R-1 of {key_of(5)}: version {NOON.isoformat()} is known"
    assert {newer.status, older.status} == {"delivered"}
    row = (await kept(scene.database))["R-1"]
    assert (row.state, row.version, row.raw_event_id) == ("received", later, newer.id)
    assert row.correlation_id == newer.correlation_id


async def test_a_return_that_is_refused_is_a_dead_letter_with_its_reason(scene: Scene) -> None:
    event = await scene.deliver(webhook(b"{}", topic="returns/request"))
    assert (event.status, event.refusals[0]["path"]) == ("dead", "returns")
    async with scene.database.session() as session:
        assert [each.id for each in await inbox.dead_letters(session, reason="missing")] == [event.id]
    assert await kept(scene.database) == {}


async def test_what_is_unknown_of_a_return_is_counted(scene: Scene) -> None:
    await scene.deliver(webhook(document(a_return(), giftWrap=True), topic="returns/request"))
    async with scene.database.session() as session:
        (row,) = await drift.of_channel(session, "shopify")
    assert (row.api_version, row.kind, row.path, row.count) == ("2026-10", "unknown_field", "giftWrap", 1)


async def test_all_pages_of_returns_are_polled_with_a_cursor_of_their_own(scene: Scene) -> None:
    side = scene.world.channel
    assert isinstance(side, Side)
    side.return_pages = [(offered("R-1"), offered("R-2")), (offered("R-3"),)]
    assert await sync(scene.world) == SyncResult(pages=2, seen=3, kept=3)
    found = await until(lambda: kept(scene.database), lambda rows: len(rows) == 3)
    assert set(found) == {"R-1", "R-2", "R-3"}
    polled = await events(scene.database)
    assert {(each.source, each.topic) for each in polled} == {("poll", "return")}
    assert polled[0].delivery_id == f"return:R-1@{NOON.isoformat()}"
    async with scene.database.session() as session:
        assert [(each.stream, each.cursor) for each in await cursors.everywhere(session)] == [("returns", "2")]
        assert await inbox.captured(session) == 0  # It counts orders.
    side.return_pages.append((offered("R-1", NOON + timedelta(days=1)),))
    assert (await sync(scene.world)).kept == 1
    await until(lambda: kept(scene.database), lambda rows: rows["R-1"].version > NOON)


async def test_a_channel_that_is_away_is_asked_for_its_returns_again(scene: Scene) -> None:
    side = scene.world.channel
    assert isinstance(side, Side)
    side.return_pages = [(offered("R-1"),)]
    side.will_fail("returns", Unavailable("no answer"))
    assert (await sync(scene.world)).kept == 1
