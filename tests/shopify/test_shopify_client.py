"""The channel against the twin: real HTTP, real GraphQL execution, real quotas."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.shopify import queries
from connectors.shopify.client import ShopifyChannel
from connectors.shopify.cost import CostLimiter
from connectors.shopify.parse import parse
from sandbox.core import SandboxOptions
from sandbox.faults import Fault, FaultKind
from tests.shopify.shop import Shop, line, order, parcel, serving

PLENTY = SandboxOptions(base_url="http://shopify.test", quota_scale=100)


def units_of(shop: Shop, order_id: str) -> dict[str, int]:
    return {str(item["id"]): item["quantity"] for item in shop.document(order_id)["line_items"]}


def fulfilments(shop: Shop, order_id: str) -> list[dict[str, Any]]:
    return shop.sandbox.ledger.entries("shopify", "fulfillment_created", f"shopify/main/{order_id}")


async def walk(channel: ShopifyChannel, cursor: str | None = None) -> tuple[list[str], str]:
    seen: list[str] = []
    while True:
        page = await channel.poll(cursor)
        seen += [polled.external_id for polled in page.orders]
        cursor = page.cursor
        if not page.more:
            return seen, cursor


async def test_a_walk_finds_every_order_once_and_the_next_walk_only_what_changed() -> None:
    shop = Shop(PLENTY)
    sold = [shop.sell(number) for number in range(10, 33)]
    for minute, order_id in enumerate(sold):
        shop.replace({**shop.document(order_id), "updated_at": f"2026-11-01T10:{minute:02}:00Z"})
    channel = shop.channel(options={"start": "2000-01-01T00:00:00Z", "overlap_seconds": 30})
    seen, cursor = await walk(channel)
    assert seen == sold
    shop.replace({**shop.document(sold[3]), "updated_at": "2026-11-01T11:00:00Z", "note": "left at the door"})
    again, _ = await walk(channel, cursor)
    assert again == [sold[-1], sold[3]]


async def test_orders_that_come_or_change_during_a_walk_are_not_missed() -> None:
    shop = Shop(PLENTY)
    sold = [shop.sell(number) for number in range(1, 13) if number != 6]
    channel = shop.channel()
    page = await channel.poll(None)
    assert page.more
    late = shop.sell(40)
    moved = page.orders[0].external_id
    shop.replace({**shop.document(moved), "updated_at": "2030-01-01T00:00:00Z"})
    rest, _ = await walk(channel, page.cursor)
    seen = [polled.external_id for polled in page.orders] + rest
    assert set(seen) == {*sold, late}
    assert seen.count(moved) == 2
    assert seen[-1] == moved


async def test_an_order_with_more_lines_than_a_page_is_read_whole() -> None:
    shop = Shop(PLENTY)
    lines = [line(id=5000 + index, quantity=1, current_quantity=1, fulfillable_quantity=1) for index in range(134)]
    shop.replace(order(line_items=lines, total_price="1340.00"))
    page = await shop.channel().poll(None)
    (found,) = parse(page.orders[0].body, "main").orders
    assert len(found.lines) == 134
    assert str(found.total) == "1340.00 USD"


async def test_a_configured_start_hides_older_orders() -> None:
    shop = Shop(PLENTY)
    shop.replace(order())
    assert not (await shop.channel(options={"start": "2026-12-01T00:00:00Z"}).poll(None)).orders
    with pytest.raises(SchemaDrift, match=r"options\.start"):
        await shop.channel(options={"start": "soon"}).poll(None)


async def test_a_broken_cursor_is_named() -> None:
    with pytest.raises(SchemaDrift, match="wrong_cursor"):
        await Shop(PLENTY).channel().poll("{}")


async def test_a_used_up_quota_says_when_to_come_again() -> None:
    shop = Shop()
    shop.sandbox.faults.add(Fault(operation="shopify.orders", kind=FaultKind.THROTTLE, times=1))
    channel = shop.channel()
    with pytest.raises(Unavailable, match="THROTTLED") as caught:
        await channel.poll(None)
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after.total_seconds() < 20
    assert not (await channel.poll(None)).orders


async def test_the_client_does_not_ask_for_what_the_bucket_cannot_pay() -> None:
    seconds = [0.0]
    limiter = CostLimiter(clock=lambda: seconds[0])
    status = {"maximumAvailable": 1000, "currentlyAvailable": 100, "restoreRate": 50}
    limiter.learn("orders", {"requestedQueryCost": 700, "throttleStatus": status})
    with pytest.raises(Unavailable) as caught:
        await limiter.acquire("orders")
    assert caught.value.retry_after == timedelta(seconds=12)
    seconds[0] = 12.0
    await limiter.acquire("orders")
    assert limiter.wait_for("orders") == timedelta(seconds=14)


async def test_a_token_is_bought_once_and_renewed_once_when_it_expires() -> None:
    shop = Shop(PLENTY)
    channel = shop.channel()
    await asyncio.gather(channel.poll(None), channel.poll(None))
    assert shop.sandbox.calls["shopify.token 200"] == 1
    shop.sandbox.faults.add(Fault(operation="shopify.orders", kind=FaultKind.EXPIRE_TOKEN, times=1))
    await channel.poll(None)
    assert shop.sandbox.calls["shopify.token 200"] == 2


@pytest.mark.parametrize(
    "credentials",
    [{"access_token": "shpat_wrong"}, {"client_id": "sandbox-app-5b2e", "client_secret": "wrong"}],
)
async def test_wrong_credentials_are_unauthorized(credentials: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        await Shop(PLENTY).channel(credentials=credentials).poll(None)


async def test_a_fixed_access_token_works_too() -> None:
    shop = Shop(PLENTY)
    token = shop.twin.credentials()["access_token"]
    assert not (await shop.channel(credentials={"access_token": token}).poll(None)).orders


async def test_a_parcel_becomes_one_fulfilment_of_its_units() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    channel = shop.channel()
    await channel.confirm(parcel(order_id, {line_id: 2}, "T-1"), retry=False)
    assert shop.document(order_id)["fulfillment_status"] == "partial"
    await channel.confirm(parcel(order_id, {line_id: 1}, "T-2"), retry=False)
    assert shop.document(order_id)["fulfillment_status"] == "fulfilled"
    assert [entry["detail"]["units"] for entry in fulfilments(shop, order_id)] == [{line_id: 2}, {line_id: 1}]
    assert shop.document(order_id)["fulfillments"][0]["tracking_number"] == "T-1"


async def test_lines_at_two_locations_become_one_fulfilment_each_and_a_retry_adds_only_what_is_missing() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(2)
    both = parcel(order_id, units_of(shop, order_id))
    channel = shop.channel()
    shop.sandbox.faults.add(Fault(operation="shopify.fulfillment_create", kind=FaultKind.ERROR, times=1, status=503))
    with pytest.raises(Unavailable):
        await channel.confirm(both, retry=False)
    await channel.confirm(both, retry=True)
    assert len(fulfilments(shop, order_id)) == 2
    await channel.confirm(both, retry=True)
    assert len(fulfilments(shop, order_id)) == 2
    assert shop.document(order_id)["fulfillment_status"] == "fulfilled"


@pytest.mark.parametrize("tracking", ["T-7", ""])
async def test_a_lost_reply_is_in_doubt_and_the_retry_finds_what_happened(tracking: str) -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    one = parcel(order_id, {line_id: 1}, tracking)
    async with serving(shop) as channel:
        shop.sandbox.faults.add(Fault(operation="shopify.fulfillment_create", kind=FaultKind.LOST_REPLY, times=1))
        with pytest.raises(InDoubt):
            await channel.confirm(one, retry=False)
        assert len(fulfilments(shop, order_id)) == 1
        await channel.confirm(one, retry=True)
    assert len(fulfilments(shop, order_id)) == 1


async def test_a_server_error_on_a_write_is_in_doubt_and_on_a_read_only_unavailable() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    channel = shop.channel()
    for name in ("shopify.fulfillment_create", "shopify.orders"):
        shop.sandbox.faults.add(Fault(operation=name, kind=FaultKind.ERROR, times=1, status=502))
    with pytest.raises(InDoubt):
        await channel.confirm(parcel(order_id, units_of(shop, order_id)), retry=False)
    with pytest.raises(Unavailable):
        await channel.poll(None)


async def test_more_than_was_ordered_is_declined_before_anything_is_written() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    with pytest.raises(Declined, match="4 units shipped, Shopify has 3 left") as caught:
        await shop.channel().confirm(parcel(order_id, {line_id: 4}), retry=False)
    assert (caught.value.code, caught.value.field) == ("over_fulfilment", f"line_items.{line_id}")
    assert not fulfilments(shop, order_id)


async def test_units_on_hold_are_declined_as_such() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    waiting = shop.sandbox.shelf.collection("shopify.fulfillment_orders")
    waiting.put(order_id, [{**each, "status": "ON_HOLD"} for each in waiting.get(order_id) or []])
    with pytest.raises(Declined) as caught:
        await shop.channel().confirm(parcel(order_id, units_of(shop, order_id)), retry=False)
    assert caught.value.code == "on_hold"


async def test_shopifys_user_errors_are_declined_with_field_and_message() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    shop.sandbox.faults.add(Fault(operation="shopify.fulfillment_create", kind=FaultKind.DECLINE, times=1))
    with pytest.raises(Declined, match="unfulfillable status") as caught:
        await shop.channel().confirm(parcel(order_id, units_of(shop, order_id)), retry=False)
    assert (caught.value.code, caught.value.field) == ("user_error", "fulfillment")


async def test_an_order_that_shopify_does_not_know_is_declined() -> None:
    with pytest.raises(Declined) as caught:
        await Shop(PLENTY).channel().confirm(parcel("404", {"1": 1}), retry=False)
    assert caught.value.code == "order_not_found"


async def test_correlation_ids_travel_with_a_fulfilment() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    heard: list[str | None] = []

    async def listening(request: httpx.Request) -> None:
        heard.append(request.headers.get("X-Correlation-Id"))

    transport = httpx.ASGITransport(shop.app)
    channel = ShopifyChannel(shop.connection(), Overhearing(transport, listening))
    await channel.confirm(parcel(order_id, units_of(shop, order_id)), retry=False)
    assert heard[-1] == "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10"


class Overhearing(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, listener: Any) -> None:
        self._inner = inner
        self._listener = listener

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._listener(request)
        return await self._inner.handle_async_request(request)


class Answering:
    """An endpoint that answers everything with one document."""

    def __init__(self, document: Any, status: int = 200) -> None:
        self.asked: list[dict[str, Any]] = []

        async def answer(request: Request) -> Response:
            self.asked.append(await request.json())
            return document(self.asked[-1]) if callable(document) else JSONResponse(document, status)

        self.app = Starlette(routes=[Route("/admin/api/2026-10/graphql.json", answer, methods=["POST"])])

    def channel(self) -> ShopifyChannel:
        connection = Shop(PLENTY).connection(credentials={"access_token": "any"})
        return ShopifyChannel(connection, httpx.ASGITransport(self.app))


def error(code: str) -> dict[str, Any]:
    return {"errors": [{"message": "No.", "extensions": {"code": code}}]}


@pytest.mark.parametrize(
    ("document", "status", "expected"),
    [
        (error("ACCESS_DENIED"), 200, Unauthorized),
        ({"data": {"orders": None}, **error("ACCESS_DENIED")}, 200, Unauthorized),
        (error("INTERNAL_SERVER_ERROR"), 200, Unavailable),
        (error("undefinedField"), 200, SchemaDrift),
        ({"errors": "Not what you think"}, 200, SchemaDrift),
        ({"data": None}, 200, SchemaDrift),
        ([1], 200, SchemaDrift),
        ({}, 402, Unauthorized),
        ({}, 403, Unauthorized),
        ({}, 423, Unauthorized),
        ({}, 430, Unavailable),
        ({}, 429, Unavailable),
        ({}, 422, Declined),
    ],
)
async def test_every_way_to_fail_has_its_name(document: Any, status: int, expected: type[ConnectorError]) -> None:
    with pytest.raises(expected):
        await Answering(document, status).channel().poll(None)


async def test_an_unreadable_answer_to_a_read_is_drift_and_says_so() -> None:
    with pytest.raises(SchemaDrift, match="not_json"):
        await Answering(lambda _: Response("<html>")).channel().poll(None)


async def test_personal_data_that_is_hidden_from_the_app_does_not_stop_the_poll() -> None:
    shop = Shop(PLENTY)
    shop.replace(order())
    answer = await shop.ask(queries.ORDERS, first=10, query="status:any")
    answer["data"]["orders"]["nodes"][0].update(customer=None, email=None, shippingAddress=None)
    page = await Answering({**answer, **error("ACCESS_DENIED")}).channel().poll(None)
    (found,) = parse(page.orders[0].body, "main").orders
    assert found.ship_to is None


async def test_a_query_that_is_too_costly_is_asked_in_smaller_pages() -> None:
    page = {"data": {"orders": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}}}

    def answer(body: dict[str, Any]) -> Response:
        return JSONResponse(error("MAX_COST_EXCEEDED") if body["variables"]["first"] > 3 else page)

    shop = Answering(answer)
    await shop.channel().poll(None)
    assert [body["variables"]["first"] for body in shop.asked] == [10, 5, 2]
    with pytest.raises(Declined, match="MAX_COST"):
        await Answering(error("MAX_COST_EXCEEDED")).channel().poll(None)
