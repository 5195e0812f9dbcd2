"""The connector against the twin over real HTTP: walks, tokens, quotas, lost replies, confirmations, settlements."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.amazon.client import AmazonChannel
from connectors.amazon.format import AmazonFormat
from connectors.amazon.parse import parse
from connectors.errors import Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.ports import Channel, ChannelFormat, OrderPage, SettlementRef
from connectors.raw import elements
from connectors.registry import ChannelConnection
from models.money import Money
from models.order import ChannelState, FulfilmentSide, Order
from models.settlement import RECEIVABLE, LineType
from sandbox.amazon import AmazonTwin
from sandbox.core import Sandbox
from sandbox.faults import Fault, FaultKind
from sandbox.traits import Traits, by_sku, draw
from tests.amazon import payloads
from tests.amazon.conftest import Connect
from tests.amazon.payloads import SPECS, check, parcel
from tests.fetched import fetched

MARKETPLACES = ["ATVPDKIKX0DER", "A1PA6795UKMFR9", "A1VC38T7YXB528"]


async def walk(channel: AmazonChannel, cursor: str | None = None) -> tuple[list[OrderPage], str]:
    """All pages up to the last."""
    pages = [await channel.poll(cursor)]
    while pages[-1].more:
        pages.append(await channel.poll(pages[-1].cursor))
    return pages, pages[-1].cursor


def ids(pages: list[OrderPage]) -> list[str]:
    return [polled.external_id for page in pages for polled in page.orders]


async def read(channel: AmazonChannel) -> dict[str, Order]:
    """Every order of the account, canonical."""
    pages, _ = await walk(channel)
    orders = [found for page in pages for polled in page.orders for found in parse(polled.body, "US-1").orders]
    return {found.key.external_id: found for found in orders}


def test_the_connector_is_a_channel_and_its_format_a_format(channel: AmazonChannel) -> None:
    ports: tuple[Channel, ChannelFormat] = (channel, AmazonFormat())
    assert ports[0].name == ports[1].channel == "amazon"


async def test_every_generated_order_adds_up_in_every_country(twin: AmazonTwin, channel: AmazonChannel) -> None:
    sold = [twin.sell(draw(7, "amazon", number)) for number in range(1, 121)]
    orders = await read(channel)
    assert sorted(orders) == sorted(sold)
    assert {order.currency for order in orders.values()} == {"USD", "EUR", "JPY"}
    assert all(not order.totals.difference for order in orders.values())
    assert {order.fulfilled_by for order in orders.values()} == set(FulfilmentSide)
    assert any(order.totals.channel_tax for order in orders.values())
    assert any(order.totals.discounts for order in orders.values())
    assert any(tax.included for order in orders.values() for line in order.lines for tax in line.taxes)


async def test_a_walk_in_pages_sees_each_order_once_and_later_ones_in_the_next(
    twin: AmazonTwin, connect: Connect, plain: Traits
) -> None:
    channel = connect(page_size=3, overlap_seconds=0)
    sold = [twin.sell(plain) for _ in range(7)]
    first = await channel.poll(None)
    late = twin.sell(plain)
    rest, cursor = await walk(channel, first.cursor)
    assert ids([first, *rest]) == sold
    following, _ = await walk(channel, cursor)
    assert ids(following) == [late]


async def test_a_quiet_account_gives_an_empty_page_and_keeps_its_place(twin: AmazonTwin, connect: Connect) -> None:
    channel = connect(overlap_seconds=0)
    page = await channel.poll(None)
    assert (page.orders, page.more) == ((), False)
    sold = twin.sell(draw(7, "amazon", 1))
    assert ids((await walk(channel, page.cursor))[0]) == [sold]


async def test_a_page_token_that_is_refused_restarts_the_walk_at_its_watermark(
    twin: AmazonTwin, connect: Connect, plain: Traits
) -> None:
    channel = connect(page_size=2)
    sold = [twin.sell(plain) for _ in range(3)]
    first = await channel.poll(None)
    stale = json.dumps({**json.loads(first.cursor), "token": "expired-yesterday"})
    pages, _ = await walk(channel, stale)
    assert ids(pages) == sold


async def test_an_order_is_kept_verbatim(twin: AmazonTwin, channel: AmazonChannel, plain: Traits) -> None:
    twin.sell(plain)
    body = (await channel.poll(None)).orders[0].body
    assert json.loads(body) == json.loads(await channel.order(json.loads(body)["order"]["orderId"]))


def test_elements_are_cut_out_as_they_stand() -> None:
    text = '{"a": [1], "orders" : [ {"n": 1.10, "s": "]}"} , {"n":1e2}\n], "z": null}'
    assert elements(text, "orders") == ['{"n": 1.10, "s": "]}"}', '{"n":1e2}']
    assert elements("{}", "orders") == elements('{"orders": null}', "orders") == []


async def test_a_token_that_expires_in_the_middle_of_a_walk_is_renewed_once(
    twin: AmazonTwin, connect: Connect, plain: Traits
) -> None:
    channel = connect(page_size=1)
    sold = [twin.sell(plain) for _ in range(3)]
    first = await channel.poll(None)
    twin.sandbox.faults.add(Fault(operation="amazon.search_orders", kind=FaultKind.EXPIRE_TOKEN, times=1))
    rest, _ = await walk(channel, first.cursor)
    assert ids([first, *rest]) == sold
    assert twin.sandbox.calls["amazon.token 200"] == 2


async def test_a_token_that_is_refused_again_after_its_renewal_is_unauthorized(
    sandbox: Sandbox, channel: AmazonChannel
) -> None:
    sandbox.faults.add(Fault(operation="amazon.search_orders", kind=FaultKind.EXPIRE_TOKEN))
    with pytest.raises(Unauthorized):
        await channel.poll(None)
    assert sandbox.calls["amazon.search_orders 403"] == 2


async def test_a_permission_that_is_missing_is_unauthorized_without_a_new_token(
    sandbox: Sandbox, channel: AmazonChannel
) -> None:
    sandbox.faults.add(Fault(operation="amazon.search_orders", kind=FaultKind.ERROR, status=403))
    with pytest.raises(Unauthorized):
        await channel.poll(None)
    assert sandbox.calls["amazon.token 200"] == 1


async def test_wrong_credentials_are_unauthorized(twin: AmazonTwin) -> None:
    entry = twin.connection()
    entry["credentials"] = {**entry["credentials"], "refresh_token": "Atzr|stolen"}
    channel = AmazonChannel(ChannelConnection.model_validate(entry))
    with pytest.raises(Unauthorized):
        await channel.poll(None)
    await channel.aclose()


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.ERROR, FaultKind.LOST_REPLY])
async def test_a_read_that_fails_on_the_way_may_be_tried_again(
    sandbox: Sandbox, channel: AmazonChannel, kind: FaultKind
) -> None:
    sandbox.faults.add(Fault(operation="amazon.search_orders", kind=kind, times=1, status=503))
    with pytest.raises(Unavailable):
        await channel.poll(None)
    assert (await channel.poll(None)).orders == ()


class TestPublishedQuotas:
    @pytest.fixture
    def quota_scale(self) -> float:
        return 1

    async def test_the_connector_stops_before_amazon_has_to_say_no(
        self, sandbox: Sandbox, channel: AmazonChannel
    ) -> None:
        for _ in range(20):
            await channel.poll(None)
        with pytest.raises(Unavailable, match="own rate limit") as raised:
            await channel.poll(None)
        assert raised.value.retry_after is not None
        assert sandbox.calls["amazon.search_orders 429"] == 0


async def test_a_parcel_is_confirmed_and_the_order_counts_it(
    twin: AmazonTwin, channel: AmazonChannel, plain: Traits
) -> None:
    order_id = twin.sell(plain)
    order = (await read(channel))[order_id]
    await channel.confirm(parcel(order, units={order.lines[0].line_id: 1}), retry=False)
    part = (await read(channel))[order_id]
    assert (part.state, part.lines[0].shipped) == (ChannelState.PARTIALLY_SHIPPED, 1)
    await channel.confirm(parcel(part, number=2), retry=False)
    whole = (await read(channel))[order_id]
    assert (whole.state, whole.lines[0].open) == (ChannelState.SHIPPED, 0)
    assert [found.parcel_id for found in whole.parcels] == ["1", "2"]
    assert whole.version > order.version
    key = f"amazon/US-1/{order_id}"
    assert len(twin.sandbox.ledger.entries("amazon", "shipment_confirmed", key)) == 2


async def test_a_confirmation_whose_reply_is_lost_is_in_doubt_and_its_retry_has_no_second_effect(
    twin: AmazonTwin, channel: AmazonChannel, plain: Traits
) -> None:
    order_id = twin.sell(plain)
    order = (await read(channel))[order_id]
    twin.sandbox.faults.add(Fault(operation="amazon.confirm_shipment", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await channel.confirm(parcel(order), retry=False)
    await channel.confirm(parcel(order), retry=True)
    assert twin.sandbox.ledger.counts()["amazon/shipment_confirmed"] == 1
    assert (await read(channel))[order_id].lines[0].shipped == 2


async def test_too_many_units_are_declined_in_amazons_words(
    twin: AmazonTwin, channel: AmazonChannel, plain: Traits
) -> None:
    order = await read_one(twin, channel, plain)
    with pytest.raises(Declined, match="exceeds the 2 left") as raised:
        await channel.confirm(parcel(order, units={order.lines[0].line_id: 3}), retry=False)
    assert raised.value.code == "invalid_input"


async def read_one(twin: AmazonTwin, channel: AmazonChannel, traits: Traits) -> Order:
    order_id = twin.sell(traits)
    return (await read(channel))[order_id]


async def test_a_parcel_of_a_shipped_order_is_declined_unless_amazon_knows_this_very_parcel(
    twin: AmazonTwin, channel: AmazonChannel, plain: Traits
) -> None:
    order = await read_one(twin, channel, plain)
    await channel.confirm(parcel(order), retry=False)
    await channel.confirm(parcel(order, number=2, tracking=parcel(order).tracking), retry=True)
    with pytest.raises(Declined) as raised:
        await channel.confirm(parcel(order, number=3, tracking="ANOTHER"), retry=False)
    assert raised.value.code == "already_fulfilled"
    assert twin.sandbox.ledger.counts()["amazon/shipment_confirmed"] == 1


async def test_an_order_that_amazon_does_not_know_is_declined(channel: AmazonChannel) -> None:
    with pytest.raises(Declined) as raised:
        await channel.confirm(parcel(some_order()), retry=False)
    assert raised.value.code == "not_found"


def some_order() -> Order:
    return payloads.accepted(payloads.order("20.00", payloads.item()))


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> AmazonChannel:
    """A connector whose vendor is a function; it logs in without asking it."""

    def vendor(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "Atza|1", "expires_in": 3600})
        return answer(request)

    connection = ChannelConnection(
        provider="amazon",
        account="US-1",
        base_url="http://amazon.test",
        credentials={"client_id": "a", "client_secret": "b", "refresh_token": "c", "seller_id": "A1"},
    )
    return AmazonChannel(connection, transport=httpx.MockTransport(vendor))


@pytest.mark.parametrize(
    ("carrier", "code"),
    [("ups", "UPS"), ("FedEx Ground", "FedEx"), ("royal mail", "Royal Mail"), ("Bob's Bikes", "Other")],
)
async def test_a_confirmation_is_written_in_amazons_words(carrier: str, code: str) -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(204)

    channel = answering(answer)
    await channel.confirm(parcel(some_order(), number=7, carrier=carrier), retry=False)
    await channel.aclose()
    detail = sent[0]["packageDetail"]
    assert (detail["carrierCode"], detail["carrierName"]) == (code, carrier)
    assert (detail["packageReferenceId"], detail["shipDate"]) == ("7", "2026-11-02T12:00:00Z")
    if SPECS.is_dir():
        check(sent[0], "ordersV0.json", "ConfirmShipmentRequest")


async def test_an_order_without_its_marketplace_cannot_be_confirmed() -> None:
    channel = answering(lambda _: httpx.Response(204))
    with pytest.raises(Declined) as raised:
        await channel.confirm(parcel(some_order(), region=""), retry=False)
    await channel.aclose()
    assert raised.value.field == "region"


async def test_an_answer_that_is_not_json_is_drift() -> None:
    channel = answering(lambda _: httpx.Response(200, content=b"<html>"))
    with pytest.raises(SchemaDrift):
        await channel.poll(None)
    await channel.aclose()


async def test_an_order_that_cannot_be_understood_is_still_polled_to_be_refused_with_a_reason() -> None:
    channel = answering(lambda _: httpx.Response(200, json={"orders": [{"orderItems": [], "createdTime": 7}]}))
    (polled,) = (await channel.poll(None)).orders
    await channel.aclose()
    assert polled.external_id.startswith("unreadable-")
    assert [refusal.path for refusal in parse(polled.body, "US-1").refusals] == ["order.orderId"]


@pytest.mark.usefixtures("no_delay")
async def test_settlements_pay_exactly_what_the_orders_say_is_receivable(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    for number in range(1, 61):
        twin.sell(draw(7, "amazon", number))
    for order in (await read(channel)).values():
        if order.state is ChannelState.OPEN and order.fulfilled_by is FulfilmentSide.MERCHANT:
            await channel.confirm(parcel(order), retry=False)
    orders = await read(channel)
    closed = twin.close_period()
    settlements = [
        AmazonFormat().parse_settlement(await fetched(channel, ref), "US-1") for ref in await channel.settlements()
    ]
    assert [settlement.settlement_id for settlement in settlements] == closed
    received: dict[str, Money] = {}
    for settlement in settlements:
        assert settlement.lines_total == settlement.payout
        for line in settlement.lines:
            if line.order_id and line.type in RECEIVABLE:
                before = received.get(line.order_id, Money.zero(settlement.currency))
                received[line.order_id] = before + line.amount
    shipped = {key: order.receivable for key, order in orders.items() if order.state is ChannelState.SHIPPED}
    assert received == shipped
    assert {line.type for each in settlements for line in each.lines} >= {LineType.UNKNOWN, LineType.TAX_WITHHELD}
    assert twin.close_period() == []


async def test_the_list_of_settlements_is_read_to_its_end_and_oldest_first(
    twin: AmazonTwin, channel: AmazonChannel, plain: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.amazon.reports.PAGE_SIZE", 1)
    for _ in range(3):
        await channel.confirm(parcel(await read_one(twin, channel, plain)), retry=False)
        twin.close_period()
    refs = await channel.settlements()
    assert len(refs) == 3
    assert [ref.settlement_id for ref in refs] == sorted(ref.settlement_id for ref in refs)


async def test_a_document_that_is_not_the_gzip_it_says_is_drift_and_is_fetched_without_a_token() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "files.test":
            assert "x-amz-access-token" not in request.headers
            return httpx.Response(200, content=b"settlement-id\t")
        url = {"reportDocumentId": "D", "url": "http://files.test/D", "compressionAlgorithm": "GZIP"}
        return httpx.Response(200, json=url)

    channel = answering(answer)
    with pytest.raises(SchemaDrift):
        await fetched(channel, SettlementRef(settlement_id="1", document_id="D"))
    await channel.aclose()


@pytest.mark.usefixtures("no_delay")
async def test_the_v0_reads_tell_the_same_orders(twin: AmazonTwin, connect: Connect) -> None:
    for number in range(1, 16):
        twin.sell(draw(7, "amazon", number))
    new = await read(connect())
    old = await read(connect(orders_api="v0", marketplace_ids=MARKETPLACES))
    assert old.keys() == new.keys()
    for key, order in old.items():
        assert (order.total, order.receivable, order.state) == (new[key].total, new[key].receivable, new[key].state)
        if order.fulfilled_by is FulfilmentSide.MERCHANT:
            assert order.ship_to == new[key].ship_to
    one = parse(await connect(orders_api="v0").order(next(iter(old))), "US-1").orders[0]
    assert one.total == new[one.key.external_id].total


@pytest.mark.usefixtures("no_delay")
async def test_cancelled_and_amazon_shipped_orders_arrive_as_such(twin: AmazonTwin, channel: AmazonChannel) -> None:
    items = ((by_sku("HEADLAMP"), 1),)
    gone = twin.sell(Traits(number=1, items=items, cancel=True))
    theirs = twin.sell(Traits(number=2, items=items, channel_fulfilled=True))
    orders = await read(channel)
    assert (orders[gone].state, orders[gone].lines[0].open) == (ChannelState.CANCELLED, 0)
    assert (orders[theirs].state, orders[theirs].fulfilled_by) == (ChannelState.SHIPPED, FulfilmentSide.CHANNEL)
