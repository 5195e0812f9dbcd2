"""The twin speaks Amazon's protocol: parameter rules, datasets, tokens, restarts, and its published schema."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.amazon import AmazonTwin
from sandbox.amazon_orders import DATASETS
from sandbox.core import Sandbox, SandboxOptions
from sandbox.traits import Traits, draw
from tests.amazon.payloads import SPECS, check, item, item_v0, order, order_v0

SEARCH = "/orders/2026-01-01/orders"
SINCE = {"lastUpdatedAfter": "2026-01-01T00:00:00Z"}
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's specifications are not at {SPECS}")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {**SINCE, "createdAfter": "2026-01-01T00:00:00Z"},
        {**SINCE, "createdBefore": "2026-01-02T00:00:00Z"},
        {**SINCE, "lastUpdatedBefore": "2025-01-02T00:00:00Z"},
        {"lastUpdatedAfter": "yesterday"},
        {**SINCE, "maxResultsPerPage": "0"},
        {**SINCE, "maxResultsPerPage": "101"},
        {**SINCE, "includedData": "BUYER,EVERYTHING"},
        {**SINCE, "fulfillmentStatuses": "Unshipped"},
        {**SINCE, "fulfilledBy": "MFN"},
        {**SINCE, "marketplaceIds": ",".join(f"M{number}" for number in range(51))},
        {**SINCE, "paginationToken": "nonsense"},
    ],
)
async def test_what_amazon_refuses_is_refused(caller: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await caller.get(SEARCH, params=params)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "InvalidInput"


async def test_a_search_may_not_reach_closer_than_two_minutes(caller: httpx.AsyncClient) -> None:
    recent = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    older = (datetime.now(UTC) - timedelta(minutes=3)).isoformat()
    assert (await caller.get(SEARCH, params={**SINCE, "lastUpdatedBefore": recent})).status_code == 400
    assert (await caller.get(SEARCH, params={**SINCE, "lastUpdatedBefore": older})).status_code == 200


async def test_unknown_parameters_and_another_host_are_ignored(caller: httpx.AsyncClient) -> None:
    params = {**SINCE, "MarketplaceIds": "ATVPDKIKX0DER"}
    answer = await caller.get(SEARCH, params=params, headers={"host": "tpartnerapi-na.amazon.com"})
    assert answer.status_code == 200
    assert answer.headers["x-amzn-RequestId"]
    assert float(answer.headers["x-amzn-RateLimit-Limit"]) == pytest.approx(560)


@needs_specs
async def test_answers_keep_to_the_published_schema(twin: AmazonTwin, caller: httpx.AsyncClient) -> None:
    for number in range(1, 40):
        twin.sell(draw(3, "amazon", number))
    page = (
        await caller.get(SEARCH, params={**SINCE, "includedData": ",".join(DATASETS), "maxResultsPerPage": "20"})
    ).json()
    check(page, "orders_2026-01-01.json", "SearchOrdersResponse")
    assert page["pagination"]["nextToken"]
    order_id = page["orders"][0]["orderId"]
    one = (await caller.get(f"{SEARCH}/{order_id}")).json()
    check(one, "orders_2026-01-01.json", "GetOrderResponse")
    v0 = {"LastUpdatedAfter": "2026-01-01T00:00:00Z", "MarketplaceIds": "ATVPDKIKX0DER"}
    check((await caller.get("/orders/v0/orders", params=v0)).json(), "ordersV0.json", "GetOrdersResponse")
    check((await caller.get(f"/orders/v0/orders/{order_id}")).json(), "ordersV0.json", "GetOrderResponse")
    items = (await caller.get(f"/orders/v0/orders/{order_id}/orderItems")).json()
    check(items, "ordersV0.json", "GetOrderItemsResponse")


@needs_specs
async def test_reports_keep_to_the_published_schema(
    twin: AmazonTwin, caller: httpx.AsyncClient, plain: Traits, no_delay: None
) -> None:
    twin.sell(Traits(number=2, items=plain.items, channel_fulfilled=True))
    twin.close_period()
    params = {"reportTypes": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"}
    reports = (await caller.get("/reports/2021-06-30/reports", params=params)).json()
    check(reports, "reports_2021-06-30.json", "GetReportsResponse")
    document = await caller.get(f"/reports/2021-06-30/documents/{reports['reports'][0]['reportDocumentId']}")
    check(document.json(), "reports_2021-06-30.json", "ReportDocument")
    assert gzip.decompress((await caller.get(document.json()["url"])).content).startswith(b"settlement-id\t")
    forged = document.json()["url"].replace("X-Amz-Expires=", "X-Amz-Expires=9")
    assert (await caller.get(forged)).status_code == 403


async def test_only_the_datasets_that_are_asked_for_are_there_and_absent_ones_are_not_null(
    twin: AmazonTwin, caller: httpx.AsyncClient, plain: Traits
) -> None:
    order_id = twin.sell(plain)
    bare = (await caller.get(f"{SEARCH}/{order_id}")).json()["order"]
    assert set(bare) == {"orderId", "createdTime", "lastUpdatedTime", "salesChannel", "orderItems"} | (
        set(bare) & {"programs"}
    )
    assert set(bare["orderItems"][0]) == {"orderItemId", "quantityOrdered", "product"}
    asked = (await caller.get(f"{SEARCH}/{order_id}", params={"includedData": "PROCEEDS"})).json()["order"]
    assert set(asked) - set(bare) == {"proceeds"}
    assert set(asked["orderItems"][0]) - set(bare["orderItems"][0]) == {"proceeds"}


async def test_a_page_token_belongs_to_its_filters(twin: AmazonTwin, caller: httpx.AsyncClient, plain: Traits) -> None:
    for _ in range(2):
        twin.sell(plain)
    params = {**SINCE, "maxResultsPerPage": "1"}
    token = (await caller.get(SEARCH, params=params)).json()["pagination"]["nextToken"]
    assert (await caller.get(SEARCH, params={**params, "paginationToken": token})).status_code == 200
    other = {**params, "fulfilledBy": "AMAZON", "paginationToken": token}
    assert (await caller.get(SEARCH, params=other)).status_code == 400


async def test_a_call_without_a_living_token_is_403(sandbox: Sandbox, caller: httpx.AsyncClient) -> None:
    for token in ("", "Atza|invented"):
        answer = await caller.get(SEARCH, params=SINCE, headers={"x-amz-access-token": token})
        assert answer.status_code == 403
        assert "expired" not in answer.text
    tokens = sandbox.shelf.collection("amazon_tokens")
    tokens.put(caller.headers["x-amz-access-token"], {"until": "2026-01-01T00:00:00+00:00", "paths": []})
    answer = await caller.get(SEARCH, params=SINCE)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "Unauthorized")
    assert "expired" in answer.json()["errors"][0]["details"]


async def test_an_address_needs_a_token_for_exactly_its_path(
    twin: AmazonTwin, caller: httpx.AsyncClient, plain: Traits
) -> None:
    path = f"/orders/v0/orders/{twin.sell(plain)}/address"
    assert (await caller.get(path)).status_code == 403
    for named, status in ((path, 200), ("/orders/v0/orders/{orderId}/address", 200), ("/orders/v0/orders", 403)):
        body = {"restrictedResources": [{"method": "GET", "path": named}]}
        granted = await caller.post("/tokens/2021-03-01/restrictedDataToken", json=body)
        headers = {"x-amz-access-token": granted.json()["restrictedDataToken"]}
        assert (await caller.get(path, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "change",
    [
        {"packageReferenceId": "A-1"},
        {"packageReferenceId": "0"},
        {"shipDate": "02/21/2022"},
        {"carrierCode": "Other"},
        {"trackingNumber": ""},
        {"orderItems": []},
        {"orderItems": [{"orderItemId": "nope", "quantity": 1}]},
        {"orderItems": [{"orderItemId": "10001", "quantity": 0}]},
    ],
)
async def test_a_bad_confirmation_is_400_and_changes_nothing(
    twin: AmazonTwin, caller: httpx.AsyncClient, plain: Traits, change: dict[str, Any]
) -> None:
    order_id = twin.sell(plain)
    detail = {
        "packageReferenceId": "1", "carrierCode": "DHL", "trackingNumber": "T", "shipDate": "2026-11-01T00:00:00Z",
        "orderItems": [{"orderItemId": "10001", "quantity": 1}], **change,
    }  # fmt: skip
    body = {"marketplaceId": "ATVPDKIKX0DER", "packageDetail": detail}
    answer = await caller.post(f"/orders/v0/orders/{order_id}/shipmentConfirmation", json=body)
    assert answer.status_code == 400
    assert "amazon/shipment_confirmed" not in twin.sandbox.ledger.counts()


def test_orders_tokens_and_pending_changes_survive_a_restart(tmp_path: Path, plain: Traits, no_delay: None) -> None:
    options = SandboxOptions(state_dir=tmp_path)
    first = Sandbox(options)
    order_id = AmazonTwin(first).sell(Traits(number=1, items=plain.items, cancel=True))
    first.shelf.close()
    second = Sandbox(options)
    AmazonTwin(second).close_period()
    assert [entry["key"] for entry in second.ledger.entries("amazon", "order_cancelled")] == [f"amazon/US-1/{order_id}"]
    second.shelf.close()


@pytest.mark.parametrize(
    "document",
    [
        {"orders": [order("20.00", item())]},
        [{"request": {}, "response": {"body": {"order": order("20.00", item())}}}],
        {"payload": order_v0("21.65", item_v0(ItemPrice="20.00", ItemTax="1.65"))},
        {"order": order_v0("21.65"), "orderItems": [item_v0(ItemPrice="20.00", ItemTax="1.65")]},
    ],
)
async def test_a_file_of_orders_is_served_as_just_updated(
    twin: AmazonTwin, channel: Any, tmp_path: Path, document: Any
) -> None:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(document))
    start = await channel.poll(None)
    assert twin.load(path) == ["112-0000001-0000001"]
    page = await channel.poll(start.cursor)
    assert [polled.external_id for polled in page.orders] == ["112-0000001-0000001"]


def test_a_file_without_orders_brings_none(twin: AmazonTwin, tmp_path: Path) -> None:
    for name, content in {"a.json": b"{", "b.json": b'{"orders": [{"id": 1}]}', "c.csv": b"a,b"}.items():
        (tmp_path / name).write_bytes(content)
        assert twin.load(tmp_path / name) == []
