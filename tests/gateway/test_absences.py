"""The gateway while something behind it is away: what can be kept is acknowledged, what cannot is asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from connectors.registry import Connections
from stack.temporal import NAMESPACE, LocalTemporal
from store.database import Database
from tests.capture.proxy import Wire
from tests.capture.scene import an_id, cancelled, events, payload, until
from tests.gateway.serving import Gateway, serving


@pytest.fixture
async def to_temporal(temporal_server: LocalTemporal) -> AsyncIterator[Wire]:
    async with Wire(temporal_server.address) as wire:
        yield wire


@pytest.fixture
async def to_store(database_url: str) -> AsyncIterator[Wire]:
    async with Wire(f"127.0.0.1:{make_url(database_url).port}") as wire:
        yield wire


@pytest.fixture
async def gateway(
    database_url: str, connections: Connections, to_temporal: Wire, to_store: Wire
) -> AsyncIterator[Gateway]:
    """Both its store and its Temporal can be cut off."""
    port = make_url(database_url).port
    url = database_url.replace(f"127.0.0.1:{port}", to_store.address)
    assert url != database_url
    async with serving(url, connections, to_temporal.address, NAMESPACE) as gateway:
        yield gateway


async def test_webhooks_are_acknowledged_while_temporal_is_away_and_delivered_when_it_is_back(
    database_url: str, connections: Connections, to_temporal: Wire, database: Database
) -> None:
    await to_temporal.cut()
    async with serving(database_url, connections, to_temporal.address, NAMESPACE) as gateway:
        order_id = an_id()
        assert (await gateway.shopify(cancelled(order_id))).json() == {"status": "kept"}
        assert (await gateway.http.get("/health/ready")).status_code == 200
        assert (await gateway.http.get("/health/live")).status_code == 200
        assert [event.status for event in await events(database)] == ["received"]
        await to_temporal.mend()
        await until(lambda: events(database), lambda found: found[0].status == "delivered")


async def test_deliveries_that_wait_for_temporal_keep_no_webhook_waiting(
    gateway: Gateway, to_temporal: Wire, database: Database
) -> None:
    """More events wait for Temporal than there are database connections."""
    await gateway.shopify(cancelled(an_id()))
    await until(lambda: events(database), lambda found: found[0].status == "delivered")
    await to_temporal.cut()
    await asyncio.gather(*(gateway.shopify(cancelled(an_id())) for _ in range(40)))
    await until(lambda: events(database), lambda found: sum(event.attempts > 0 for event in found) > 20)
    async with asyncio.timeout(3):
        for _ in range(10):
            assert (await gateway.shopify(cancelled(an_id()))).status_code == 200
    assert [event.status for event in await events(database)].count("received") == 50


async def test_a_webhook_that_cannot_be_kept_is_asked_for_again(
    gateway: Gateway, to_store: Wire, database: Database
) -> None:
    body = payload(an_id())
    await to_store.cut()
    with capture_logs() as lines:
        answer = await gateway.shopify(body, "delivery-1")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Main St" not in str(lines)
    await to_store.mend()
    assert (await gateway.shopify(body, "delivery-1")).json() == {"status": "kept"}
    assert len(await events(database)) == 1


async def test_it_is_not_ready_without_its_store_and_ready_again_with_it(gateway: Gateway, to_store: Wire) -> None:
    assert (await gateway.http.get("/health/ready")).json() == {"status": "up", "store": "up"}
    await to_store.cut()
    away = await gateway.http.get("/health/ready")
    assert (away.status_code, away.json()) == (503, {"status": "down", "store": "away"})
    assert (await gateway.http.get("/health/live")).status_code == 200
    await to_store.mend()
    assert (await gateway.http.get("/health/ready")).status_code == 200


async def test_its_own_figures_are_there_without_the_store(gateway: Gateway, to_store: Wire) -> None:
    await gateway.shopify(b"{}", secret="wrong")
    await to_store.cut()
    assert await gateway.figure("orderyard_webhooks_total", channel="shopify", outcome="refused") > 0


async def test_the_relay_of_a_gateway_delivers_again_after_its_store_was_away(
    gateway: Gateway, to_store: Wire, database: Database
) -> None:
    await gateway.shopify(cancelled(an_id()))
    await until(lambda: events(database), lambda found: found[0].status == "delivered")
    await to_store.cut()
    assert (await gateway.http.get("/health/ready")).status_code == 503
    await to_store.mend()
    assert (await gateway.shopify(cancelled(an_id()))).status_code == 200
    await until(lambda: events(database), lambda found: all(event.status == "delivered" for event in found))
    assert (await gateway.http.get("/health/live")).status_code == 200
