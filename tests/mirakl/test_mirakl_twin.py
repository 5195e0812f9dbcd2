"""The twin's own rules, as any other client meets them: key, lists, states, quantities, amounts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from models.order import Order
from sandbox.core import Sandbox
from sandbox.goods import LISTINGS
from sandbox.mirakl import MiraklTwin
from sandbox.mirakl_answers import API_KEY
from sandbox.traits import Traits
from tests.mirakl.conftest import Buy
from tests.mirakl.shop import line_payload, order_payload


@pytest.fixture
async def caller(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": API_KEY, "accept": "application/json"}
    async with httpx.AsyncClient(base_url=f"{sandbox.options.base_url}/mirakl/api", headers=headers) as client:
        yield client


async def test_a_wrong_key_is_answered_without_a_body(caller: httpx.AsyncClient) -> None:
    answer = await caller.get("/version", headers={"authorization": f"Bearer {API_KEY}"})
    assert (answer.status_code, answer.content) == (401, b"")
    assert (await caller.get("/version")).status_code == 200


async def test_lists_are_paged_by_offset_and_say_where_the_next_page_is(
    twin: MiraklTwin, caller: httpx.AsyncClient, plain: Traits
) -> None:
    sold = [twin.sell(plain) for _ in range(3)]
    answer = await caller.get("/orders", params={"max": "2"})
    assert ([each["order_id"] for each in answer.json()["orders"]], answer.json()["total_count"]) == (sold[:2], 3)
    rest = await caller.get(answer.links["next"]["url"])
    assert [each["order_id"] for each in rest.json()["orders"]] == sold[2:]
    assert rest.links["previous"]


@pytest.mark.parametrize(
    "params",
    [
        {"max": "101"},
        {"offset": "-1"},
        {"order_state_codes": "LOST"},
        {"start_update_date": "yesterday"},
        {"sort": "price"},
        {"order_ids": ",".join(str(number) for number in range(101))},
    ],
)
async def test_a_list_that_cannot_be_meant_is_refused(caller: httpx.AsyncClient, params: dict[str, str]) -> None:
    assert (await caller.get("/orders", params=params)).status_code == 400


async def test_lists_are_filtered_by_update_and_state(
    twin: MiraklTwin, caller: httpx.AsyncClient, plain: Traits, buy: Buy
) -> None:
    waiting, opened = twin.sell(plain), (await buy()).key.external_id
    listed = await caller.get("/orders", params={"order_state_codes": "SHIPPING"})
    assert [each["order_id"] for each in listed.json()["orders"]] == [opened]
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert (await caller.get("/orders", params={"start_update_date": later})).json()["total_count"] == 0
    every = (await caller.get("/orders", params={"end_update_date": later, "order": "desc"})).json()["orders"]
    assert [each["order_id"] for each in every] == [opened, waiting]


async def test_every_line_is_to_be_decided_at_once(twin: MiraklTwin, caller: httpx.AsyncClient) -> None:
    order_id = twin.sell(Traits(number=1, items=((LISTINGS[0], 1), (LISTINGS[1], 1))))
    path = f"/orders/{order_id}/accept"
    first, second = f"{order_id}-1", f"{order_id}-2"
    cases = [
        ([first], "ORDER_LINE_ACCEPTANCE_DECISION_MISSING"),
        ([first, first], "ORDER_LINE_DUPLICATE_ID"),
        ([first, "X"], "ORDER_LINE_NOT_FOUND"),
    ]
    for ids, code in cases:
        body = {"order_lines": [{"id": each, "accepted": True} for each in ids]}
        answer = await caller.put(path, json=body)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)
    body = {"order_lines": [{"id": first, "accepted": True}, {"id": second, "accepted": False}]}
    assert (await caller.put(path, json=body)).status_code == 204
    assert (await caller.put(path, json=body)).json()["errors"][0]["code"] == "ORDER_INVALID_STATE"
    order = (await caller.get("/orders", params={"order_ids": order_id})).json()["orders"][0]
    assert [line["order_line_state"] for line in order["order_lines"]] == ["SHIPPING", "REFUSED"]
    assert order["total_price"] == LISTINGS[0].price
    assert (await caller.put("/orders/NOBODY-A/accept", json=body)).status_code == 404


async def test_an_order_of_several_shipments_is_not_shipped_as_a_whole(caller: httpx.AsyncClient, buy: Buy) -> None:
    path = f"/orders/{(await buy()).key.external_id}"
    for answer in (
        await caller.put(f"{path}/tracking", json={"carrier_name": "X"}),
        await caller.put(f"{path}/ship"),
    ):
        assert answer.json()["errors"][0]["code"] == "MULTI_SHIPMENT_ENABLED"


async def test_a_bulk_of_shipments_succeeds_in_part(caller: httpx.AsyncClient, buy: Buy) -> None:
    order = await buy()
    line = {"order_line_id": order.lines[0].line_id, "quantity": 1}
    good = {"order_id": order.key.external_id, "shipment_lines": [line], "tracking": {"carrier_name": "X"}}
    unknown = {**good, "tracking": {"carrier_code": "PIGEON", "tracking_number": "1"}}
    answer = await caller.post("/shipments", json={"shipments": [good, unknown, {"order_id": "NOBODY-A"}]})
    assert answer.status_code == 201
    assert len(answer.json()["shipment_success"]) == 1
    assert [each["order_id"] for each in answer.json()["shipment_errors"]] == [order.key.external_id, "NOBODY-A"]


def a_refund(order: Order, **changes: object) -> dict[str, object]:
    line_id = order.lines[0].line_id
    good = {"order_line_id": line_id, "amount": 5, "shipping_amount": 0, "quantity": 0, "reason_code": 17}
    return {"refunds": [{**good, **changes}]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": 9999}, "amount"),
        ({"amount": 0}, "amount"),
        ({"quantity": 9}, "quantity"),
        ({"reason_code": "34"}, "reason_code"),
        ({"currency_iso_code": "USD"}, "currency_iso_code"),
    ],
)
async def test_a_refund_beyond_what_is_left_is_refused(
    caller: httpx.AsyncClient, buy: Buy, changes: dict[str, object], field: str
) -> None:
    answer = await caller.put("/orders/refund", json=a_refund(await buy(), **changes))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


async def test_the_same_refund_twice_pays_twice(caller: httpx.AsyncClient, buy: Buy, sandbox: Sandbox) -> None:
    body = a_refund(await buy())
    for _ in range(2):
        assert (await caller.put("/orders/refund", json=body)).status_code == 200
    assert sandbox.ledger.counts()["mirakl/refunded"] == 2


class TestUnderMiraklsFrequencies:
    @pytest.fixture
    def quota_scale(self) -> float:
        return 1.0

    async def test_too_many_lists_are_answered_with_429_and_a_pause(self, caller: httpx.AsyncClient) -> None:
        answers = [await caller.get("/orders") for _ in range(12)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
        assert answers[-1].headers["retry-after"] == "1"


async def test_given_orders_are_served_word_for_word(
    twin: MiraklTwin, caller: httpx.AsyncClient, tmp_path: Path
) -> None:
    given = order_payload("20", line_payload())
    (tmp_path / "orders.json").write_text(json.dumps({"orders": [given]}))
    (tmp_path / "other.json").write_text('{"offers": []}')
    assert twin.load(tmp_path / "orders.json") == ["A"]
    assert twin.load(tmp_path / "other.json") == []
    assert (await caller.get("/orders", params={"order_ids": "A"})).json()["orders"] == [given]
