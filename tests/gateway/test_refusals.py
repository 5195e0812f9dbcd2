"""What is not kept leaves a trace without personal data, and one sender's trouble is nobody else's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from connectors.providers import FORMATS
from connectors.registry import Connections
from gateway import webhooks
from gateway.keeper import Keeper
from gateway.webhooks import LARGEST_BODY
from stack.temporal import NAMESPACE, LocalTemporal
from store.database import Database
from store.inbox import NewEvent
from tests.capture.scene import an_id, events, payload
from tests.gateway.serving import SHOPIFY, Gateway, serving
from tests.store.examples import an_event

BUYER = b'{"email": "ann.bee@example.com", "address": "Main St 1"}'


async def refused(gateway: Gateway, channel: str, status: int) -> float:
    return await gateway.figure("orderyard_webhooks_refused_total", channel=channel, status=str(status))


async def test_no_channel_takes_an_unsigned_delivery_and_each_leaves_a_trace_without_its_content(
    gateway: Gateway, connections: Connections, database: Database
) -> None:
    names = {(connection.provider, connection.account) for connection in connections.channels}
    assert {channel for channel, _ in names} <= set(FORMATS)
    for channel, account in sorted(names):
        before = await refused(gateway, channel, 401)
        with capture_logs() as lines:
            answer = await gateway.http.post(f"/webhooks/{channel}/{account}", content=BUYER)
        assert (channel, answer.status_code) == (channel, 401)
        assert [(line["event"], line["channel"], line["status"]) for line in lines] == [
            ("webhook refused", channel, 401)
        ]
        assert "ann.bee" not in f"{lines}{answer.text}"
        assert "Main St" not in f"{lines}{answer.text}"
        assert await refused(gateway, channel, 401) == before + 1
    assert await events(database) == []


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(gateway: Gateway) -> None:
    reader, writer = await asyncio.open_connection(gateway.http.base_url.host, gateway.http.base_url.port)
    before = await refused(gateway, "shopify", 413)
    head = f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
    with capture_logs() as lines:
        writer.write(head.encode())
        answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    assert b"413" in answer
    assert [line["status"] for line in lines] == [413]
    assert await refused(gateway, "shopify", 413) == before + 1


async def test_a_slow_sender_holds_up_no_other_and_is_not_waited_for(
    gateway: Gateway, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "SLOWEST", 2.0)

    async def drip() -> bytes:
        reader, writer = await asyncio.open_connection(gateway.http.base_url.host, gateway.http.base_url.port)
        writer.write(f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{{".encode())
        answer = await reader.readline()
        writer.close()
        return answer

    slow = [asyncio.create_task(drip()) for _ in range(30)]
    for _ in range(10):
        assert (await gateway.shopify(payload(an_id()))).status_code == 200
    assert not any(each.done() for each in slow)
    assert all(b" 408 " in answer for answer in await asyncio.gather(*slow))
    assert len(await events(database)) == 10
    assert await refused(gateway, "shopify", 408) >= 30


async def test_a_secret_is_rotated_without_a_restart(
    database_url: str, connections: Connections, temporal_server: LocalTemporal, tmp_path: Path
) -> None:
    current, former = tmp_path / "current", tmp_path / "former"
    current.write_text("monday")
    former.write_text("sunday")
    secrets = (f"file:{current}", f"file:{former}")
    rotated = tuple(
        each.model_copy(update={"webhook_secrets": secrets}) if each.provider == "shopify" else each
        for each in connections.channels
    )
    connections = connections.model_copy(update={"channels": rotated})
    async with serving(database_url, connections, temporal_server.address, NAMESPACE) as gateway:

        async def taken(secret: str) -> bool:
            return (await gateway.shopify(payload(an_id()), secret=secret)).status_code == 200

        assert [await taken(each) for each in ("sunday", "monday", "tuesday")] == [True, True, False]
        former.write_text("monday")
        current.write_text("tuesday")
        assert [await taken(each) for each in ("sunday", "monday", "tuesday")] == [False, True, True]
        current.unlink()
        with capture_logs() as lines:
            assert (await gateway.shopify(payload(an_id()), secret="monday")).status_code == 503
        assert [line["event"] for line in lines] == ["webhook not kept: its secret is missing"]


async def test_a_rush_is_kept_in_few_transactions(database: Database) -> None:
    keeper, copies = Keeper(database), [an_event(f"d-{number % 50}") for number in range(100)]
    kept = await asyncio.gather(*(keeper.keep(each) for each in copies))
    assert sum(kept) == 50
    found = await events(database)
    assert sorted(each.delivery_id for each in found) == sorted({each.delivery_id for each in copies})
    assert len({each.next_attempt_at for each in found}) < 5  # The moment of its transaction is on each.


async def test_one_that_cannot_be_kept_sends_no_other_back(database: Database) -> None:
    keeper = Keeper(database)
    half_a_character = an_event("poison", headers={"x-topic": "\udfff"})
    batch: list[NewEvent] = [an_event("a"), half_a_character, an_event("b")]
    kept = await asyncio.gather(*(keeper.keep(each) for each in batch), return_exceptions=True)
    assert (kept[0], kept[2]) == (True, True)
    assert isinstance(kept[1], Exception)
    assert [each.delivery_id for each in await events(database)] == ["a", "b"]


async def test_what_is_rehearsed_leaves_nothing(database: Database) -> None:
    await Keeper(database).rehearse()
    assert await events(database) == []
    assert await Keeper(database).keep(an_event("the first"))
