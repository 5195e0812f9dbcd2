"""The sandbox's controls: faults, ledger, buyers, files of orders, and a memory that outlives the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from sandbox.app import create_app
from sandbox.core import SandboxOptions
from sandbox.shopify import ACCESS_TOKEN
from tests.shopify import shop

NOTICE = {
    "order_reference": "shopify/main/1",
    "template": "shipped",
    "correlation_id": "c-1",
    "values": {},
    "at": "2026-11-20T09:00:00Z",
}

CHANNELS = {"amazon", "mirakl", "shopify", "storefront", "walmart"}


@pytest.fixture
def options() -> SandboxOptions:
    return SandboxOptions(base_url="http://sandbox.test", ship_delay=0)


@asynccontextmanager
async def running(options: SandboxOptions) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(options)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=options.base_url) as http,
    ):
        yield http


async def control(http: httpx.AsyncClient, path: str, body: Any = None, **params: str) -> Any:
    """Ask, or tell, one of the sandbox's controls."""
    method = "GET" if body is None else "POST"
    answer = await http.request(method, f"/_sandbox/{path}", json=body, params=params)
    return answer.raise_for_status().json()


async def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    seen = await look()
    async with asyncio.timeout(10):
        while not holds(seen):
            await asyncio.sleep(0.01)
            seen = await look()
    return seen


async def orders_of_shop(http: httpx.AsyncClient) -> list[dict[str, Any]]:
    """All orders, as the shop's own API tells them."""
    headers = {"X-Shopify-Access-Token": ACCESS_TOKEN}
    answer = await http.get("/admin/api/2026-10/orders.json", params={"status": "any"}, headers=headers)
    orders: list[dict[str, Any]] = answer.raise_for_status().json()["orders"]
    return sorted(orders, key=lambda order: int(order["id"]))


async def read_shop(http: httpx.AsyncClient) -> int:
    headers = {"X-Shopify-Access-Token": ACCESS_TOKEN}
    return (await http.get("/admin/api/2026-10/orders.json", headers=headers)).status_code


async def sold(http: httpx.AsyncClient, **orders: int) -> None:
    """Let buyers buy, and wait until they have."""
    before = (await control(http, "orders"))["numbers"]
    await control(http, "orders", {"orders": orders, "per_second": 1000})
    wanted = {channel: before[channel] + orders.get(channel, 0) for channel in before}
    await until(lambda: control(http, "orders"), lambda seen: seen["numbers"] == wanted)


async def test_every_twin_tells_its_credentials_and_its_connection(options: SandboxOptions) -> None:
    async with running(options) as http:
        assert (await http.get("/_sandbox/health")).json() == {"status": "up"}
        credentials = await control(http, "credentials")
        connections = await control(http, "connections")
    assert set(credentials) == {*CHANNELS, "erp", "wms", "tax", "fraud", "notify"}
    assert all(values["base_url"].startswith("http://sandbox.test") for values in credentials.values())
    assert {each["provider"] for each in connections["channels"]} == CHANNELS
    assert set(connections) == {"channels", "entities", "erp", "wms", "tax", "fraud", "notify"}


async def test_a_fault_strikes_as_often_as_it_should_and_is_counted(options: SandboxOptions) -> None:
    async with running(options) as http:
        operation = next(each for each in await control(http, "operations") if each == "shopify.rest_orders")
        await control(http, "faults", {"operation": operation, "kind": "error", "status": 502, "times": 2})
        assert [await read_shop(http) for _ in range(3)] == [502, 502, 200]
        calls = await control(http, "calls")
    assert (calls[f"{operation} 502"], calls[f"{operation} 200"]) == (2, 1)


async def test_a_fault_stays_until_it_is_removed(options: SandboxOptions) -> None:
    async with running(options) as http:
        first = await control(http, "faults", {"operation": "shopify.*", "kind": "throttle"})
        await control(http, "faults", {"operation": "*", "kind": "error", "status": 500})
        assert await read_shop(http) == 429
        assert (await http.delete("/_sandbox/faults", params={"number": str(first["number"])})).is_success
        assert await read_shop(http) == 500
        assert (await http.delete("/_sandbox/faults")).is_success
        assert await read_shop(http) == 200


async def test_a_fault_with_a_key_strikes_only_what_mentions_it(options: SandboxOptions) -> None:
    async with running(options) as http:
        await control(http, "faults", {"operation": "shopify.*", "kind": "error", "key": "updated_at_min"})
        assert await read_shop(http) == 200
        headers = {"X-Shopify-Access-Token": ACCESS_TOKEN}
        path = "/admin/api/2026-10/orders.json?updated_at_min=2026-01-01T00:00:00Z"
        assert (await http.get(path, headers=headers)).status_code == 500


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"operation": "erp.make_coffee", "kind": "error"}, "erp.make_coffee"),
        ({"operation": "nobody.*", "kind": "error"}, "/_sandbox/operations"),
        ({"operation": "*", "kind": "explosion"}, "lost_reply"),
        ({"operation": "*", "kind": "error", "probability": 2}, "probability"),
        ({"operation": "*", "kind": "error", "times": 0}, "times"),
    ],
)
async def test_a_fault_that_could_never_strike_is_refused(
    options: SandboxOptions, fault: dict[str, Any], told: str
) -> None:
    async with running(options) as http:
        answer = await http.post("/_sandbox/faults", json=fault)
        assert answer.status_code == 422
        assert told in answer.json()["error"]
        assert (await http.delete("/_sandbox/faults", params={"number": "all"})).status_code == 422
        assert await read_shop(http) == 200


async def test_the_ledger_is_asked_by_system_effect_and_key(options: SandboxOptions) -> None:
    async with running(options) as http:
        await sold(http, amazon=3)
        placed = await control(http, "ledger", system="amazon", effect="order_placed")
        assert [entry["number"] for entry in placed] == [1, 2, 3]
        (one,) = await control(http, "ledger", key=placed[1]["key"], effect="order_placed")
        assert one == placed[1]
        assert await control(http, "ledger", system="erp") == []
        assert (await control(http, "ledger/counts"))["amazon/order_placed"] == 3


def told(order: dict[str, Any]) -> tuple[Any, ...]:
    """What a buyer decided; not when."""
    lines = [(line["sku"], line["quantity"], line["price"]) for line in order["line_items"]]
    address = order.get("shipping_address") or {}
    return lines, order["total_price"], order["currency"], order["email"], address.get("city")


async def test_buyers_of_the_same_seed_buy_the_same(options: SandboxOptions) -> None:
    bought = []
    for seed in (7, 7, 8):
        async with running(options.model_copy(update={"seed": seed})) as http:
            await sold(http, shopify=20)
            bought.append([told(order) for order in await orders_of_shop(http)])
    assert len(bought[0]) == 20
    assert bought[0] == bought[1]
    assert bought[0] != bought[2]


async def test_buyers_who_come_later_go_on_where_the_others_stopped(options: SandboxOptions) -> None:
    async with running(options) as http:
        await sold(http, shopify=8)
        await sold(http, shopify=4)
        in_two_goes = [told(order) for order in await orders_of_shop(http)]
    async with running(options) as http:
        await sold(http, shopify=12)
        assert [told(order) for order in await orders_of_shop(http)] == in_two_goes


@pytest.mark.parametrize(
    "body",
    [{"orders": {"ebay": 1}}, {"orders": {"shopify": -1}}, {"orders": {"shopify": 1}, "per_second": 0}, [], None],
)
async def test_an_order_of_buyers_that_makes_no_sense_is_refused(options: SandboxOptions, body: Any) -> None:
    async with running(options) as http:
        answer = await http.post("/_sandbox/orders", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]
        assert set((await control(http, "orders"))["numbers"].values()) == {0}


async def test_state_survives_a_restart(options: SandboxOptions, tmp_path: Path) -> None:
    kept = options.model_copy(update={"state_dir": tmp_path / "state"})
    async with running(kept) as http:
        await sold(http, amazon=2, shopify=3)
        before = (await orders_of_shop(http), await control(http, "ledger"), (await control(http, "orders"))["numbers"])
    async with running(kept) as http:
        after = (await orders_of_shop(http), await control(http, "ledger"), (await control(http, "orders"))["numbers"])
        await sold(http, shopify=1)
        assert len(await orders_of_shop(http)) == 4
    assert [order["id"] for order in after[0]] == [order["id"] for order in before[0]]
    assert after[1][: len(before[1])] == before[1]
    assert after[2] == before[2]
    assert {channel: count for channel, count in after[2].items() if count} == {"amazon": 2, "shopify": 3}


async def test_a_release_that_was_being_picked_is_picked_on_after_a_restart(
    options: SandboxOptions, tmp_path: Path
) -> None:
    slow = options.model_copy(update={"state_dir": tmp_path, "ship_delay": 600})
    release = {
        "fulfilment_id": "shopify/main/1#BER-1",
        "reply_to": "order/shopify/main/1",
        "order_reference": "shopify/main/1",
        "correlation_id": "c-1",
        "node": "BER-1",
        "service_level": "standard",
        "ship_by": None,
        "ship_to": {"name": "A", "lines": ["Main Street 1"], "city": "Berlin", "postal_code": "10115", "country": "DE"},
        "picks": [{"line_reference": "1", "item": "MAT-FOAM", "per_unit": 1, "quantity": 1}],
    }
    async with running(slow) as http:
        key = (await control(http, "credentials"))["wms"]["api_key"]
        answer = await http.post("/wms/v1/releases", json=release, headers={"X-Api-Key": key})
        assert answer.status_code == 202, answer.text
        assert await control(http, "ledger", effect="parcel_shipped") == []
    async with running(slow.model_copy(update={"ship_delay": 0})) as http:
        shipped = await until(lambda: control(http, "ledger", effect="parcel_shipped"), bool)
    assert shipped[0]["detail"]["fulfilment_id"] == "shopify/main/1#BER-1"


async def test_orders_of_files_are_served_by_the_channel_their_folder_names(
    options: SandboxOptions, tmp_path: Path
) -> None:
    (tmp_path / "shopify").mkdir()
    (tmp_path / "amazon" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    order = shop.order()
    (tmp_path / "shopify" / "order.json").write_text(json.dumps({"order": order}))
    (tmp_path / "loose.json").write_text(json.dumps([shop.order(id=5), {"no": "order"}]))
    (tmp_path / "amazon" / "deep" / "order.json").write_text(json.dumps(order))
    (tmp_path / "elsewhere" / "order.json").write_text(json.dumps(shop.order(id=6)))
    (tmp_path / "shopify" / "garbage.json").write_bytes(b"\xff\x00 nothing at all")
    async with running(options.model_copy(update={"orders_dir": tmp_path})) as http:
        loaded = (await control(http, "orders"))["loaded"]
        served = {str(each["id"]) for each in await orders_of_shop(http)}
    assert loaded == {
        str(tmp_path / "shopify" / "order.json"): [f"shopify:{order['id']}"],
        str(tmp_path / "loose.json"): ["shopify:5"],
    }
    assert served == {str(order["id"]), "5"}


async def test_the_catalogue_lists_every_item_that_a_listing_needs(options: SandboxOptions) -> None:
    async with running(options) as http:
        goods = await control(http, "catalogue")
    stocked = {level["item"] for level in goods["stock"]}
    assert {item for listing in goods["listings"] for item in listing["components"]} <= stocked
    assert len({listing["sku"] for listing in goods["listings"]}) == len(goods["listings"])


async def test_closing_a_period_with_nothing_sold_pays_nothing(options: SandboxOptions) -> None:
    async with running(options) as http:
        closed = await control(http, "settlements", {})
        assert set(closed) == CHANNELS
        assert all(effect.split("/")[1] == "settlement_closed" for effect in await control(http, "ledger/counts"))


async def test_a_lost_reply_has_its_effect_and_breaks_the_connection(options: SandboxOptions) -> None:
    server = uvicorn.Server(uvicorn.Config(create_app(options), port=0, log_level="critical"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: asyncio.sleep(0, server.started), bool)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        await control(http, "faults", {"operation": "notify.send_message", "kind": "lost_reply", "times": 1})
        headers = {"X-Api-Key": (await control(http, "credentials"))["notify"]["api_key"], "Idempotency-Key": "n-1"}
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/notify/v1/messages", json=NOTICE, headers=headers)
        assert await control(http, "calls") == {"notify.send_message lost": 1}
        assert await control(http, "ledger/counts") == {"notify/message_sent": 1}
        assert (await http.post("/notify/v1/messages", json=NOTICE, headers=headers)).is_success
        assert await control(http, "ledger/counts") == {"notify/message_sent": 1}
    server.should_exit = True
    await serving
