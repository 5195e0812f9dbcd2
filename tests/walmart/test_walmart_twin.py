"""The twin by itself: the rules that Walmart keeps, as any client would meet them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.ports import HINT_TOPIC
from connectors.walmart.format import WalmartFormat
from sandbox import walmart
from sandbox.core import Sandbox, SandboxOptions
from sandbox.goods import LISTINGS
from sandbox.traits import Traits
from sandbox.walmart import WalmartTwin
from sandbox.webhooks import WebhookSender
from tests.systems.running import free_socket, served, until
from tests.walmart.contract import needs_samples, sample
from tests.walmart.payloads import line, order, shipped, single, status

ORDERS = "/v3/orders"
SHIPMENT = {
    "lineNumber": "1",
    "sellerOrderId": "1",
    "orderLineStatuses": {"orderLineStatus": [shipped("1Z1")]},
}


def shipment(**more: Any) -> dict[str, Any]:
    return {"orderShipment": {"orderLines": {"orderLine": [{**SHIPMENT, **more}]}}}


def statuses(*each: dict[str, Any]) -> dict[str, Any]:
    return {"orderLineStatuses": {"orderLineStatus": list(each)}}


def code(answer: httpx.Response) -> str:
    return str(answer.json()["errors"][0]["code"]).partition(".")[0]


@pytest.mark.parametrize("name", ["WM_SVC.NAME", "WM_QOS.CORRELATION_ID"])
async def test_a_request_without_its_headers_is_refused(caller: httpx.AsyncClient, name: str) -> None:
    del caller.headers[name]
    for path in (ORDERS, "/v3/inventory"):
        answer = await caller.get(path)
        assert (answer.status_code, code(answer)) == (400, "MISSING_REQUEST_HEADER")
    answer = await caller.post("/v3/token")
    assert answer.status_code == 400


async def test_a_token_is_needed_and_lives_for_fifteen_minutes(caller: httpx.AsyncClient, sandbox: Sandbox) -> None:
    assert (await caller.get(ORDERS)).status_code == 404
    tokens = sandbox.shelf.collection("walmart_tokens")
    tokens.put(caller.headers["WM_SEC.ACCESS_TOKEN"], 0)
    answer = await caller.get(ORDERS)
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")


async def test_an_empty_list_is_not_found(caller: httpx.AsyncClient) -> None:
    answer = await caller.get(ORDERS)
    assert (answer.status_code, code(answer)) == (404, "CONTENT_NOT_FOUND")
    returned = await caller.get("/v3/returns")
    assert returned.json()["error"][0]["code"].startswith("CONTENT_NOT_FOUND")


async def test_every_answer_says_what_is_left_of_the_allotment(caller: httpx.AsyncClient) -> None:
    first, second = await caller.get(ORDERS), await caller.get(ORDERS)
    assert int(first.headers["x-current-token-count"]) >= int(second.headers["x-current-token-count"]) > 0
    assert int(first.headers["x-next-replenish-time"]) > 0


@pytest.mark.parametrize("quota_scale", [0.05])
async def test_beyond_the_allotment_there_is_nothing(
    caller: httpx.AsyncClient, twin: WalmartTwin, plain: Traits
) -> None:
    sold = twin.sell(plain)
    answers = [await caller.post(f"{ORDERS}/{sold}/acknowledge") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].headers["Retry-After"]


async def test_amounts_are_numbers_quantities_texts_and_times_milliseconds(
    caller: httpx.AsyncClient, twin: WalmartTwin, plain: Traits
) -> None:
    found = (await caller.get(f"{ORDERS}/{twin.sell(plain)}")).json()["order"]
    first = found["orderLines"]["orderLine"][0]
    assert first["charges"]["charge"][0]["chargeAmount"] == {"currency": "USD", "amount": 747.0}
    assert first["orderLineQuantity"]["amount"] == "3"
    assert found["orderDate"] > 10**12
    assert "orderType" not in found


async def test_a_search_goes_by_node_status_and_page(
    caller: httpx.AsyncClient, twin: WalmartTwin, plain: Traits
) -> None:
    sold = [twin.sell(plain) for _ in range(3)]
    twin.sell(Traits(2, plain.items, channel_fulfilled=True))
    page = (await caller.get(ORDERS, params={"limit": "2"})).json()["list"]
    assert page["meta"]["totalCount"] == 3
    rest = (await caller.get(ORDERS + page["meta"]["nextCursor"])).json()["list"]
    assert "nextCursor" not in rest["meta"]
    found = [each["purchaseOrderId"] for part in (page, rest) for each in part["elements"]["order"]]
    assert found == sold[::-1]
    await caller.post(f"{ORDERS}/{sold[0]}/acknowledge")
    taken = (await caller.get(ORDERS, params={"status": "Acknowledged"})).json()["list"]["elements"]["order"]
    assert [each["purchaseOrderId"] for each in taken] == [sold[0]]
    assert (await caller.get(ORDERS, params={"limit": "201"})).status_code == 400
    assert (await caller.get(ORDERS, params={"createdStartDate": "yesterday"})).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (shipment(lineNumber="9"), "lineNumber"),
        (shipment(sellerOrderId=""), "sellerOrderId"),
        (shipment(**statuses(shipped("1Z1", 4))), "statusQuantity"),
        (shipment(**statuses(shipped("1Z1"), shipped("1Z2", 3))), "statusQuantity"),
        (shipment(**statuses(shipped("1Z1", carrier="Pigeon"))), "carrier"),
        (shipment(**statuses(shipped("1Z1", otherCarrier="Pigeon"))), "trackingURL"),
        (shipment(**statuses(status("Delivered"))), "status"),
        (
            shipment(**statuses({**shipped("1Z1"), "statusQuantity": {"unitOfMeasurement": "EACH", "amount": 1}})),
            "amount",
        ),
        ({"orderShipment": {}}, "orderShipment"),
    ],
)
async def test_a_shipment_that_cannot_be_is_refused_whole(
    caller: httpx.AsyncClient, twin: WalmartTwin, sandbox: Sandbox, plain: Traits, body: dict[str, Any], field: str
) -> None:
    sold = twin.sell(plain)
    await caller.post(f"{ORDERS}/{sold}/acknowledge")
    answer = await caller.post(f"{ORDERS}/{sold}/shipping", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    assert "walmart/shipped" not in sandbox.ledger.counts()


async def test_a_line_whose_buyer_asked_to_cancel_ships_only_with_the_override(
    caller: httpx.AsyncClient, twin: WalmartTwin, plain: Traits
) -> None:
    sold = twin.sell(Traits(7, plain.items, asks_to_cancel=True))
    await caller.post(f"{ORDERS}/{sold}/acknowledge")
    answer = await caller.post(f"{ORDERS}/{sold}/shipping", json=shipment())
    assert answer.json()["errors"][0]["field"] == "intentToCancelOverride"
    assert (
        await caller.post(f"{ORDERS}/{sold}/shipping", json=shipment(intentToCancelOverride=True))
    ).status_code == 200


async def test_positive_amounts_are_no_refund(caller: httpx.AsyncClient, twin: WalmartTwin, plain: Traits) -> None:
    sold = twin.sell(plain)
    await caller.post(f"{ORDERS}/{sold}/acknowledge")
    await caller.post(f"{ORDERS}/{sold}/shipping", json=shipment())
    charge = {"chargeType": "PRODUCT", "chargeName": "x", "chargeAmount": {"currency": "USD", "amount": 5}}
    told = {"refund": [{"refundCharges": {"refundCharge": [{"refundReason": "Others", "charge": charge}]}}]}
    lines = {"orderLine": [{"lineNumber": "1", "refunds": told}]}
    body = {"orderRefund": {"purchaseOrderId": sold, "orderLines": lines}}
    assert (await caller.post(f"{ORDERS}/{sold}/refund", json=body)).status_code == 400


async def test_what_is_not_shipped_four_days_late_is_cancelled(
    caller: httpx.AsyncClient, twin: WalmartTwin, sandbox: Sandbox, plain: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walmart, "AUTO_CANCEL_AFTER", 0.0)
    sold = twin.sell(plain)
    found = (await caller.get(f"{ORDERS}/{sold}")).json()["order"]
    words = {each["status"] for each in found["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]}
    assert words == {"Cancelled"}
    assert sandbox.ledger.counts()["walmart/auto_cancelled"] == 1


async def test_stock_is_set_and_read(caller: httpx.AsyncClient) -> None:
    body = {"sku": "STOVE-01", "quantity": {"unit": "EACH", "amount": 4}}
    assert (await caller.put("/v3/inventory", params={"sku": "STOVE-01"}, json=body)).json() == body
    assert (await caller.get("/v3/inventory", params={"sku": "STOVE-01"})).json() == body
    for wrong in (
        {**body, "sku": "HEADLAMP"},
        {**body, "quantity": {"unit": "EACH", "amount": -1}},
        {"sku": "STOVE-01"},
    ):
        assert (await caller.put("/v3/inventory", params={"sku": "STOVE-01"}, json=wrong)).status_code == 400


async def test_the_report_is_the_same_as_a_file(caller: httpx.AsyncClient, twin: WalmartTwin, plain: Traits) -> None:
    sold = twin.sell(plain)
    await caller.post(f"{ORDERS}/{sold}/acknowledge")
    await caller.post(f"{ORDERS}/{sold}/shipping", json=shipment(**statuses(shipped("1Z1", 3))))
    (date,) = twin.close_period()
    params = {"reportDate": date, "reportVersion": "v1"}
    rows = (await caller.get("/v3/report/reconreport/reconFileJson", params=params)).json()["reportData"]
    archive = (await caller.get("/v3/report/reconreport/reconFile", params=params)).content
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        text = file.read(file.namelist()[0]).decode()
    assert len(list(csv.reader(io.StringIO(text)))) == len(rows) + 2
    read = [
        WalmartFormat().parse_settlement(body, "US") for body in (archive, json.dumps({"reportData": rows}).encode())
    ]
    assert read[0] == read[1]


async def test_orders_of_a_file_are_served_as_they_stand(
    caller: httpx.AsyncClient, twin: WalmartTwin, tmp_path: Path
) -> None:
    file = tmp_path / "orders.json"
    replaced = order(line(1), orderType="REPLACEMENT", originalCustomerOrderID="1")
    file.write_bytes(single(replaced))
    assert twin.load(file) == twin.load(file) == ["1796277083022"]
    found = await caller.get(f"{ORDERS}/1796277083022", params={"replacementInfo": "true"})
    assert found.json()["order"] == replaced
    assert (await caller.post(f"{ORDERS}/1796277083022/acknowledge")).status_code == 200
    (tmp_path / "none.json").write_text('{"order": {"purchaseOrderId": "1"}}')
    assert twin.load(tmp_path / "none.json") == []


@needs_samples
async def test_the_vendors_own_sample_is_served(twin: WalmartTwin, tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_bytes(sample("order__list_10_mixed_created_cancelled_shipped.json"))
    assert len(twin.load(file)) == 10


@pytest.fixture
async def told() -> AsyncIterator[tuple[WalmartTwin, list[tuple[dict[str, str], bytes]]]]:
    """A twin, and what it posts to the gateway."""
    received: list[tuple[dict[str, str], bytes]] = []

    async def receive(request: Request) -> Response:
        received.append((dict(request.headers), await request.body()))
        return Response(status_code=204)

    listener = free_socket()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    box = Sandbox(SandboxOptions(base_url=address, webhooks_to=address))
    webhooks = WebhookSender(box)
    async with served(Starlette(routes=[Route("/webhooks/walmart/US", receive, methods=["POST"])]).routes, listener):
        yield WalmartTwin(box, webhooks), received
    for task in list(box.tasks):
        task.cancel()
    await asyncio.gather(*box.tasks, return_exceptions=True)
    await webhooks.aclose()
    box.shelf.close()


async def test_orders_are_told_of_with_a_signature_that_counts(told: Any, plain: Traits) -> None:
    twin, received = told
    secrets = tuple(twin.connection()["webhook_secrets"])
    sold = twin.sell(Traits(1, plain.items, duplicates=3))
    twin.sell(Traits(2, plain.items, lose_webhook=True))
    await until(lambda: len(received) == 3)
    events = [WalmartFormat().verify(headers, body, secrets) for headers, body in received]
    assert {(event.topic, event.external_id) for event in events} == {(HINT_TOPIC, sold)}
    assert len({event.delivery_id for event in events}) == 1


@pytest.mark.parametrize(
    ("trait", "event"),
    [
        ("cancel", "PO_LINE_AUTOCANCELLED"),
        ("cancels_part", "PO_LINE_AUTOCANCELLED"),
        ("asks_to_cancel", "INTENT_TO_CANCEL"),
    ],
)
async def test_what_happens_later_is_told_too(told: Any, trait: str, event: str) -> None:
    twin, received = told
    twin.sell(Traits(1, ((LISTINGS[0], 2),), **{trait: True}))
    await until(lambda: len(received) == 2)
    assert {json.loads(body)["payload"]["subEventType"] for _, body in received} == {"PO_CREATED", event}


async def test_a_sandbox_that_stopped_goes_on(tmp_path: Path, plain: Traits) -> None:
    first = Sandbox(SandboxOptions(state_dir=tmp_path))
    sender = WebhookSender(first)
    sold = WalmartTwin(first, sender).sell(Traits(6, plain.items, cancel=True))
    for task in list(first.tasks):
        task.cancel()
    first.shelf.close()
    second = Sandbox(SandboxOptions(state_dir=tmp_path))
    twin = WalmartTwin(second, WebhookSender(second))
    twin.resume()
    await until(lambda: "walmart/order_cancelled" in second.ledger.counts())
    assert second.ledger.entries("walmart", "order_cancelled", f"walmart/US/{sold}")
    for task in list(second.tasks):
        task.cancel()
    await sender.aclose()
    second.shelf.close()
