"""Events as a shop sends them, a relay that runs, and what became of both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import select
from sqlmodel import col
from temporalio.client import Client

from capture.deliveries import Deliveries
from capture.relay import Relay
from capture.temporal import delivered
from connectors.ports import ChannelFormat
from connectors.providers import FORMATS
from models.messages import OrderSnapshot, OrderState
from models.order import OrderKey
from store import inbox, orders
from store.bell import ring
from store.database import Database
from store.inbox import NewEvent
from store.tables import InboxEvent, OrderRow
from tests.shopify import shop
from tests.workflows.world import Handle, World
from workflows.order import OrderWorkflow

PATIENCE = 30.0
FIRST, SECOND, THIRD = (f"2026-11-20T09:0{minute}:00Z" for minute in (5, 6, 7))
"""Versions of an order."""
T = TypeVar("T")


def an_id() -> int:
    return uuid4().int % 10**15


def payload(order_id: int, version: str = FIRST, **changes: Any) -> bytes:
    """One order of two mats, as the shop's webhook carries it."""
    return json.dumps(document(order_id, version, **changes)).encode()


def document(order_id: int, version: str = FIRST, **changes: Any) -> dict[str, Any]:
    lines = changes.pop("line_items", [shop.line(sku="MAT")])
    return shop.order(id=order_id, updated_at=version, line_items=lines, **changes)


def cancelled(order_id: int, version: str = SECOND) -> bytes:
    return payload(order_id, version, cancelled_at=version, cancel_reason="customer")


def webhook(body: bytes, order_id: int | None = None, delivery_id: str | None = None, **more: Any) -> NewEvent:
    fields: dict[str, Any] = {
        "channel": "shopify",
        "account": "main",
        "source": "webhook",
        "topic": "orders/updated",
        "delivery_id": delivery_id or str(uuid4()),
        "external_id": str(order_id) if order_id else None,
        "body": body,
        **more,
    }
    return NewEvent(**fields)


async def keep(database: Database, event: NewEvent) -> int:
    async with database.session() as session:
        event_id = await inbox.keep(session, event)
    assert event_id is not None
    return event_id


async def event_of(database: Database, event_id: int) -> InboxEvent:
    async with database.session() as session:
        found = await inbox.get(session, event_id)
    assert found is not None
    return found


async def events(database: Database) -> list[InboxEvent]:
    async with database.session() as session:
        return list(await session.scalars(select(InboxEvent).order_by(col(InboxEvent.id))))


async def row_of(database: Database, order_id: int) -> OrderRow:
    async with database.session() as session:
        found = await orders.get(session, key_of(order_id))
    assert found is not None
    return found


def key_of(order_id: int) -> OrderKey:
    return OrderKey(channel="shopify", account="main", external_id=str(order_id))


async def until(look: Callable[[], Awaitable[T]], holds: Callable[[T], object]) -> T:
    """Look until it holds; fails with what was seen last."""
    seen = await look()
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds(seen):
                await asyncio.sleep(0.02)
                seen = await look()
    except TimeoutError:
        raise AssertionError(f"never came to hold; last seen: {seen!r}") from None
    return seen


@asynccontextmanager
async def relaying(
    database: Database, client: Client, formats: Mapping[str, ChannelFormat] = FORMATS
) -> AsyncIterator[Relay]:
    relay, stop = Relay(database, client, Deliveries(client, formats)), asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    try:
        yield relay
        assert not running.done(), running
    finally:
        stop.set()
        async with database.session() as session:
            await session.execute(select(ring()))  # It need not wait for its next look.
        await running


async def end_all(database: Database, client: Client) -> None:
    """End every order, so that the next test's workers find none of a registry they do not know."""
    async with database.session() as session:
        found = await orders.find(session, limit=10_000)
    for row in found:
        await delivered(client.get_workflow_handle(row.workflow_id).terminate())


class Scene:
    """What a test does and sees while the relay runs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.database = world.database

    async def deliver(self, event: NewEvent) -> InboxEvent:
        """Keep an event, and wait until it is dealt with."""
        event_id = await keep(self.database, event)
        return await self.dealt_with(event_id)

    async def dealt_with(self, event_id: int) -> InboxEvent:
        return await until(lambda: event_of(self.database, event_id), lambda event: event.status != "received")

    def handle(self, order_id: int) -> Handle:
        return self.world.client.get_workflow_handle_for(OrderWorkflow.run, key_of(order_id).workflow_id)

    async def shipped(self, order_id: int) -> OrderSnapshot:
        return await self.world.until(self.handle(order_id), lambda seen: seen.state is OrderState.SHIPPED)
