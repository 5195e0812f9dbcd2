"""Webhooks over real HTTP: verified, kept and then acknowledged, or refused without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.registry import Connections
from gateway.webhooks import LARGEST_BODY
from stack.temporal import NAMESPACE, LocalTemporal
from store import inbox
from store.database import Database
from tests.capture.scene import an_id, event_of, events, key_of, payload, until
from tests.gateway.serving import SHOPIFY, Gateway, report, serving, signed


async def test_a_signed_webhook_is_kept_as_it_came_and_acknowledged(gateway: Gateway, database: Database) -> None:
    order_id = an_id()
    body = payload(order_id)
    answer = await gateway.shopify(body, "delivery-1")
    assert (answer.status_code, answer.json()) == (200, {"status": "kept"})
    (event,) = await events(database)
    assert event.body == body
    assert (event.channel, event.account, event.source, event.topic) == ("shopify", "main", "webhook", "orders/create")
    assert (event.delivery_id, event.external_id) == ("delivery-1", str(order_id))
    assert event.headers["x-shopify-topic"] == "orders/create"
    delivered = await until(lambda: event_of(database, event.id), lambda each: each.status != "received")
    assert delivered.outcome == f"{key_of(order_id)}: started"


async def test_fifty_copies_at_once_are_kept_once_and_all_acknowledged(gateway: Gateway, database: Database) -> None:
    body = payload(an_id())
    answers = await asyncio.gather(*(gateway.shopify(body, "delivery-1") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(answer.json()["status"] for answer in answers) == ["duplicate"] * 49 + ["kept"]
    assert len(await events(database)) == 1


@pytest.mark.parametrize("headers", [{}, {"X-Shopify-Hmac-SHA256": "AAAA"}, {"X-Shopify-Hmac-SHA256": "é".encode()}])
async def test_an_unsigned_webhook_is_refused_and_leaves_nothing(
    gateway: Gateway, database: Database, headers: dict[str, Any]
) -> None:
    with capture_logs() as lines:
        answer = await gateway.http.post(SHOPIFY, content=payload(an_id()), headers=headers)
    assert answer.status_code == 401
    assert "X-Shopify-Hmac-SHA256" in answer.json()["error"]
    assert await events(database) == []
    assert [(line["event"], line["status"]) for line in lines] == [("webhook refused", 401)]
    assert "Main St" not in str(lines)
    assert "Ann Bee" not in str(lines)


async def test_a_body_that_was_changed_on_its_way_is_refused(gateway: Gateway, database: Database) -> None:
    body = payload(an_id())
    answer = await gateway.http.post(SHOPIFY, content=body + b" ", headers=signed(body))
    assert answer.status_code == 401
    assert (await gateway.shopify(body, secret="somebody else's")).status_code == 401
    assert await events(database) == []


async def test_a_signed_body_that_is_garbage_is_kept_and_dead_lettered(gateway: Gateway, database: Database) -> None:
    for body in (b"", b"\xff\xfe\x00", b'{"id": "\\ud800"}'):
        assert (await gateway.shopify(body)).json() == {"status": "kept"}
    found = await until(lambda: events(database), lambda each: all(event.status == "dead" for event in each))
    assert len(found) == 3


async def test_two_accounts_of_a_channel_have_each_its_own_secret_and_its_own_orders(
    database_url: str, database: Database, connections: Connections, temporal_server: LocalTemporal
) -> None:
    main = connections.channel("shopify", "main")
    assert main
    outlet = main.model_copy(update={"account": "outlet", "webhook_secrets": ("the outlet's",)})
    both = connections.model_copy(update={"channels": (*connections.channels, outlet)})
    body, path = payload(an_id()), "/webhooks/shopify/outlet"
    async with serving(database_url, both, temporal_server.address, NAMESPACE) as gateway:
        assert (await gateway.shopify(body, path=path)).status_code == 401
        for secret in ({}, {"secret": "the outlet's", "path": path}):
            assert (await gateway.shopify(body, "delivery-1", **secret)).json() == {"status": "kept"}
        found = await until(lambda: events(database), lambda each: all(event.status == "delivered" for event in each))
    assert sorted(event.account for event in found) == ["main", "outlet"]
    assert len({event.outcome for event in found}) == 2


@pytest.mark.parametrize("path", ["/webhooks/shopify/other", "/webhooks/nowhere/main", "/webhooks/tax/main"])
async def test_an_account_without_a_connection_is_unknown(gateway: Gateway, database: Database, path: str) -> None:
    answer = await gateway.shopify(payload(an_id()), path=path)
    assert answer.status_code == 404
    assert await events(database) == []


async def test_a_channel_that_sends_no_webhooks_takes_none(gateway: Gateway) -> None:
    assert (await gateway.shopify(payload(an_id()), path="/webhooks/amazon/US-1")).status_code == 401


async def test_a_body_that_is_too_large_is_refused_before_its_end(gateway: Gateway, database: Database) -> None:
    assert (await gateway.shopify(b" " * (LARGEST_BODY + 1))).status_code == 413
    assert (await gateway.shopify(b" " * LARGEST_BODY)).status_code == 200
    assert len(await events(database)) == 1


async def test_a_body_of_unknown_length_is_refused_when_it_becomes_too_large(
    gateway: Gateway, database: Database
) -> None:
    async def chunks(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 65536):
            yield b" " * 65536

    answer = await gateway.http.post(SHOPIFY, content=chunks(4 * LARGEST_BODY), headers=signed(b""))
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413
    taken = await gateway.http.post(SHOPIFY, content=chunks(LARGEST_BODY), headers=signed(b" " * LARGEST_BODY))
    assert taken.status_code == 200
    assert len(await events(database)) == 1


async def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing(gateway: Gateway, database: Database) -> None:
    _, writer = await asyncio.open_connection(gateway.http.base_url.host, gateway.http.base_url.port)
    writer.write(f"POST {SHOPIFY} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf".encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await gateway.http.get("/health/live")).status_code == 200
    assert await events(database) == []


async def test_headers_that_carry_secrets_are_not_kept(gateway: Gateway, database: Database) -> None:
    body = payload(an_id())
    headers = {**signed(body), "Authorization": "Bearer tell-nobody", "Cookie": "tell=nobody"}
    await gateway.http.post(SHOPIFY, content=body, headers=headers)
    (event,) = await events(database)
    assert "nobody" not in str(event.headers)


async def test_the_former_secret_still_signs_during_a_rotation(
    database_url: str, connections: Connections, temporal_server: LocalTemporal
) -> None:
    shop = next(each for each in connections.channels if each.provider == "shopify")
    rotated = shop.model_copy(update={"webhook_secrets": ("new", "former")})
    changed = connections.model_copy(update={"channels": (rotated,)})
    async with serving(database_url, changed, temporal_server.address, NAMESPACE) as gateway:
        statuses = [(await gateway.shopify(b"{}", secret=secret)).status_code for secret in ("new", "former", "older")]
    assert statuses == [200, 200, 401]


async def test_a_secret_that_is_not_where_it_should_be_is_not_the_senders_fault(
    database_url: str, connections: Connections, temporal_server: LocalTemporal
) -> None:
    shop = next(each for each in connections.channels if each.provider == "shopify")
    unset = shop.model_copy(update={"webhook_secrets": ("env:ORDERYARD_NO_SUCH_SECRET",)})
    changed = connections.model_copy(update={"channels": (unset,)})
    async with serving(database_url, changed, temporal_server.address, NAMESPACE) as gateway:
        with capture_logs() as lines:
            answer = await gateway.shopify(b"{}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "ORDERYARD_NO_SUCH_SECRET" in str(lines)
    assert "ORDERYARD_NO_SUCH_SECRET" not in answer.text


async def test_a_report_of_the_warehouse_is_kept_with_its_fulfilment(gateway: Gateway, database: Database) -> None:
    assert (await gateway.wms(report())).json() == {"status": "kept"}
    assert (await gateway.wms(report())).json() == {"status": "duplicate"}
    (event,) = await events(database)
    assert (event.channel, event.source, event.topic) == ("wms", "wms", "shipment")
    assert event.external_id == "order#BER-1"


async def test_a_report_that_is_not_signed_by_the_warehouse_is_refused(gateway: Gateway, database: Database) -> None:
    assert (await gateway.wms(report(), secret="guessed")).status_code == 401
    assert (await gateway.wms(report(), delivery_id="")).status_code == 401
    assert await events(database) == []


async def test_a_warehouse_that_is_asked_and_has_no_secret_has_no_address(
    database_url: str, connections: Connections, temporal_server: LocalTemporal, database: Database
) -> None:
    silent = connections.wms.model_copy(update={"credentials": {"key": "k"}})
    changed = connections.model_copy(update={"wms": silent})
    async with serving(database_url, changed, temporal_server.address, NAMESPACE) as gateway:
        assert (await gateway.wms(report())).status_code == 404
    assert await events(database) == []


async def test_a_report_with_half_a_character_in_its_id_is_kept_too(gateway: Gateway, database: Database) -> None:
    assert (await gateway.wms(b'{"event": "\\ud800", "fulfilment_id": "\\udfff\\u0000"}')).status_code == 200
    assert len(await events(database)) == 1


async def test_each_outcome_is_counted(gateway: Gateway) -> None:
    body, delivery = payload(an_id()), str(an_id())

    async def counted() -> list[float]:
        outcomes = ("kept", "duplicate", "refused")
        return [
            await gateway.figure("orderyard_webhooks_total", channel="shopify", outcome=outcome) for outcome in outcomes
        ]

    before = await counted()
    await gateway.shopify(body, delivery)
    await gateway.shopify(body, delivery)
    await gateway.shopify(body, delivery, secret="wrong")
    assert [now - then for now, then in zip(await counted(), before, strict=True)] == [1, 1, 1]
    strangers = await gateway.figure("orderyard_webhooks_total", channel="unknown", outcome="refused")
    await gateway.shopify(body, path="/webhooks/any-name-at-all/main")
    assert await gateway.figure("orderyard_webhooks_total", channel="unknown", outcome="refused") == strangers + 1


async def test_an_event_that_was_kept_is_counted_by_its_status(gateway: Gateway, database: Database) -> None:
    await gateway.shopify(payload(an_id()))
    await until(lambda: _statuses(database), lambda found: found == {"delivered": 1})
    assert await gateway.figure("orderyard_inbox_events", status="delivered") == 1


async def _statuses(database: Database) -> dict[str, int]:
    async with database.session() as session:
        return await inbox.counts(session)
