"""After a day away: what is new first, what was missed beside it, and nothing skipped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle

from activities.channel import LONG_ABSENCE, OVERLAP, ChannelAccount
from connectors.errors import ConnectorError, Declined, Unavailable
from connectors.ports import OrderPage, PolledOrder
from store import cursors
from store.database import Database
from tests.capture.scene import end_all, events
from tests.workflows.world import ChannelSide, World
from workflows import policy
from workflows.channel_sync import FRESH, ChannelSync, SyncResult

ACCOUNT = ChannelAccount(channel="shopify", account="main")
DAY = timedelta(days=1)
PAGE = 10


class Shop(ChannelSide):
    """Orders by the moment of their last change, in pages of ten; the cursor is the last moment that was read."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[datetime, str]] = []
        self.opened = datetime.now(UTC)
        self.backlog_trouble: list[ConnectorError] = []
        self.stops_after: int | None = None
        self.stopped = asyncio.Event()

    def sold(self, ago: timedelta, name: str) -> None:
        self.changes = sorted([*self.changes, (self.opened - ago, name)])

    def cursor_from(self, moment: datetime) -> str:
        return moment.isoformat()

    async def poll(self, cursor: str | None) -> OrderPage:
        if len(self.cursors) == self.stops_after:
            self.stopped.set()
            await asyncio.Event().wait()
        if self.backlog_trouble and self.is_old(cursor):
            raise self.backlog_trouble.pop()
        await self._do("poll", cursor)
        self.cursors.append(cursor)
        since = datetime.fromisoformat(cursor) if cursor else datetime.min.replace(tzinfo=UTC)
        ready = [change for change in self.changes if change[0] > since]
        page = ready[:PAGE]
        return OrderPage(
            orders=tuple(PolledOrder(external_id=name, version=at, body=b"{}") for at, name in page),
            cursor=(page[-1][0] if page else since).isoformat(),
            more=len(ready) > PAGE,
        )

    @property
    def asked(self) -> str:
        """One letter a page, in the order of asking: `n` for what is new, `b` for the backlog."""
        return "".join("b" if self.is_old(cursor) else "n" for cursor in self.cursors)

    def is_old(self, cursor: str | None) -> bool:
        return cursor is not None and datetime.fromisoformat(cursor) < self.opened - LONG_ABSENCE


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
async def world(temporal_client: Client, database: Database, shop: Shop) -> AsyncIterator[World]:
    world = World(temporal_client, database)
    world.channel = shop
    async with world:
        yield world
        await end_all(database, world.client)


async def was_away(database: Database, since: timedelta, shop: Shop) -> None:
    """The last page that was read, so long ago."""
    async with database.session() as session:
        await cursors.advance(session, "shopify", "main", shop.cursor_from(shop.opened - since))
        ago = text("UPDATE channel_cursor SET last_success_at = now() - :since WHERE stream = 'orders'")
        await session.execute(ago, {"since": since})


async def begin(world: World) -> WorkflowHandle[ChannelSync, SyncResult]:
    return await world.client.start_workflow(
        ChannelSync.run, ACCOUNT, id=f"sync/{uuid4()}", task_queue=policy.channel_queue("shopify")
    )


async def sync(world: World) -> SyncResult:
    return await (await begin(world)).result()


async def streams(database: Database) -> dict[str, str | None]:
    async with database.session() as session:
        return {each.stream: each.cursor for each in await cursors.everywhere(session)}


async def captured(database: Database) -> set[str]:
    return {each.external_id or "" for each in await events(database)}


def sell_all_day(shop: Shop) -> set[str]:
    """144 orders, one every ten minutes, the newest 1 minute old."""
    names = {f"order-{number:03}": timedelta(minutes=10 * number + 1) for number in range(144)}
    for name, ago in names.items():
        shop.sold(ago, name)
    return set(names)


async def test_a_day_of_absence_is_caught_up_with_in_order_and_the_fresh_orders_come_first(
    world: World, shop: Shop, database: Database
) -> None:
    names = sell_all_day(shop)
    await was_away(database, DAY, shop)
    result = await sync(world)
    kept = await events(database)
    assert {each.external_id for each in kept} == names
    assert (result.backlog_pages, result.pages) == (15, 16)
    assert shop.asked[0] == "n"
    assert kept[0].external_id == "order-000"
    assert kept[0].source == "poll"
    pages = [cursor for cursor in shop.cursors if shop.is_old(cursor)]
    assert pages == sorted(set(pages), key=str)
    assert await streams(database) == {"orders": shop.changes[-1][0].isoformat()}
    assert shop.cursors[0] is not None
    begun = shop.opened - datetime.fromisoformat(shop.cursors[0])
    assert OVERLAP - timedelta(minutes=1) < begun <= OVERLAP


async def test_pages_of_what_is_new_and_of_the_backlog_take_turns(world: World, shop: Shop, database: Database) -> None:
    names = sell_all_day(shop)
    rush = {f"rush-{number:02}": timedelta(minutes=9, seconds=-number) for number in range(35)}
    for name, ago in rush.items():
        shop.sold(ago, name)
    await was_away(database, DAY, shop)
    await sync(world)
    assert shop.asked.startswith("nbnbnbnb")
    assert await captured(database) == names | set(rush)


async def test_a_short_absence_is_read_on_from_where_it_began(world: World, shop: Shop, database: Database) -> None:
    sell_all_day(shop)
    await was_away(database, LONG_ABSENCE - timedelta(minutes=2), shop)
    result = await sync(world)
    assert (result.backlog_pages, result.kept) == (0, 6)
    assert {each.source for each in await events(database)} == {"poll"}


async def test_the_first_walk_ever_begins_at_the_beginning(world: World, shop: Shop, database: Database) -> None:
    names = sell_all_day(shop)
    assert (await sync(world)).backlog_pages == 0
    assert await captured(database) == names
    assert shop.cursors[0] is None


async def test_a_walk_that_is_cut_off_is_gone_on_with_and_a_second_absence_loses_nothing(
    world: World, shop: Shop, database: Database
) -> None:
    names = sell_all_day(shop)
    await was_away(database, DAY, shop)
    shop.stops_after = 5
    handle = await begin(world)
    await shop.stopped.wait()
    await handle.terminate()
    shop.stops_after = None
    left = await streams(database)
    assert left["backlog"] is not None
    async with database.session() as session:
        await session.execute(text("UPDATE channel_cursor SET last_success_at = now() - interval '2 hours'"))
    shop.sold(timedelta(minutes=-1), "after all that")
    await sync(world)
    assert await captured(database) == names | {"after all that"}
    assert set(await streams(database)) == {"orders"}


async def test_a_page_that_comes_late_lets_what_is_new_go_before_the_next(
    world: World, shop: Shop, database: Database
) -> None:
    sell_all_day(shop)
    await was_away(database, DAY, shop)
    shop.backlog_trouble = [Unavailable("the quota is used up", retry_after=FRESH)]
    handle = await begin(world)
    await world.wait_for(lambda: not shop.backlog_trouble)
    shop.sold(timedelta(minutes=-1), "sold meanwhile")
    await world.fast_forward(handle, FRESH + timedelta(seconds=1))
    await handle.result()
    assert shop.asked.startswith("nbnb")
    found = [each.external_id for each in await events(database)]
    assert found.index("sold meanwhile") < found.index("order-002")


async def test_a_backlog_that_cannot_be_read_does_not_hold_up_what_is_new(
    world: World, shop: Shop, database: Database
) -> None:
    names = sell_all_day(shop)
    for number in range(15):
        shop.sold(timedelta(minutes=9, seconds=-number), f"rush-{number:02}")
    await was_away(database, DAY, shop)
    shop.backlog_trouble = [Declined("the cursor is too old", code="cursor_expired")]
    with pytest.raises(WorkflowFailureError) as failed:
        await sync(world)
    assert "the cursor is too old" in str(failed.value.cause.__cause__)
    assert await captured(database) == {"order-000", *(f"rush-{number:02}" for number in range(15))}
    assert set(await streams(database)) == {"orders", "backlog"}
    await sync(world)
    assert await captured(database) >= names
    assert set(await streams(database)) == {"orders"}
