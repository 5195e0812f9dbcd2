"""Cancellations and refunds by feeds: followed to their real end, and sent once whatever becomes of a reply."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as Xml

import httpx
import pytest

from connectors.amazon import envelopes
from connectors.amazon.client import AmazonChannel
from connectors.amazon.feeds import ADJUSTMENTS, CANCELLATIONS
from connectors.amazon.format import AmazonFormat
from connectors.amazon.operations import Operation
from connectors.amazon.parse import parse
from connectors.amazon.processing import Complaint, complaints
from connectors.errors import Declined, InDoubt, SchemaDrift, Unavailable
from models.channel import Cancellation, CancelReason, Progress, RefundLine, RefundReason, RefundRequest
from models.money import Money
from models.order import ChannelState, Order
from models.settlement import RECEIVABLE, LineType
from sandbox.amazon import AmazonTwin
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.traits import Traits, by_sku, draw
from tests.amazon.conftest import Connect, finished
from tests.amazon.payloads import SAMPLES, SPECS, check, parcel
from tests.fetched import fetched
from tests.systems.running import until

CORRELATION = "c-1"
FEED = "amazon.create_feed"
LONG = 0.5
"""Seconds that a feed waits where something is to happen meanwhile."""
needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's specifications are not at {SPECS}")
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the vendor's samples are not at {SAMPLES}")


async def sold(twin: AmazonTwin, channel: AmazonChannel, **traits: Any) -> Order:
    """An order of three of one listing and one of another."""
    return await read(channel, twin.sell(Traits(1, ((by_sku("STOVE-01"), 3), (by_sku("HEADLAMP"), 1)), **traits)))


async def read(channel: AmazonChannel, order_id: str) -> Order:
    parsed = parse(await channel.order(order_id), "US-1")
    assert not parsed.drift
    (order,) = parsed.orders
    assert not order.totals.difference
    return order


async def shipped(twin: AmazonTwin, channel: AmazonChannel, **traits: Any) -> Order:
    order = await sold(twin, channel, **traits)
    await channel.confirm(parcel(order), retry=False)
    return await read(channel, order.key.external_id)


def cancellation(order: Order, units: dict[str, int] | None = None, **changes: Any) -> Cancellation:
    whole = {line.line_id: line.quantity for line in order.lines}
    values = {
        "request_id": f"{order.key}#cancel",
        "order_key": order.key,
        "correlation_id": CORRELATION,
        "region": order.region,
        "units": units or whole,
        "whole": units is None,
        "reason": CancelReason.OUT_OF_STOCK,
    }
    return Cancellation.model_validate({**values, **changes})


def refund(order: Order, amount: str = "10.00", purpose: str = "refund", **more: Money) -> RefundRequest:
    line = RefundLine(line_id=order.lines[0].line_id, quantity=1, goods=Money.of(amount, order.currency), **more)
    return RefundRequest(
        request_id=f"{order.key}#{purpose}",
        order_key=order.key,
        correlation_id=CORRELATION,
        region=order.region,
        lines=(line,),
        reason=RefundReason.RETURNED,
    )


def lose_reply(twin: AmazonTwin) -> None:
    twin.sandbox.faults.add(Fault(operation=FEED, kind=FaultKind.LOST_REPLY, times=1))


def effects(twin: AmazonTwin, effect: str) -> int:
    return twin.sandbox.ledger.counts().get(f"amazon/{effect}", 0)


async def test_taken_is_not_done_a_cancellation_is_under_way_until_its_feed_is_done(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    twin.sandbox.options.job_delay = LONG
    order = await sold(twin, channel)
    progress = await channel.cancel(cancellation(order), retry=False)
    assert progress.operation
    assert effects(twin, "cancelled") == 0
    assert await finished(channel, progress) == Progress()
    gone = await read(channel, order.key.external_id)
    assert (gone.state, [line.open for line in gone.lines]) == (ChannelState.CANCELLED, [0, 0])
    assert gone.cancel_reason == "MERCHANT: NoInventory"
    assert gone.is_news_to(order)


@pytest.mark.parametrize("reason", list(CancelReason))
async def test_every_reason_is_a_word_that_amazon_takes(
    twin: AmazonTwin, channel: AmazonChannel, reason: CancelReason
) -> None:
    order = await sold(twin, channel)
    part = cancellation(order, {order.lines[0].line_id: 1}, reason=reason, request_id="part")
    await finished(channel, await channel.cancel(part, retry=False))
    left = await read(channel, order.key.external_id)
    rest = cancellation(left, reason=reason, units={line.line_id: line.open for line in left.lines}, whole=True)
    await finished(channel, await channel.cancel(rest, retry=False))
    assert (await read(channel, order.key.external_id)).state is ChannelState.CANCELLED


async def test_units_are_cancelled_by_an_adjustment_and_the_rest_is_shipped_and_paid(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    order = await sold(twin, channel, discount=True, channel_tax=True)
    units = {order.lines[0].line_id: 1, order.lines[1].line_id: 1}
    await finished(channel, await channel.cancel(cancellation(order, units), retry=False))
    left = await read(channel, order.key.external_id)
    assert [(line.open, line.cancelled) for line in left.lines] == [(2, 1), (0, 1)]
    assert left.state is ChannelState.OPEN
    assert Money.zero("USD").amount < left.total.amount < order.total.amount
    await channel.confirm(parcel(left, units={order.lines[0].line_id: 2}), retry=False)
    gone = await read(channel, order.key.external_id)
    assert gone.state is ChannelState.SHIPPED
    assert [(line.shipped, line.cancelled) for line in gone.lines] == [(2, 1), (0, 1)]
    twin.close_period()
    (ref,) = await channel.settlements()
    settlement = AmazonFormat().parse_settlement(await fetched(channel, ref), "US-1")
    received = [line.amount for line in settlement.lines if line.order_id and line.type in RECEIVABLE]
    assert Money.total(received, "USD") == gone.receivable


async def test_what_is_cancelled_already_needs_no_feed(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order_id = twin.sell(Traits(6, ((by_sku("HEADLAMP"), 1),), cancel=True))
    order = await read(channel, order_id)
    assert await channel.cancel(cancellation(order), retry=False) == Progress()
    assert twin.sandbox.calls[f"{FEED} 202"] == 0


async def test_units_that_have_left_and_items_that_are_none_are_declined(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    order = await sold(twin, channel)
    line = order.lines[0].line_id
    await channel.confirm(parcel(order, units={line: 2}), retry=False)
    for units, code in (({line: 2}, "already_shipped"), ({"nope": 1}, "unknown_line")):
        with pytest.raises(Declined) as raised:
            await channel.cancel(cancellation(order, units), retry=False)
        assert raised.value.code == code
    await finished(channel, await channel.cancel(cancellation(order, {line: 1}), retry=False))
    assert (await read(channel, order.key.external_id)).lines[0].cancelled == 1


async def test_an_order_that_left_while_its_feed_waited_is_declined_in_amazons_words(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    twin.sandbox.options.job_delay = LONG
    order = await sold(twin, channel)
    progress = await channel.cancel(cancellation(order), retry=False)
    await channel.confirm(parcel(order), retry=False)
    with pytest.raises(Declined, match="SHIPPED: it cannot be cancelled") as raised:
        await finished(channel, progress)
    assert raised.value.code == "13011"
    assert effects(twin, "cancelled") == 0


async def test_an_order_that_the_buyer_cancelled_while_its_feed_waited_is_cancelled(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    twin.sandbox.options.job_delay = LONG
    order = await sold(twin, channel)
    first = await channel.cancel(cancellation(order), retry=False)
    second = await connect().cancel(cancellation(order, request_id="another"), retry=False)
    assert first.operation != second.operation
    assert await finished(channel, first) == await finished(channel, second) == Progress()
    assert effects(twin, "cancelled") == 1


@pytest.mark.parametrize("part", [True, False])
async def test_a_lost_reply_is_in_doubt_and_its_retry_follows_the_feed_that_is_there(
    twin: AmazonTwin, channel: AmazonChannel, part: bool
) -> None:
    order = await sold(twin, channel)
    request = cancellation(order, {order.lines[0].line_id: 1} if part else None)
    lose_reply(twin)
    with pytest.raises(InDoubt):
        await channel.cancel(request, retry=False)
    await finished(channel, await channel.cancel(request, retry=True))
    await finished(channel, await channel.cancel(request, retry=True))
    assert effects(twin, "cancelled") == 1


async def test_another_process_sees_a_cancellation_by_its_effect(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    order = await sold(twin, channel)
    request = cancellation(order, {order.lines[0].line_id: 1})
    await finished(channel, await channel.cancel(request, retry=False))
    assert await connect().cancel(request, retry=True) == Progress()
    assert effects(twin, "cancelled") == 1


async def test_another_process_writes_what_has_not_happened_once_all_feeds_are_explained(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    other, order = await sold(twin, channel), await sold(twin, channel)
    await finished(channel, await channel.cancel(cancellation(other), retry=False))
    await finished(channel, await connect().cancel(cancellation(order), retry=True))
    assert (await read(channel, order.key.external_id)).state is ChannelState.CANCELLED
    assert effects(twin, "cancelled") == 2


async def test_a_refund_is_paid_once_and_taken_off_the_settlement(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order = await shipped(twin, channel)
    request = refund(order, "20.00")
    await finished(channel, await channel.refund(request, retry=False))
    await finished(channel, await channel.refund(request, retry=True))
    assert effects(twin, "refunded") == 1
    twin.close_period()
    (ref,) = await channel.settlements()
    settlement = AmazonFormat().parse_settlement(await fetched(channel, ref), "US-1")
    assert settlement.lines_total == settlement.payout
    refunds = [str(line.amount) for line in settlement.lines if line.type is LineType.REFUND]
    assert refunds == ["-20.00 USD"]
    assert {line.label for line in settlement.lines if line.label.startswith("Refund")} == {
        "Refund / ItemPrice / Principal",
        "Refund / ItemFees / Commission",
        "Refund / ItemFees / RefundCommission",
    }
    assert twin.close_period() == []


async def test_all_parts_of_a_refund_are_paid(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order = await read(channel, twin.sell(Traits(1, ((by_sku("HEADLAMP"), 1),), channel_tax=True)))
    await channel.confirm(parcel(order), retry=False)
    tax, shipping, shipping_tax = (Money.of(amount, "USD") for amount in ("2.06", "5.99", "0.49"))
    whole = refund(order, "24.99", tax=tax, shipping=shipping, shipping_tax=shipping_tax)
    await finished(channel, await channel.refund(whole, retry=False))
    (entry,) = twin.sandbox.ledger.entries("amazon", "refunded")
    assert entry["detail"]["amount"] == "33.53 USD"
    with pytest.raises(Declined, match=r"exceeds 0\.00 USD that is left"):
        await finished(channel, await channel.refund(refund(order, "0.01", purpose="more"), retry=False))


async def test_nothing_is_paid_back_for_what_was_not_shipped(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order = await sold(twin, channel)
    with pytest.raises(Declined, match="was not shipped"):
        await finished(channel, await channel.refund(refund(order), retry=False))
    assert effects(twin, "refunded") == 0


async def test_two_lost_replies_at_once_are_told_apart_by_their_number(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    order = await shipped(twin, channel)
    requests = [refund(order, "1.00", purpose=f"refund-{number}") for number in (1, 2)]
    for request in requests:
        lose_reply(twin)
        with pytest.raises(InDoubt):
            await channel.refund(request, retry=False)
    for request in requests:
        await finished(channel, await channel.refund(request, retry=True))
    assert effects(twin, "refunded") == 2


async def test_one_feed_for_two_doubts_is_told_by_its_effect(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order = await shipped(twin, channel)
    made, never = refund(order, "1.00", purpose="made"), refund(order, "2.00", purpose="never")
    for request, kind in ((made, FaultKind.LOST_REPLY), (never, FaultKind.ERROR)):
        twin.sandbox.faults.add(Fault(operation=FEED, kind=kind, status=500, times=1))
        with pytest.raises(InDoubt):
            await channel.refund(request, retry=False)
    await until(lambda: effects(twin, "refunded"))
    for request in (made, never):
        await finished(channel, await channel.refund(request, retry=True))
    amounts = [entry["detail"]["amount"] for entry in twin.sandbox.ledger.entries("amazon", "refunded")]
    assert amounts == ["1.00 USD", "2.00 USD"]


async def test_a_feed_that_was_never_made_is_made_by_the_retry(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order = await shipped(twin, channel)
    twin.sandbox.faults.add(Fault(operation=FEED, kind=FaultKind.ERROR, status=500, times=1))
    with pytest.raises(InDoubt):
        await channel.refund(refund(order), retry=False)
    await finished(channel, await channel.refund(refund(order), retry=True))
    assert effects(twin, "refunded") == 1


async def test_another_process_sees_a_refund_among_the_financial_events(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    order = await shipped(twin, channel)
    await finished(channel, await channel.refund(refund(order), retry=False))
    assert await connect().refund(refund(order), retry=True) == Progress()
    await finished(channel, await connect().refund(refund(order, "11.00"), retry=True))
    assert effects(twin, "refunded") == 2


async def test_while_events_may_still_be_missing_another_process_pays_nothing_on_a_guess(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    order = await shipped(twin, channel)
    await finished(channel, await channel.refund(refund(order), retry=False))
    careful = connect(refunds_shown_within_hours=48)
    with pytest.raises(InDoubt, match="cannot be seen yet"):
        await careful.refund(refund(order, "11.00"), retry=True)
    assert effects(twin, "refunded") == 1


async def test_a_refusal_leaves_no_doubt_behind(twin: AmazonTwin, channel: AmazonChannel) -> None:
    order = await shipped(twin, channel)
    twin.sandbox.faults.add(Fault(operation=FEED, kind=FaultKind.DECLINE, times=1))
    with pytest.raises(Declined) as raised:
        await channel.refund(refund(order), retry=False)
    assert raised.value.code == "invalid_input"
    await finished(channel, await channel.refund(refund(order), retry=True))
    assert effects(twin, "refunded") == 1


async def test_an_upload_that_fails_has_no_effect_and_may_be_tried_again(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    order = await shipped(twin, channel)
    for operation in ("amazon.create_feed_document", "amazon.upload_feed"):
        twin.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=1))
        with pytest.raises(Unavailable):
            await channel.refund(refund(order), retry=False)
    await finished(channel, await channel.refund(refund(order), retry=True))
    assert effects(twin, "refunded") == 1


@pytest.mark.parametrize(("status", "code"), [("FATAL", "feed_fatal"), ("CANCELLED", "feed_cancelled")])
async def test_a_feed_that_does_not_come_to_its_end_is_declined(
    twin: AmazonTwin, channel: AmazonChannel, status: str, code: str
) -> None:
    order = await shipped(twin, channel)
    progress = await channel.refund(refund(order), retry=False)
    await finished(channel, progress)
    assert progress.operation
    feeds = twin.sandbox.shelf.collection("amazon_feeds")
    feed_id = Operation.read(progress.operation).feed_id
    entry = feeds.get(feed_id)
    assert entry
    feeds.put(feed_id, {**entry, "feed": {**entry["feed"], "processingStatus": status}})
    with pytest.raises(Declined) as raised:
        await channel.follow(progress.operation)
    assert raised.value.code == code


async def test_an_account_may_have_words_of_its_own_for_a_reason(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect
) -> None:
    order = await shipped(twin, channel)
    own = connect(refund_reasons={"returned": "MerchandiseNotReceived"})
    await finished(own, await own.refund(refund(order), retry=False))
    (entry,) = twin.sandbox.shelf.collection("amazon_refunds").values()
    assert entry["items"][0]["reason"] == "MerchandiseNotReceived"
    odd = connect(refund_reasons={"returned": "BecauseWeLikeYou"})
    with pytest.raises(Declined, match="BecauseWeLikeYou"):
        await finished(odd, await odd.refund(refund(order, "1.00"), retry=False))


async def test_feeds_go_on_after_a_restart(tmp_path: Any) -> None:
    options = SandboxOptions(state_dir=tmp_path, job_delay=0.0)
    first = Sandbox(options)
    order_id = AmazonTwin(first).sell(draw(7, "amazon", 2))
    record = first.shelf.collection("amazon_orders").get(order_id) or {}
    items = [item["orderItemId"] for item in record["order"]["orderItems"]]
    feed = {"feedId": "1", "feedType": CANCELLATIONS, "processingStatus": "IN_QUEUE"}
    feed["createdTime"] = "2026-11-01T00:00:00Z"
    body = envelopes.cancellation("A1", order_id, items, "NoInventory").decode("latin-1")
    first.shelf.collection("amazon_feeds").put("1", {"feed": feed, "input": body})
    first.shelf.close()
    second = Sandbox(options)
    AmazonTwin(second).resume()
    await until(lambda: not second.tasks)
    assert second.ledger.counts()["amazon/cancelled"] == 1
    second.shelf.close()


@needs_specs
async def test_requests_and_answers_keep_to_the_published_schema(
    twin: AmazonTwin, connect: Connect, caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, Any]] = []
    channel = connect()
    send = channel._client._http.request

    async def watched(method: str, path: str, **more: Any) -> httpx.Response:
        if more.get("json") is not None:
            sent.append((path, more["json"]))
        return await send(method, path, **more)

    monkeypatch.setattr(channel._client._http, "request", watched)
    order = await shipped(twin, channel)
    progress = await channel.refund(refund(order), retry=False)
    await finished(channel, progress)
    spec = "feeds_2021-06-30.json"
    bodies = dict(sent)
    check(bodies["/feeds/2021-06-30/documents"], spec, "CreateFeedDocumentSpecification")
    check(bodies["/feeds/2021-06-30/feeds"], spec, "CreateFeedSpecification")
    made = await caller.post("/feeds/2021-06-30/documents", json={"contentType": "text/xml"})
    check(made.json(), spec, "CreateFeedDocumentResponse")
    listed = (await caller.get("/feeds/2021-06-30/feeds", params={"feedTypes": ADJUSTMENTS})).json()
    check(listed, spec, "GetFeedsResponse")
    (feed,) = listed["feeds"]
    one = (await caller.get(f"/feeds/2021-06-30/feeds/{feed['feedId']}")).json()
    check(one, spec, "Feed")
    assert "inputFeedDocumentId" not in one, "Amazon does not say what a feed was made of"
    document = await caller.get(f"/feeds/2021-06-30/documents/{feed['resultFeedDocumentId']}")
    check(document.json(), spec, "FeedDocument")
    events = (await caller.get(f"/finances/v0/orders/{order.key.external_id}/financialEvents")).json()
    check(events, "financesV0.json", "ListFinancialEventsResponse")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("documents", {}),
        ("feeds", {"feedType": "POST_PRODUCT_DATA", "marketplaceIds": ["M"], "inputFeedDocumentId": "D"}),
        ("feeds", {"feedType": ADJUSTMENTS, "marketplaceIds": [], "inputFeedDocumentId": "D"}),
        ("feeds", {"feedType": ADJUSTMENTS, "marketplaceIds": ["M"], "inputFeedDocumentId": "D"}),
    ],
)
async def test_a_bad_feed_is_400(caller: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    answer = await caller.post(f"/feeds/2021-06-30/{path}", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "InvalidInput")


async def test_an_upload_wants_its_own_address_and_content_type(caller: httpx.AsyncClient) -> None:
    made = (await caller.post("/feeds/2021-06-30/documents", json={"contentType": "text/xml"})).json()
    forged = made["url"].replace("X-Amz-Expires=", "X-Amz-Expires=9")
    assert (await caller.put(forged, content=b"<x/>", headers={"Content-Type": "text/xml"})).status_code == 403
    assert (await caller.put(made["url"], content=b"<x/>", headers={"Content-Type": "text/csv"})).status_code == 403
    assert (await caller.put(made["url"], content=b"<x/>", headers={"Content-Type": "text/xml"})).status_code == 200


@pytest.mark.parametrize(
    "content",
    [
        b"not xml",
        b"<AmazonEnvelope><Header/><MessageType>Product</MessageType></AmazonEnvelope>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><AmazonEnvelope/>',
        b"<AmazonEnvelope><Header><MerchantIdentifier>A</MerchantIdentifier></Header>"
        b"<MessageType>OrderAdjustment</MessageType><Message/></AmazonEnvelope>",
    ],
)
async def test_a_feed_that_cannot_be_read_is_fatal(
    twin: AmazonTwin, caller: httpx.AsyncClient, channel: AmazonChannel, content: bytes
) -> None:
    made = (await caller.post("/feeds/2021-06-30/documents", json={"contentType": "text/xml"})).json()
    await caller.put(made["url"], content=content, headers={"Content-Type": "text/xml"})
    body = {"feedType": ADJUSTMENTS, "marketplaceIds": ["M"], "inputFeedDocumentId": made["feedDocumentId"]}
    feed_id = (await caller.post("/feeds/2021-06-30/feeds", json=body)).json()["feedId"]
    with pytest.raises(Declined) as raised:
        await finished(channel, Progress(operation=json.dumps({"purpose": "refund", "feed_id": feed_id})))
    assert raised.value.code == "feed_fatal"


REPORT = """<?xml version="1.0"?><AmazonEnvelope xmlns="urn:x"><MessageType>ProcessingReport</MessageType><Message>
<ProcessingReport><ProcessingSummary><MessagesProcessed>{processed}</MessagesProcessed>
<MessagesWithError>{errors}</MessagesWithError></ProcessingSummary>{results}</ProcessingReport></Message>
</AmazonEnvelope>"""
RESULT = """<Result><MessageID>1</MessageID><ResultCode>{kind}</ResultCode><ResultMessageCode>18</ResultMessageCode>
<ResultDescription>No such order.</ResultDescription></Result>"""


@pytest.mark.parametrize(
    ("processed", "errors", "results", "expected"),
    [
        (1, 0, "", []),
        (1, 0, RESULT.format(kind="Warning"), []),
        (1, 1, RESULT.format(kind="Error"), [Complaint("1", "18", "No such order.")]),
        (1, 1, "", [Complaint("", "unnamed_error", "1 messages have errors that are not named.")]),
        (0, 0, "", [Complaint("", "nothing_processed", "Amazon has processed no message of the feed.")]),
    ],
)
def test_a_report_says_which_messages_failed(
    processed: int, errors: int, results: str, expected: list[Complaint]
) -> None:
    assert complaints(REPORT.format(processed=processed, errors=errors, results=results).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"<a/>", b"<a", b"\xff", b"<!DOCTYPE a><ProcessingReport/>"])
def test_what_is_no_report_is_drift(body: bytes) -> None:
    with pytest.raises(SchemaDrift):
        complaints(body)


@needs_samples
def test_the_sample_reports_are_understood() -> None:
    assert complaints((SAMPLES / "feed__result_document.xml").read_bytes()) == []
    found = complaints((SAMPLES / "feed__listings-feed-processing-report-schema-v2.example.json").read_bytes())
    assert [(each.message_id, each.sku, each.code) for each in found] == [
        ("4", "My-SKU-B", "90220"),
        ("4", "My-SKU-B", "90220"),
        ("5", "My-SKU-C", "99022"),
    ]


def test_envelopes_are_what_the_contract_says() -> None:
    root = Xml.fromstring(envelopes.cancellation("A1", "112-1", ["10001"], "NoInventory"))  # noqa: S314 - our own
    assert root.findtext("Header/DocumentVersion") == "1.01"
    assert root.findtext("Message/OrderAcknowledgement/StatusCode") == "Failure"
    assert root.findtext("Message/OrderAcknowledgement/Item/CancelReason") == "NoInventory"
    item = envelopes.AdjustedItem("10001", "CustomerReturn", {"Principal": Money.of("5", "USD")}, cancelled=1)
    root = Xml.fromstring(envelopes.adjustment("A1", "112-1", [item]))  # noqa: S314 - our own
    adjusted = root.find("Message/OrderAdjustment/AdjustedItem")
    assert adjusted is not None
    amount = adjusted.find("ItemPriceAdjustments/Component/Amount")
    assert amount is not None
    assert (amount.text, amount.get("currency"), adjusted.findtext("QuantityCancelled")) == ("5.00", "USD", "1")


async def test_the_list_of_feeds_is_read_to_its_end(
    twin: AmazonTwin, channel: AmazonChannel, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.amazon.feeds.PAGE_SIZE", 1)
    order = await shipped(twin, channel)
    for number in range(3):
        await finished(channel, await channel.refund(refund(order, "1.00", purpose=f"r{number}"), retry=False))
    found = await connect()._following._feeds.since(ADJUSTMENTS, datetime.now(UTC) - timedelta(minutes=5))
    assert len(found) == 3
