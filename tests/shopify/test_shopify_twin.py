"""The twin speaks Shopify: schema, costs, paging, buyers, webhooks, memory."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_client_schema, parse, validate

from connectors.shopify.format import ShopifyFormat
from connectors.shopify.queries import OPERATIONS
from models.order import ChannelState
from sandbox.core import SandboxOptions
from sandbox.shopify_schema import schema
from tests.shopify.shop import INTROSPECTION, SAMPLES, Shop, order, parcel, until

PLENTY = SandboxOptions(base_url="http://shopify.test", quota_scale=100)


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    if not INTROSPECTION.exists():
        pytest.skip("Shopify's published introspection is not on this machine")
    document = json.loads(gzip.decompress(INTROSPECTION.read_bytes()))
    return build_client_schema(document.get("data", document), assume_valid=True)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda text: str(text).split("(")[0].strip())
def test_every_operation_is_valid_against_the_published_schema(published: GraphQLSchema, operation: str) -> None:
    assert validate(published, parse(operation)) == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda text: str(text).split("(")[0].strip())
def test_every_operation_is_valid_against_the_twin(operation: str) -> None:
    assert validate(schema(), parse(operation)) == []


def test_every_field_of_the_twins_schema_is_shopifys(published: GraphQLSchema) -> None:
    roots = {"Query": "QueryRoot"}
    for name, own in schema().type_map.items():
        if name.startswith("__") or not isinstance(own, GraphQLObjectType | GraphQLInterfaceType):
            continue
        theirs = published.type_map[roots.get(name, name)]
        assert isinstance(theirs, GraphQLObjectType | GraphQLInterfaceType)
        for field_name, field in own.fields.items():
            assert str(field.type) == str(theirs.fields[field_name].type), f"{name}.{field_name}"
            for argument_name, argument in field.args.items():
                published_argument = theirs.fields[field_name].args[argument_name]
                assert str(argument.type) == str(published_argument.type), f"{name}.{field_name}({argument_name})"


async def test_every_answer_says_what_it_cost_and_what_is_left() -> None:
    shop = Shop()
    shop.sell(1)
    answer = await shop.ask("{ orders(first: 10) { nodes { id } } }")
    cost = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (10, 1)
    assert cost["throttleStatus"] == {"maximumAvailable": 2000, "currentlyAvailable": 1999, "restoreRate": 100}


async def test_an_empty_bucket_is_throttled_with_status_200() -> None:
    shop = Shop(SandboxOptions(base_url="http://shopify.test", quota_scale=0.01))
    answer = await shop.ask("{ orders(first: 30) { nodes { id } } }")
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answer["extensions"]["cost"]["requestedQueryCost"] == 30


async def test_one_query_may_not_ask_for_everything() -> None:
    query = "{ orders(first: 50) { nodes { lineItems(first: 50) { nodes { id } } } } }"
    answer = await Shop().ask(query)
    assert answer["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


@pytest.mark.parametrize("query", ["{ orders(first: 1) { nodes { colour } } }", "{", "mutation { fly }"])
async def test_a_wrong_query_is_told_so_with_status_200(query: str) -> None:
    answer = await Shop().ask(query)
    assert answer["errors"][0]["message"]
    assert "data" not in answer


async def test_the_idempotent_directive_is_understood() -> None:
    query = 'mutation { webhookSubscriptionCreate(topic: ORDERS_PAID, webhookSubscription: {uri: "https://a"})'
    answer = await Shop().ask(
        query + ' @idempotent(key: "k") { webhookSubscription { id uri } userErrors { message } } }'
    )
    assert answer["data"]["webhookSubscriptionCreate"]["webhookSubscription"]["uri"] == "https://a"


async def test_without_a_token_every_door_is_closed() -> None:
    shop = Shop()
    async with shop.client() as http:
        for path in ("graphql.json", "orders.json", "shopify_payments/payouts.json"):
            method = "POST" if path.startswith("graphql") else "GET"
            answer = await http.request(method, f"/admin/api/2026-10/{path}", headers={"X-Shopify-Access-Token": "no"})
            assert answer.status_code == 401
            assert answer.json()["errors"].startswith("[API] Invalid API key or access token")


async def test_rest_pages_are_linked_until_the_last() -> None:
    shop = Shop()
    sold = {shop.sell(number) for number in range(10, 17)}
    seen: list[str] = []
    async with shop.client() as http:
        url: str | None = "/admin/api/2026-10/orders.json?status=any&limit=3"
        while url:
            answer = await http.get(url)
            seen += [str(each["id"]) for each in answer.json()["orders"]]
            url = answer.links.get("next", {}).get("url")
        limit = answer.headers["X-Shopify-Shop-Api-Call-Limit"]
    assert sorted(seen) == sorted(sold)
    assert limit == "3/40"


async def test_rest_lists_only_open_orders_unless_asked_for_any() -> None:
    shop = Shop()
    order_id = shop.sell(6)
    await asyncio.gather(*shop.sandbox.tasks)
    async with shop.client() as http:
        assert (await http.get("/admin/api/2026-10/orders.json")).json() == {"orders": []}
        found = (await http.get(f"/admin/api/2026-10/orders/{order_id}.json")).json()["order"]
        missing = await http.get("/admin/api/2026-10/orders/1.json")
    assert found["cancelled_at"]
    assert (missing.status_code, missing.json()) == (404, {"errors": "Not Found"})


async def test_too_many_rest_calls_are_told_to_wait() -> None:
    shop = Shop(SandboxOptions(base_url="http://shopify.test", quota_scale=0.05))
    async with shop.client() as http:
        answers = [await http.get("/admin/api/2026-10/orders.json") for _ in range(4)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "2.0"


async def test_a_lost_webhook_is_not_sent_but_the_order_is_there() -> None:
    shop = Shop()
    order_id = shop.sell(8)
    assert shop.webhooks.sent == []
    assert shop.document(order_id)["financial_status"] == "paid"


async def test_a_buyer_who_regrets_cancels_and_the_shop_says_so() -> None:
    shop = Shop()
    order_id = shop.sell(6)
    before = shop.document(order_id)
    await asyncio.gather(*shop.sandbox.tasks)
    after = shop.document(order_id)
    assert after["updated_at"] > before["updated_at"]
    assert shop.webhooks.topics[-1] == "orders/cancelled"
    found = ShopifyFormat().parse(shop.webhooks.sent[-1][1], "main").orders[0]
    assert found.state is ChannelState.CANCELLED
    assert all(line.open == 0 for line in found.lines)


async def test_an_order_that_left_already_is_not_cancelled_any_more() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(6)
    units = {str(each["id"]): each["quantity"] for each in shop.document(order_id)["line_items"]}
    await shop.channel().confirm(parcel(order_id, units), retry=False)
    await asyncio.gather(*shop.sandbox.tasks)
    assert shop.document(order_id)["cancelled_at"] is None


async def test_an_order_with_tax_trouble_has_the_address_that_the_tax_engine_declines() -> None:
    shop = Shop()
    assert shop.document(shop.sell(7))["shipping_address"]["zip"] == "00000"


async def test_the_shop_remembers_after_a_restart(tmp_path: Path) -> None:
    options = SandboxOptions(base_url="http://shopify.test", state_dir=tmp_path, quota_scale=100)
    shop = Shop(options)
    order_id = shop.sell(3)
    units = {str(each["id"]): each["quantity"] for each in shop.document(order_id)["line_items"]}
    await shop.channel().confirm(parcel(order_id, dict.fromkeys(units, 1)), retry=False)
    shop.sandbox.shelf.close()
    again = Shop(options)
    assert again.document(order_id)["fulfillment_status"] == "partial"
    await again.channel().confirm(parcel(order_id, dict.fromkeys(units, 2), "T-2"), retry=False)
    assert again.document(order_id)["fulfillment_status"] == "fulfilled"
    assert len(again.sandbox.ledger.entries("shopify", "fulfillment_created")) == 2


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


async def test_versions_of_one_order_are_told_in_the_order_of_their_changes(tmp_path: Path) -> None:
    shop = Shop(PLENTY)
    versions = [
        order(updated_at="2026-11-20T09:09:00-05:00", cancelled_at="2026-11-20T09:09:00-05:00"),
        order(),
        order(updated_at="2026-11-20T09:07:00-05:00", note="second"),
    ]
    loaded = shop.twin.load(written(tmp_path / "orders.json", {"orders": versions}))
    assert loaded == ["820982911946154508"]
    assert shop.webhooks.topics == ["orders/create", "orders/updated", "orders/cancelled"]
    (polled,) = (await shop.channel().poll(None)).orders
    assert ShopifyFormat().parse(polled.body, "main").orders[0].state is ChannelState.CANCELLED


async def test_a_pending_order_is_paid_a_moment_later(tmp_path: Path) -> None:
    shop = Shop(PLENTY)
    (order_id,) = shop.twin.load(written(tmp_path / "pending.json", {"order": order(financial_status="pending")}))
    await until(lambda: shop.webhooks.topics == ["orders/create", "orders/paid"])
    first, second = (ShopifyFormat().parse(body, "main").orders[0] for _, body, _ in shop.webhooks.sent)
    assert (first.state, second.state) == (ChannelState.PENDING, ChannelState.OPEN)
    assert second.version > first.version
    assert shop.document(order_id)["financial_status"] == "paid"


async def test_a_payload_that_fits_no_schema_is_told_by_webhook_and_does_not_spoil_the_search(tmp_path: Path) -> None:
    shop = Shop(PLENTY)
    odd = order(id=9, line_items=[{"id": 1, "quantity": "two", "price": "1.00"}])
    loaded = shop.twin.load(written(tmp_path / "odd.json", [odd, order(), {"order": {"id": 3}}]))
    assert loaded == ["9", "820982911946154508"]
    assert len(shop.webhooks.sent) == 2
    assert [polled.external_id for polled in (await shop.channel().poll(None)).orders] == ["820982911946154508"]


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[[", b'{"payload":{"Orders":[]}}', b'{"orders":[{"orderId":"1"}]}']
)
async def test_a_file_without_shopify_orders_brings_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    assert Shop().twin.load(path) == []


@pytest.mark.skipif(not SAMPLES.exists(), reason="the vendors' samples are not on this machine")
async def test_real_sample_orders_are_served_verbatim_and_read_the_same_by_webhook_and_poll() -> None:
    shop = Shop(PLENTY)
    for name in ("order__create_1", "order__create_6", "order__create_8", "order__list_any", "order__go_order"):
        assert shop.twin.load(SAMPLES / f"{name}.json")
    page = await shop.channel().poll(None)
    polled = {each.external_id: ShopifyFormat().parse(each.body, "main").orders[0] for each in page.orders}
    assert len(polled) == 5
    for _, body, _ in shop.webhooks.sent:
        (sent,) = ShopifyFormat().parse(body, "main").orders
        assert polled[sent.key.external_id].lines == sent.lines
        assert polled[sent.key.external_id].total == sent.total
        assert polled[sent.key.external_id].state is sent.state
