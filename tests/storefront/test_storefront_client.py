"""What the shop is told and asked, against its twin. (What every channel has to do is in tests/conformance.)"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from connectors.errors import Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.http import CORRELATION_HEADER, IDEMPOTENCY_HEADER
from connectors.registry import ConnectionsError
from connectors.storefront import api
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    RefundLine,
    RefundReason,
    RefundRequest,
    StockQuantity,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel
from models.money import Money
from models.order import ChannelState, Order
from sandbox.faults import FaultKind
from sandbox.goods import LISTINGS
from tests.fetched import fetched
from tests.storefront.shop import CORRELATION, Shop, until


def about(order: Order, purpose: str) -> dict[str, Any]:
    return {"request_id": f"{order.key}#{purpose}", "order_key": order.key, "correlation_id": CORRELATION}


def cancellation(order: Order, units: dict[str, int], purpose: str = "cancel") -> Cancellation:
    return Cancellation(**about(order, purpose), units=units, whole=False, reason=CancelReason.OUT_OF_STOCK)


def parcel(order: Order, units: dict[str, int], number: int = 1, **changes: Any) -> ConfirmedParcel:
    values = {
        "order_key": order.key,
        "correlation_id": CORRELATION,
        "shipment_id": f"SHIP-{number}",
        "package_number": number,
        "carrier": "DHL Paket",
        "tracking": f"JD{number}",
        "shipped_at": "2026-11-23T12:00:00Z",
        "units": units,
    }
    return ConfirmedParcel.model_validate({**values, **changes})


class Recorded(httpx.AsyncBaseTransport):
    def __init__(self, shop: Shop) -> None:
        self._inner = httpx.ASGITransport(shop.app)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self._inner.handle_async_request(request)


async def test_a_write_carries_its_idempotency_key_and_correlation_id(shop: Shop) -> None:
    order = shop.order(shop.sell())
    recorded = Recorded(shop)
    await shop.channel(transport=recorded).confirm(parcel(order, {"1": 1}), retry=False)
    [request] = recorded.requests
    assert request.headers[IDEMPOTENCY_HEADER] == f"{order.key}#ship#SHIP-1"
    assert request.headers[CORRELATION_HEADER] == CORRELATION
    sent = json.loads(request.content)
    assert (sent["carrier"], sent["carrier_code"]) == ("DHL Paket", "dhl")
    assert sent["lines"] == [{"line_id": "1", "quantity": 1}]


async def test_a_connection_may_have_its_own_words_for_carriers(shop: Shop) -> None:
    order = shop.order(shop.sell())
    channel = shop.channel({"carriers": {"dhlpaket": "our-dhl"}})
    await channel.confirm(parcel(order, {"1": 1}), retry=False)
    await channel.confirm(parcel(order, {"1": 1}, 2, carrier="Cousin Bob"), retry=False)
    assert [entry["detail"]["carrier"] for entry in shop.effects("shipped")] == ["our-dhl", "other"]


async def test_a_parcel_that_is_known_under_another_key_is_done(shop: Shop) -> None:
    order = shop.order(shop.sell())
    await shop.channel().confirm(parcel(order, {"1": 1}), retry=False)
    shop.sandbox.shelf.collection("storefront.keys").remove(f"{order.key}#ship#SHIP-1")
    await shop.channel().confirm(parcel(order, {"1": 1}), retry=True)
    assert len(shop.effects("shipped")) == 1


async def test_of_units_that_are_partly_cancelled_already_only_the_rest_is_cancelled(shop: Shop) -> None:
    order = shop.order(shop.sell())
    channel = shop.channel()
    await channel.cancel(cancellation(order, {"1": 1}, "first"), retry=False)
    await channel.cancel(cancellation(order, {"1": 3, "2": 1}, "all"), retry=False)
    assert [entry["detail"]["units"] for entry in shop.effects("cancelled")] == [{"1": 1}, {"1": 2, "2": 1}]
    assert shop.order(order.key.external_id).state is ChannelState.CANCELLED


async def test_of_units_that_have_left_nothing_is_cancelled(shop: Shop) -> None:
    order = shop.order(shop.sell())
    channel = shop.channel()
    await channel.confirm(parcel(order, {"1": 2}), retry=False)
    with pytest.raises(Declined) as declined:
        await channel.cancel(cancellation(order, {"1": 2, "2": 1}), retry=False)
    assert (declined.value.code, declined.value.field) == ("already_shipped", "1")
    assert not shop.effects("cancelled")


async def test_cancelling_pays_the_buyer_back_and_with_the_last_unit_all_of_it(shop: Shop) -> None:
    order = shop.order(shop.sell(2, (LISTINGS[1], 3), discount=True))
    channel = shop.channel()
    for number, left in enumerate((2, 1, 0)):
        await channel.cancel(cancellation(order, {"1": 1}, f"part-{number}"), retry=False)
        assert shop.order(order.key.external_id).lines[0].open == left
    read = shop.order(order.key.external_id)
    assert Money.total((refund.amount for refund in read.refunds), read.currency) == read.total


async def test_a_refund_has_to_be_what_its_lines_say_and_no_more_than_was_paid(shop: Shop) -> None:
    order = shop.order(shop.sell())
    channel = shop.channel()

    def refund(amount: str, purpose: str, currency: str = order.currency) -> RefundRequest:
        line = RefundLine(line_id="1", quantity=1, goods=Money.of(amount, currency))
        return RefundRequest(**about(order, purpose), lines=(line,), reason=RefundReason.DAMAGED)

    await channel.refund(refund("10.00", "one"), retry=False)
    await channel.refund(refund("10.00", "one"), retry=True)
    for request, code in (
        (refund("99999.00", "two"), "exceeds_refundable"),
        (refund("1.00", "three", "GBP"), "invalid"),
    ):
        with pytest.raises(Declined) as declined:
            await channel.refund(request, retry=False)
        assert declined.value.code == code
    assert [entry["detail"]["amount"] for entry in shop.effects("refunded")] == ["10.00"]


async def test_the_same_key_with_another_content_is_declined(shop: Shop) -> None:
    order = shop.order(shop.sell())
    channel = shop.channel()
    await channel.cancel(cancellation(order, {"1": 1}), retry=False)
    with pytest.raises(Declined, match="idempotency_key_reused"):
        await channel.cancel(cancellation(order, {"1": 2}), retry=True)


async def test_stock_is_set_in_parts_and_what_is_refused_is_named(shop: Shop) -> None:
    quantities = (
        *(StockQuantity(sku=f"UNKNOWN-{number}", quantity=1) for number in range(250)),
        *(StockQuantity(sku=listing.sku, quantity=7) for listing in LISTINGS),
    )
    update = StockUpdate(request_id="stock#1", correlation_id=CORRELATION, quantities=quantities)
    progress = await shop.channel().set_stock(update, retry=False)
    assert progress.operation is None
    assert len(progress.rejected) == 250
    assert {rejected.code for rejected in progress.rejected} == {"unknown_sku"}
    assert len(shop.effects("stock_set")) == len(LISTINGS)
    assert shop.sandbox.calls["storefront.set_stock 200"] == 2


async def test_a_sku_that_the_answer_does_not_name_is_not_taken_for_set(shop: Shop) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"results": []})

    update = StockUpdate(request_id="s", correlation_id=CORRELATION, quantities=(StockQuantity(sku="A", quantity=1),))
    progress = await shop.channel(transport=httpx.MockTransport(answer)).set_stock(update, retry=False)
    assert [(rejected.key, rejected.code) for rejected in progress.rejected] == [("A", "no_result")]


async def test_a_cursor_that_the_shop_has_forgotten_begins_the_walk_again(shop: Shop) -> None:
    sold = [shop.sell(number) for number in (1, 2, 3)]
    channel = shop.channel({"page_size": 2, "overlap_seconds": 0})
    first = await channel.poll(None)
    forgotten = {**json.loads(first.cursor), "after": "bm90IG91cnM="}
    again = await channel.poll(json.dumps(forgotten))
    assert [polled.external_id for polled in again.orders] == sold[:2]
    rest = await channel.poll(again.cursor)
    assert [polled.external_id for polled in rest.orders] == sold[2:]
    assert not rest.more


async def test_a_walk_goes_on_where_the_last_one_ended_less_its_overlap(shop: Shop) -> None:
    sold = [shop.sell(number) for number in (1, 2)]
    channel = shop.channel({"overlap_seconds": 0})
    end = (await channel.poll(None)).cursor
    assert [polled.external_id for polled in (await channel.poll(end)).orders] == sold[1:]
    shop.sell(3)
    assert len((await channel.poll(end)).orders) == 2
    assert len((await shop.channel({"overlap_seconds": 60}).poll(end)).orders) == 3
    assert json.loads((await channel.poll(end)).cursor)["newest"] > json.loads(end)["newest"]


async def test_an_order_without_a_readable_id_is_kept_and_holds_nobody_up(shop: Shop) -> None:
    rows = [{"id": 5, "updated_at": "2026-11-23T10:00:00Z"}, {"id": "SF-1", "updated_at": "yesterday"}]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"orders": rows})

    page = await shop.channel(transport=httpx.MockTransport(answer)).poll(None)
    assert [json.loads(polled.body) for polled in page.orders] == rows
    assert len({polled.external_id for polled in page.orders}) == 2
    assert not page.more


@pytest.mark.parametrize("cursor", ["", "[]", "x", '{"since": "yesterday", "newest": "y", "after": ""}'])
async def test_a_cursor_of_another_kind_is_named(shop: Shop, cursor: str) -> None:
    if cursor:
        with pytest.raises(SchemaDrift, match="wrong_cursor"):
            await shop.channel().poll(cursor)
    with pytest.raises(SchemaDrift, match=r"options\.start"):
        await shop.channel({"start": "yesterday"}).poll(None)


async def test_what_a_shop_does_not_offer_is_empty_or_unsupported(shop: Shop) -> None:
    """Nothing to read, nothing to acknowledge; but a parcel that cannot be told is not told."""
    problem = {"status": 404, "code": "not_offered", "detail": "We have no such thing."}
    nothing = httpx.MockTransport(lambda _: httpx.Response(404, json=problem))
    order = shop.order(shop.sell())
    for channel in (shop.channel(transport=nothing), shop.channel(base_url="")):
        page = await channel.poll(None)
        assert (page.orders, page.more) == ((), False)
        assert (await channel.poll(page.cursor)).orders == ()
        assert (await channel.returns(None)).returns == ()
        assert await channel.settlements() == []
        lines = tuple(line.line_id for line in order.lines)
        await channel.acknowledge(Acknowledgement(**about(order, "ack"), lines=lines), retry=False)
        with pytest.raises(Declined) as declined:
            await channel.confirm(parcel(order, {"1": 1}), retry=False)
        assert declined.value.code == "unsupported"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(401), Unauthorized),
        (httpx.Response(403), Unauthorized),
        (httpx.Response(423, json={"status": 423, "code": "busy"}), Unavailable),
        (httpx.Response(409, json={"status": 409, "code": "busy"}), Unavailable),
        (httpx.Response(423), Unavailable),
        (httpx.Response(429, headers={"Retry-After": "7"}), Unavailable),
        (httpx.Response(503), Unavailable),
        (httpx.Response(500), InDoubt),
        (httpx.Response(418), Declined),
        (httpx.Response(422, json={"status": 422, "code": "a_new_code", "detail": "No."}), Declined),
        (httpx.Response(302, headers={"Location": "/login"}), Declined),
    ],
)
async def test_every_answer_has_a_meaning(shop: Shop, answer: httpx.Response, error: type[Exception]) -> None:
    order = shop.order(shop.sell())
    channel = shop.channel(transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(error):
        await channel.confirm(parcel(order, {"1": 1}), retry=False)


async def test_an_answer_that_cannot_be_read_leaves_a_write_in_doubt_and_a_read_drifting(shop: Shop) -> None:
    channel = shop.channel(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=b"<html>")))
    update = StockUpdate(request_id="s", correlation_id=CORRELATION, quantities=(StockQuantity(sku="A", quantity=1),))
    with pytest.raises(InDoubt):
        await channel.set_stock(update, retry=False)
    with pytest.raises(SchemaDrift):
        await channel.poll(None)


async def test_there_is_nothing_to_follow(shop: Shop) -> None:
    with pytest.raises(Declined, match="unknown") as declined:
        await shop.channel().follow("job-unknown")
    assert declined.value.code == "unknown_operation"


async def test_a_token_that_is_missing_is_named_at_the_start(shop: Shop) -> None:
    with pytest.raises(ConnectionsError, match="token"):
        shop.channel(credentials={})


async def test_the_shop_may_grant_more_or_less_than_the_contract_asks(shop: Shop) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"orders": []}, headers={api.RATE_HEADER: "2.0"})

    channel = shop.channel(transport=httpx.MockTransport(answer), quota_scale=1)
    await channel.poll(None)
    [level] = [each for each in channel.health().quotas if each.operation == api.LIST_ORDERS]
    assert level.rate == pytest.approx(2.0 * api.SHARE)


async def test_payouts_of_all_pages_are_read_and_each_pays_an_order_once(shop: Shop) -> None:
    channel = shop.channel()
    payouts = []
    for number in range(1, 104):
        order = shop.order(shop.sell(1, (LISTINGS[0], 1)))
        await channel.confirm(parcel(order, {"1": 1}, number), retry=False)
        payouts += shop.twin.close_period()
    assert shop.twin.close_period() == []
    assert [ref.settlement_id for ref in await channel.settlements()] == payouts


async def test_a_refund_after_its_payout_is_in_the_next_one(shop: Shop) -> None:
    channel = shop.channel()
    order = shop.order(shop.sell())
    await channel.confirm(parcel(order, {"1": 3, "2": 1}), retry=False)
    assert len(shop.twin.close_period()) == 1
    line = RefundLine(line_id="1", quantity=1, goods=Money.of("5.00", order.currency))
    await channel.refund(
        RefundRequest(**about(order, "refund"), lines=(line,), reason=RefundReason.GOODWILL), retry=False
    )
    shop.twin.close_period()
    refs = await channel.settlements()
    document = json.loads(await fetched(channel, refs[-1]))
    assert (document["amount"], len(document["lines"])) == ("-5.00", 1)


async def test_a_business_no_of_the_shop_has_its_code_field_and_words(shop: Shop) -> None:
    order = shop.order(shop.sell())
    with pytest.raises(Declined, match="3 units of line 1 are open") as declined:
        await shop.channel().confirm(parcel(order, {"1": 4}), retry=False)
    assert (declined.value.code, declined.value.field) == ("exceeds_open", "lines")
    shop.fault("storefront.ship", FaultKind.DECLINE)
    with pytest.raises(Declined) as declined:
        await shop.channel().confirm(parcel(order, {"1": 1}), retry=False)
    assert declined.value.code == "wrong_state"


async def test_an_unpaid_order_is_neither_shipped_nor_refunded(shop: Shop) -> None:
    unpaid = next(
        order_id for number in range(9, 200) if shop.document(order_id := shop.sell(number))["state"] == "pending"
    )
    order = shop.order(unpaid)
    assert order.state is ChannelState.PENDING
    with pytest.raises(Declined) as declined:
        await shop.channel().confirm(parcel(order, {order.lines[0].line_id: 1}), retry=False)
    assert declined.value.code == "not_paid"
    await until(lambda: shop.order(unpaid).state is ChannelState.OPEN)
    assert "orders/paid" in shop.webhooks.topics
