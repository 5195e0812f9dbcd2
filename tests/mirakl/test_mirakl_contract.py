"""Every request of the connector, and every answer of the twin, against the vendor's OpenAPI."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from connectors.errors import Declined
from connectors.mirakl.client import MiraklChannel
from models.channel import ReturnAction
from sandbox.goods import LISTINGS
from sandbox.mirakl import MiraklTwin
from sandbox.traits import Traits
from tests.fetched import fetched
from tests.mirakl.conftest import Buy, Connect, Read
from tests.mirakl.shop import SPEC, cancellation, check, contract, parcel, refund
from tests.mirakl.test_mirakl_client import decision, followed, stock, the_return

pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="the vendor's OpenAPI (../shared) is not here")
PAGING = {"max", "offset", "limit", "page_token", "sort", "order"}
"""Parameters that the contract describes in its text on paging, not at each operation."""
CALLED = {
    "OR11", "OR04", "OR21", "OR23", "OR24", "OR28", "OR29", "OR30", "ST01", "ST11", "RT11", "RT21", "RT25", "RT26",
    "RT27", "STO01", "STO02", "STO03", "TL02", "SBC11", "RE01", "SH21",
}  # fmt: skip


@dataclass
class Watch:
    """Sees each exchange, and holds it against the contract."""

    seen: set[str] = field(default_factory=set)

    async def exchange(self, response: httpx.Response) -> None:
        await response.aread()
        request = response.request
        await request.aread()
        operation = _operation(request)
        self.seen.add(operation["operationId"])
        known = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        assert set(request.url.params) <= known | PAGING, operation["operationId"]
        _check_request(request, operation)
        if response.status_code < 400:
            _check_answer(response, operation)


def _operation(request: httpx.Request) -> dict[str, Any]:
    path = request.url.path.removeprefix("/mirakl")
    for template, operations in sorted(contract()["paths"].items(), key=lambda each: "{" in each[0]):
        pattern = re.sub(r"\{\w+\}", r"[^/]+", template)
        if re.fullmatch(pattern, path) and request.method.lower() in operations:
            found: dict[str, Any] = operations[request.method.lower()]
            return found
    raise AssertionError(f"the contract has no {request.method} {path}")


def _check_request(request: httpx.Request, operation: dict[str, Any]) -> None:
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        assert b'name="file"; filename=' in request.content
        assert b'"offer-sku";"quantity";"warehouse-code";"update-delete"' in request.content
    elif content:
        check(json.loads(request.content), content["application/json"]["schema"])
    else:
        assert not request.content


def _check_answer(response: httpx.Response, operation: dict[str, Any]) -> None:
    documented = operation["responses"][str(response.status_code)]
    for kind, content in documented.get("content", {}).items():
        assert response.headers["content-type"].startswith(kind)
        if kind == "application/json":
            check(response.json(), content["schema"])


@pytest.fixture
def watch(channel: MiraklChannel) -> Watch:
    watching = Watch()
    channel._api._client._http.event_hooks["response"].append(watching.exchange)
    return watching


async def everything_but_shipping(twin: MiraklTwin, channel: MiraklChannel, buy: Buy, read: Read) -> None:
    twin.sell(Traits(number=1, items=((LISTINGS[1], 2),)))
    await channel.poll(None)
    await channel.cancel(cancellation(await buy()), retry=False)
    order = await buy(channel_tax=True, items=((LISTINGS[4], 3), (LISTINGS[1], 1)))
    await channel.cancel(cancellation(order, {order.lines[0].line_id: 1}), retry=False)
    await channel.refund(refund(order, "5.00", tax="1.00"), retry=True)
    left = await read(order.key.external_id)
    assert left.refunds
    assert left.lines[0].cancelled == 1


async def returns_stock_and_payouts(twin: MiraklTwin, channel: MiraklChannel) -> None:
    claim = await the_return(channel)
    for action in (ReturnAction.ACCEPT, ReturnAction.RECEIVE, ReturnAction.REFUND):
        await channel.decide_return(decision(claim, action), retry=True)
    await followed(channel, await channel.set_stock(stock(HEADLAMP=7, NOBODY=3), retry=False))
    twin.close_period()
    for ref in await channel.settlements():
        await fetched(channel, ref)


async def test_with_multi_shipment(
    twin: MiraklTwin, channel: MiraklChannel, buy: Buy, read: Read, watch: Watch
) -> None:
    await everything_but_shipping(twin, channel, buy, read)
    order = await buy(returns=True, discount=True)
    first, second = (line.line_id for line in order.lines)
    await channel.confirm(parcel(order, 1, {first: 3}), retry=True)
    await channel.confirm(parcel(order, 2, {second: 1}), retry=True)
    with pytest.raises(Declined):
        await channel.confirm(parcel(order, 3, {second: 1}), retry=False)
    await returns_stock_and_payouts(twin, channel)
    assert watch.seen == CALLED - {"OR04", "OR23", "OR24"}


class TestWithoutMultiShipment:
    @pytest.fixture
    def multi_shipment(self) -> bool:
        return False

    async def test_whole_orders(
        self, twin: MiraklTwin, channel: MiraklChannel, buy: Buy, read: Read, watch: Watch
    ) -> None:
        await everything_but_shipping(twin, channel, buy, read)
        order = await buy(returns=True)
        first, second = (line.line_id for line in order.lines)
        await channel.confirm(parcel(order, 1, {first: 3}), retry=False)
        await channel.confirm(parcel(order, 2, {second: 1}), retry=False)
        await returns_stock_and_payouts(twin, channel)
        assert watch.seen == CALLED - {"ST01", "ST11"}


async def test_a_shop_of_several_is_named_on_every_call(twin: MiraklTwin, connect: Connect) -> None:
    channel = connect(shop_id=2001)
    asked: list[str] = []

    async def note(response: httpx.Response) -> None:
        asked.append(response.request.url.params["shop_id"])

    channel._api._client._http.event_hooks["response"].append(note)
    await channel.poll(None)
    await channel.set_stock(stock(HEADLAMP=1), retry=False)
    assert asked == ["2001", "2001"]
