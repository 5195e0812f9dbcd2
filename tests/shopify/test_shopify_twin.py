"""The twin speaks Shopify: schema, costs, paging, buyers, webhooks, memory."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_client_schema,
    parse,
    validate,
)

from connectors.ports import HINT_TOPIC
from connectors.shopify.format import ShopifyFormat
from connectors.shopify.queries import COSTS, OPERATIONS
from models.order import ChannelState
from sandbox.core import SandboxOptions
from sandbox.shopify_cost import QueryCost
from sandbox.shopify_hooks import CLIENT_SECRET
from sandbox.shopify_pages import snake
from sandbox.shopify_schema import schema
from sandbox.traits import draw
from tests.shopify.shop import INTROSPECTION, SAMPLES, Shop, order, parcel, serving, until

SECRETS = (CLIENT_SECRET,)
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


def test_every_word_and_input_of_the_twins_schema_is_shopifys(published: GraphQLSchema) -> None:
    for name, own in schema().type_map.items():
        if name.startswith("__"):
            continue
        theirs = published.type_map[{"Query": "QueryRoot"}.get(name, name)]
        if isinstance(own, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
            assert set(own.values) <= set(theirs.values), name
        if isinstance(own, GraphQLInputObjectType) and isinstance(theirs, GraphQLInputObjectType):
            for field_name, field in own.fields.items():
                assert str(field.type) == str(theirs.fields[field_name].type), f"{name}.{field_name}"


def test_what_an_operation_is_believed_to_cost_is_what_it_asks_for() -> None:
    named = {"Orders": "orders/10", "OrderLines": "order_lines", "FulfillmentOrders": "fulfillment_orders"}
    for operation in OPERATIONS:
        document = parse(operation)
        fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        (asked,) = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        assert asked.name
        first = {"Orders": 10, "Returns": 4}.get(asked.name.value, 1)
        points = QueryCost(schema(), fragments, {"first": first}).of(asked)
        field = next(node.name.value for node in asked.selection_set.selections if isinstance(node, FieldNode))
        name = named.get(asked.name.value) or COSTED.get(asked.name.value) or snake(field)
        assert points <= COSTS[name] <= 1000, name


COSTED = {
    "UnitsOfLines": "units_of_lines",
    "SuggestedRefund": "suggested_refund",
    "Returns": "returns/4",
    "ReturnsOfOrder": "returns_of_order",
    "ReturnOutcome": "return_outcome",
    "ItemsBySku": "items_by_sku",
    "Items": "items",
    "Payouts": "payouts",
    "PayoutTransactions": "balanceTransactions",
}


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


async def test_rest_pages_are_linked_until_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    # The bucket leaks while a busy machine thinks; only a clock that stands still makes its level a plain count.
    monkeypatch.setattr("sandbox.shopify_cost.time", SimpleNamespace(monotonic=lambda: 0.0))
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


async def edited(shop: Shop, order_id: str, line_id: int, quantity: int) -> list[dict[str, Any]]:
    """A merchant's order edit, as an app would do it: the user errors of each step."""
    begun = await shop.ask(
        "mutation B($id: ID!) { orderEditBegin(id: $id) { calculatedOrder { id lineItems(first: 5) { nodes { id"
        " quantity editableQuantity } } originalOrder { id } } userErrors { field message } } }",
        id=f"gid://shopify/Order/{order_id}",
    )
    edit = begun["data"]["orderEditBegin"]["calculatedOrder"]["id"]
    staged = await shop.ask(
        "mutation S($id: ID!, $line: ID!, $n: Int!) { orderEditSetQuantity(id: $id, lineItemId: $line, quantity: $n,"
        " restock: true) { calculatedLineItem { id quantity } userErrors { field message } } }",
        id=edit,
        line=f"gid://shopify/CalculatedLineItem/{line_id}",
        n=quantity,
    )
    commit = "mutation C($id: ID!) { orderEditCommit(id: $id) { order { id } userErrors { field message } } }"
    done = await shop.ask(commit, id=edit)
    answers = (begun["data"]["orderEditBegin"], staged["data"]["orderEditSetQuantity"], done["data"]["orderEditCommit"])
    return [error for answer in answers for error in answer["userErrors"]]


async def test_an_edited_order_says_what_is_left_of_it() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    line_id = shop.document(order_id)["line_items"][0]["id"]
    assert await edited(shop, order_id, line_id, 1) == []
    assert shop.webhooks.topics[-1] == "orders/edited"
    event = ShopifyFormat().verify(shop.webhooks.sent[-1][2], shop.webhooks.sent[-1][1], SECRETS)
    assert (event.topic, event.external_id) == (HINT_TOPIC, order_id)
    for body in (shop.body(order_id), await shop.channel().order(order_id)):
        (found,) = ShopifyFormat().parse(body, "main").orders
        assert (found.lines[0].quantity, found.lines[0].cancelled, found.lines[0].open) == (3, 2, 1)
        assert found.extras["current_total"] == shop.document(order_id)["current_total_price"]
    (effect,) = shop.sandbox.ledger.entries("shopify", "order_edited")
    assert effect["detail"] == {"removed": {str(line_id): 2}}


async def test_an_edit_cannot_take_off_what_has_left() -> None:
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    line_id = shop.document(order_id)["line_items"][0]["id"]
    await shop.channel().confirm(parcel(order_id, {str(line_id): 2}), retry=False)
    errors = await edited(shop, order_id, line_id, 1)
    assert [error["field"] for error in errors] == [["quantity"], ["id"]]
    assert not shop.sandbox.ledger.entries("shopify", "order_edited")


async def test_a_merchant_who_takes_a_unit_off_pays_the_difference_back() -> None:
    shop = Shop(PLENTY)
    traits = replace(draw(7, "shopify", 3), cancels_part=True)
    order_id = shop.twin.sell(traits)
    await until(lambda: "refunds/create" in shop.webhooks.topics)
    assert shop.webhooks.topics[-2:] == ["orders/edited", "refunds/create"]
    (found,) = ShopifyFormat().parse(await shop.channel().order(order_id), "main").orders
    assert (found.lines[0].cancelled, found.lines[0].open) == (1, 2)
    current = Decimal(shop.document(order_id)["current_total_price"])
    assert found.total.amount - found.refunds[0].amount.amount == current


async def test_a_buyer_sends_one_unit_back_when_all_has_left() -> None:
    shop = Shop(PLENTY)
    order_id = shop.twin.sell(replace(draw(7, "shopify", 3), returns=True))
    units = {str(each["id"]): each["quantity"] for each in shop.document(order_id)["line_items"]}
    await shop.channel().confirm(parcel(order_id, units), retry=False)
    await until(lambda: "returns/request" in shop.webhooks.topics)
    (entry,) = shop.sandbox.ledger.entries("shopify", "return_requested")
    assert list(entry["detail"]["units"].values()) == [1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("version", ["2026-07", "2026-10"])
async def test_shopifys_own_python_client_works_against_the_twin(version: str) -> None:
    client = pytest.importorskip("shopify", reason="ShopifyAPI is not installed")
    shop = Shop(PLENTY)
    order_id = shop.sell(3)
    async with serving(shop) as channel:
        host = channel._connection.base_url.removeprefix("http://")

        def ask() -> tuple[list[str], Any, Any]:
            client.ApiVersion.define_version(client.api_version.Release(version))
            client.Session.protocol = "http"
            session = client.Session("x", version, shop.twin.credentials()["access_token"])
            session.url = host
            client.ShopifyResource.activate_session(session)
            found = [str(each.id) for each in client.Order.find(status="any")]
            one = client.Order.find(int(order_id))
            answer = client.GraphQL().execute("{ orders(first: 1) { nodes { id name } } }")
            client.ShopifyResource.clear_session()
            return found, one, json.loads(answer)

        found, one, answer = await asyncio.to_thread(ask)
    assert found == [order_id]
    assert one.name == shop.document(order_id)["name"]
    assert answer["data"]["orders"]["nodes"] == [{"id": f"gid://shopify/Order/{order_id}", "name": one.name}]


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
