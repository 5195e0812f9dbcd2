"""The shop keeps its own rules, tells of what happens, and goes on after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.storefront.format import StorefrontFormat
from models.order import ChannelState
from models.returns import ReturnState
from sandbox.core import SandboxOptions
from tests.storefront.shop import JOB_DELAY, VAT_ORDER, Shop, body, until


def options(**changes: object) -> SandboxOptions:
    return SandboxOptions.model_validate(
        {"base_url": "http://shop.test", "quota_scale": 1000, "job_delay": JOB_DELAY, **changes}
    )


async def test_a_buyer_cancels_and_the_shop_tells_it(shop: Shop) -> None:
    order_id = shop.sell(9, cancel=True)
    await until(lambda: shop.order(order_id).state is ChannelState.CANCELLED)
    assert shop.webhooks.topics[-1] == "orders/cancelled"
    read = shop.order(order_id)
    assert read.cancel_reason == "buyer"
    assert read.refunds[0].amount == read.total
    assert len(shop.effects("cancelled_by_buyer")) == 1


async def test_a_buyer_asks_and_the_shop_takes_a_unit_out(shop: Shop) -> None:
    asked, part = shop.sell(1, asks_to_cancel=True), shop.sell(2, cancels_part=True)
    await until(lambda: shop.order(asked).cancel_requested)
    await until(lambda: shop.order(part).lines[0].cancelled == 1)
    assert shop.order(asked).state is ChannelState.OPEN
    assert shop.order(part).lines[0].open == 2


async def test_a_marketplace_ships_what_it_fulfils_itself(shop: Shop) -> None:
    order_id = shop.sell(1, channel_fulfilled=True)
    await until(lambda: shop.order(order_id).state is ChannelState.SHIPPED)
    assert shop.order(order_id).parcels[0].tracking


async def test_an_order_whose_webhook_is_lost_is_never_told_of(shop: Shop) -> None:
    lost = shop.sell(9, lose_webhook=True, cancel=True)
    await until(lambda: shop.order(lost).state is ChannelState.CANCELLED)
    assert shop.webhooks.sent == []


async def test_some_updates_come_before_their_creation() -> None:
    shop = Shop()
    try:
        for number in range(1, 60):
            shop.sell(number)
        before = [topic for topic, after in zip(shop.webhooks.topics, shop.webhooks.topics[1:], strict=False)
                  if (topic, after) == ("orders/updated", "orders/created")]  # fmt: skip
        assert before
    finally:
        await shop.aclose()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/orders?limit=0", "limit"),
        ("/orders?limit=101", "limit"),
        ("/orders?limit=x", "limit"),
        ("/orders?updated_since=yesterday", "updated_since"),
        ("/orders?cursor=nonsense", "cursor"),
        ("/returns?cursor=WzEsMiwzXQ==", "cursor"),
        ("/payouts?paid_since=x", "paid_since"),
    ],
)
async def test_a_question_that_cannot_be_meant_is_a_problem(shop: Shop, path: str, field: str) -> None:
    async with shop.client() as http:
        answer = await http.get(path)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["field"] == field


async def test_a_write_without_a_key_or_with_a_wrong_body_has_no_effect(shop: Shop) -> None:
    order_id = shop.sell()
    path = f"/orders/{order_id}/cancellations"
    good = {"lines": [{"line_id": "1", "quantity": 1}], "whole": False, "reason": "other"}
    async with shop.client() as http:
        for content, headers, code in (
            (good, {}, "invalid"),
            ({**good, "reason": "whim"}, {"Idempotency-Key": "a"}, "invalid"),
            ({**good, "lines": [{"line_id": "9", "quantity": 1}]}, {"Idempotency-Key": "b"}, "unknown_line"),
        ):
            answer = await http.post(path, json=content, headers=headers)
            assert (answer.is_success, answer.json()["code"]) == (False, code)
        assert (await http.get("/orders/SF-0")).json()["code"] == "not_found"
        assert (await http.get("/orders", headers={"Authorization": "Bearer x"})).status_code == 401
    assert not shop.effects("cancelled")


async def test_what_was_planned_happens_after_a_restart(tmp_path: Path) -> None:
    slow = Shop(options(state_dir=tmp_path, job_delay=3600))
    order_id = slow.sell(9, cancel=True)
    await slow.aclose()
    again = Shop(options(state_dir=tmp_path))
    try:
        plans = again.sandbox.shelf.collection("storefront.due")
        for name in list(plans):
            plans.put(name, {**(plans.get(name) or {}), "at": "2026-01-01T00:00:00.000000Z"})
        again.twin.resume()
        await until(lambda: again.order(order_id).state is ChannelState.CANCELLED)
        assert len(plans) == 0
    finally:
        await again.aclose()


async def test_a_return_goes_its_way_and_the_buyer_is_paid_once(shop: Shop) -> None:
    order_id = shop.sell(1, returns=True)
    units = [{"line_id": line["id"], "quantity": line["quantity"]} for line in shop.document(order_id)["lines"]]
    sent = {"shipment_id": "S", "package_number": 1, "carrier": "UPS", "carrier_code": "ups", "tracking": "1Z",
            "shipped_at": "2026-11-23T10:00:00Z", "lines": units}  # fmt: skip
    decisions = "/returns/RT-1/decisions"
    async with shop.client() as http:
        await http.post(f"/orders/{order_id}/shipments", json=sent, headers={"Idempotency-Key": "s"})
        await until(lambda: "returns/created" in shop.webhooks.topics)
        for number, (action, quantity, status) in enumerate(
            (
                ("receive", 1, 409),
                ("accept", 2, 409),
                ("accept", 1, 200),
                ("accept", 1, 409),
                ("receive", 1, 200),
                ("refund", 1, 200),
                ("refund", 1, 409),
            )
        ):
            content = {"action": action, "lines": [{"return_line_id": "1", "quantity": quantity}]}
            answer = await http.post(decisions, json=content, headers={"Idempotency-Key": f"d{number}"})
            assert answer.status_code == status, (action, answer.text)
        found = StorefrontFormat().parse_returns((await http.get("/returns")).content, "shop")
    assert found.returns[0].state is ReturnState.CLOSED
    assert found.returns[0].refunded == shop.order(order_id).refunds[0].amount
    assert not found.drift
    assert len(shop.effects("refunded")) == 1
    assert [entry["detail"]["action"] for entry in shop.effects("return_decided")] == ["accept", "receive", "refund"]


async def test_orders_of_a_file_are_served_and_told(shop: Shop, tmp_path: Path) -> None:
    newer = {**VAT_ORDER, "updated_at": "2026-11-24T00:00:00Z", "note": "later"}
    broken = {key: value for key, value in VAT_ORDER.items() if key != "id"}
    (tmp_path / "a.json").write_bytes(body({"orders": [VAT_ORDER, newer, broken, {"lines": 1}]}))
    (tmp_path / "b.json").write_bytes(b"<html>")
    assert shop.twin.load(tmp_path / "a.json") == ["SF-20011"]
    assert shop.twin.load(tmp_path / "b.json") == []
    assert shop.webhooks.topics == ["orders/created", "orders/updated", "orders/created"]
    assert json.loads(shop.webhooks.sent[2][1]) == broken
    polled = await shop.channel().poll(None)
    assert [each.version.isoformat() for each in polled.orders] == ["2026-11-24T00:00:00+00:00"]
