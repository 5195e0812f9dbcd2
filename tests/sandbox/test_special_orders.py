"""One order whose story is told: bought by control, known by its key, with the traits that were asked for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.core import SandboxOptions
from sandbox.goods import NOT_THERE_YET, RARE
from sandbox.traits import draw
from tests.sandbox.test_app import control, orders_of_shop, running

CHANNELS = ("amazon", "mirakl", "shopify", "storefront", "walmart")


@pytest.fixture
def options() -> SandboxOptions:
    return SandboxOptions(base_url="http://sandbox.test", ship_delay=0)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_the_key_is_that_of_the_order_in_the_ledger(options: SandboxOptions, channel: str) -> None:
    async with running(options) as http:
        key = (await control(http, f"orders/{channel}", {"items": {"KAYAK-2": 2}}))["key"]
        placed = await control(http, "ledger", system=channel)
        sold = (await control(http, "orders"))["numbers"]
    assert key.startswith(f"{channel}/")
    # The shop keeps no ledger of what is placed with it.
    assert channel == "shopify" or key in {entry["key"] for entry in placed}
    assert sold[channel] == 1


async def test_the_traits_are_those_that_were_asked_for(options: SandboxOptions) -> None:
    async with running(options) as http:
        await control(http, "orders/shopify", {"items": {"HEADLAMP": 1}, "suspect": True, "no_address": True})
        (order,) = await orders_of_shop(http)
    assert order["email"].startswith("review")
    assert order["shipping_address"] is None
    assert order["billing_address"]["city"]
    assert [(line["sku"], line["quantity"]) for line in order["line_items"]] == [("HEADLAMP", 1)]


@pytest.mark.parametrize(
    ("channel", "asked", "told"),
    [
        ("ebay", {"items": {"HEADLAMP": 1}}, "no such channel: ebay"),
        ("shopify", {}, "say what is bought"),
        ("shopify", {"items": {"UNICORN": 1}}, "an order is of"),
        ("shopify", {"items": {"HEADLAMP": 0}}, "greater than 0"),
        ("shopify", {"items": {"HEADLAMP": 1}, "colour": "red"}, "colour"),
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused(
    options: SandboxOptions, channel: str, asked: dict[str, Any], told: str
) -> None:
    async with running(options) as http:
        answer = await http.post(f"/_sandbox/orders/{channel}", json=asked)
    assert isinstance(answer, httpx.Response)
    assert (answer.status_code, told in answer.json()["error"]) == (422, True)


async def test_rare_goods_are_listed_and_stocked_as_they_are_and_nobody_draws_them(options: SandboxOptions) -> None:
    async with running(options) as http:
        goods = await control(http, "catalogue")
    rare = {listing.sku for listing in RARE}
    assert rare < {listing["sku"] for listing in goods["listings"]}
    assert {level["on_hand"] for level in goods["stock"] if level["item"] in NOT_THERE_YET} == {0}
    drawn = {listing.sku for channel in CHANNELS for n in range(1, 200) for listing, _ in draw(7, channel, n).items}
    assert not rare & drawn
