"""Quantities: one by a patch, many by a feed; accepted is not applied, and a SKU that is refused stops no other."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.amazon.client import AmazonChannel
from connectors.errors import Declined, InDoubt
from connectors.registry import ChannelConnection, ConnectionsError
from models.channel import Progress, StockQuantity, StockUpdate
from sandbox.amazon import AmazonTwin
from sandbox.amazon_listings import SELLER_ID
from sandbox.faults import Fault, FaultKind
from sandbox.goods import LISTINGS
from tests.amazon.conftest import Connect, finished
from tests.amazon.payloads import SPECS, check

PATH = f"/listings/2021-08-01/items/{SELLER_ID}"
SPEC = "listingsItems_2021-08-01.json"
MARKET = {"marketplaceIds": "ATVPDKIKX0DER"}


def update(**quantities: int) -> StockUpdate:
    entries = tuple(StockQuantity(sku=sku.replace("_", "-"), quantity=units) for sku, units in quantities.items())
    return StockUpdate(request_id="stock-1", correlation_id="c-1", quantities=entries)


def told(twin: AmazonTwin) -> dict[str, int]:
    """What Amazon would sell now, by its ledger."""
    entries = twin.sandbox.ledger.entries("amazon", "stock_set")
    return {entry["detail"]["sku"]: entry["detail"]["quantity"] for entry in entries}


async def test_a_patch_that_is_accepted_is_followed_until_the_listing_shows_it(
    twin: AmazonTwin, channel: AmazonChannel
) -> None:
    twin.sandbox.options.job_delay = 0.5
    progress = await channel.set_stock(update(HEADLAMP=12), retry=False)
    assert progress.operation
    assert told(twin) == {}
    assert await finished(channel, progress) == Progress()
    assert told(twin) == {"HEADLAMP": 12}


async def test_many_are_set_by_one_feed_and_refusals_are_named(twin: AmazonTwin, channel: AmazonChannel) -> None:
    known = {listing.sku.replace("-", "_"): number for number, listing in enumerate(LISTINGS)}
    done = await finished(channel, await channel.set_stock(update(NOBODY=1, **known), retry=False))
    assert [(rejected.key, rejected.code) for rejected in done.rejected] == [("NOBODY", "8560")]
    assert "does not exist" in done.rejected[0].message
    assert told(twin) == {listing.sku: number for number, listing in enumerate(LISTINGS)}
    assert twin.sandbox.calls["amazon.create_feed 202"] == 1
    assert twin.sandbox.calls["amazon.patch_listing 200"] == 0


async def test_an_unknown_sku_alone_is_rejected_and_not_an_error(channel: AmazonChannel) -> None:
    done = await channel.set_stock(update(NOBODY=1), retry=False)
    assert [(rejected.key, rejected.code) for rejected in done.rejected] == [("NOBODY", "NOT_FOUND")]


@pytest.mark.parametrize(("operation", "skus"), [("patch_listing", 1), ("create_feed", 2)])
async def test_a_lost_reply_is_in_doubt_and_the_same_again_is_the_same_stock(
    twin: AmazonTwin, channel: AmazonChannel, operation: str, skus: int
) -> None:
    request = update(**dict(list({"HEADLAMP": 3, "BAG_40": 4}.items())[:skus]))
    twin.sandbox.faults.add(Fault(operation=f"amazon.{operation}", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await channel.set_stock(request, retry=False)
    await finished(channel, await channel.set_stock(request, retry=True))
    assert told(twin) == dict(list({"HEADLAMP": 3, "BAG-40": 4}.items())[:skus])


async def test_what_amazon_calls_invalid_is_rejected_with_its_words(connect: Connect) -> None:
    done = await connect(product_type="").set_stock(update(HEADLAMP=1), retry=False)
    assert [(each.key, each.code) for each in done.rejected] == [("HEADLAMP", "90220")]
    assert "productType" in done.rejected[0].message


async def test_an_account_whose_seller_id_is_wrong_is_no_rejected_sku(connect: Connect) -> None:
    with pytest.raises(Exception, match="403"):
        await connect(seller_id="A0").set_stock(update(HEADLAMP=1), retry=False)


def answering(clock: list[datetime], *answers: Any) -> AmazonChannel:
    """A connector whose vendor gives these answers in turn."""
    left = list(answers)

    def vendor(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "Atza|1"})
        status, body = left.pop(0)
        return httpx.Response(status, json=body)

    connection = ChannelConnection(
        provider="amazon",
        account="US-1",
        base_url="http://amazon.test",
        credentials={"client_id": "a", "client_secret": "b", "refresh_token": "c", "seller_id": "A1"},
        options={"default_marketplace": "M"},
    )
    return AmazonChannel(connection, httpx.MockTransport(vendor), lambda: clock[0])


def listing(quantity: int, *issues: dict[str, Any]) -> tuple[int, Any]:
    available = [
        {"fulfillmentChannelCode": "AMAZON_NA", "quantity": 5},
        {"fulfillmentChannelCode": "DEFAULT", "quantity": quantity},
    ]
    return 200, {"sku": "S", "issues": list(issues), "fulfillmentAvailability": available}


ACCEPTED = (200, {"sku": "S", "status": "ACCEPTED", "submissionId": "U", "issues": []})
PAGE = {
    "code": "18155",
    "message": "Minimum price.",
    "severity": "ERROR",
    "categories": [],
    "attributeNames": ["price"],
}
OWN = {**PAGE, "code": "4", "message": "No such channel.", "attributeNames": ["fulfillment_availability"]}


@pytest.mark.parametrize(
    ("shown", "later", "codes"),
    [
        (listing(5), timedelta(0), []),
        (listing(5, PAGE), timedelta(0), []),
        (listing(2, PAGE), timedelta(minutes=1), None),
        (listing(2, OWN), timedelta(minutes=1), ["4"]),
        (listing(2, PAGE), timedelta(hours=1), ["not_applied"]),
        ((404, {"errors": [{"code": "NOT_FOUND", "message": "gone"}]}), timedelta(0), ["NOT_FOUND"]),
    ],
)
async def test_what_a_listing_says_of_a_patch(shown: Any, later: timedelta, codes: list[str] | None) -> None:
    clock = [datetime(2026, 11, 1, tzinfo=UTC)]
    channel = answering(clock, ACCEPTED, shown)
    progress = await channel.set_stock(update(S=5), retry=False)
    assert progress.operation
    clock[0] += later
    after = await channel.follow(progress.operation)
    await channel.aclose()
    if codes is None:
        assert after.operation == progress.operation
    else:
        assert (after.operation, [rejected.code for rejected in after.rejected]) == (None, codes)


async def test_an_order_without_marketplace_and_an_account_without_one_is_declined() -> None:
    connection = ChannelConnection(
        provider="amazon",
        account="US-1",
        base_url="http://amazon.test",
        credentials={"client_id": "a", "client_secret": "b", "refresh_token": "c", "seller_id": "A1"},
    )
    channel = AmazonChannel(connection, httpx.MockTransport(lambda _: httpx.Response(500)))
    with pytest.raises(Declined) as raised:
        await channel.set_stock(update(S=5), retry=False)
    await channel.aclose()
    assert raised.value.field == "region"


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's specifications are not at {SPECS}")
async def test_requests_and_answers_keep_to_the_published_schema(
    channel: AmazonChannel, caller: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    send: Callable[..., Any] = channel._client._http.request

    async def watched(method: str, path: str, **more: Any) -> httpx.Response:
        sent.append(more.get("json"))
        answer: httpx.Response = await send(method, path, **more)
        return answer

    monkeypatch.setattr(channel._client._http, "request", watched)
    await finished(channel, await channel.set_stock(update(HEADLAMP=2), retry=False))
    check(sent[0], SPEC, "ListingsItemPatchRequest")
    included = {**MARKET, "includedData": "summaries,issues,fulfillmentAvailability"}
    check((await caller.get(f"{PATH}/HEADLAMP", params=included)).json(), SPEC, "Item")
    answer = await caller.patch(f"{PATH}/HEADLAMP", params=MARKET, json=sent[0])
    check(answer.json(), SPEC, "ListingsItemSubmissionResponse")
    bad = await caller.patch(f"{PATH}/HEADLAMP", params=MARKET, json={"productType": "PRODUCT", "patches": []})
    check(bad.json(), SPEC, "ListingsItemSubmissionResponse")
    assert bad.json()["status"] == "INVALID"


async def test_a_preview_changes_nothing(twin: AmazonTwin, caller: httpx.AsyncClient) -> None:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": 4}]
    patch = {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}
    body = {"productType": "PRODUCT", "patches": [patch]}
    answer = await caller.patch(f"{PATH}/HEADLAMP", params={**MARKET, "mode": "VALIDATION_PREVIEW"}, json=body)
    assert answer.json()["status"] == "VALID"
    assert not twin.sandbox.tasks


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [(f"{PATH}/HEADLAMP", {}, 400), (f"{PATH}/NOBODY", MARKET, 404), ("/listings/2021-08-01/items/A0/X", MARKET, 403)],
)
async def test_what_amazon_refuses_of_a_listing(
    caller: httpx.AsyncClient, path: str, params: dict[str, str], status: int
) -> None:
    assert (await caller.get(path, params=params)).status_code == status


@pytest.mark.parametrize(
    "feed",
    [
        b"not json",
        b"[]",
        json.dumps({"header": {"sellerId": "A0", "version": "2.0"}, "messages": []}).encode(),
        json.dumps({"header": {"sellerId": SELLER_ID, "version": "2.0"}, "messages": [{}, {}]}).encode(),
    ],
)
async def test_a_listings_feed_that_cannot_be_read_is_fatal(
    caller: httpx.AsyncClient, channel: AmazonChannel, feed: bytes
) -> None:
    made = (await caller.post("/feeds/2021-06-30/documents", json={"contentType": "application/json"})).json()
    await caller.put(made["url"], content=feed, headers={"Content-Type": "application/json"})
    body = {"feedType": "JSON_LISTINGS_FEED", "marketplaceIds": ["M"], "inputFeedDocumentId": made["feedDocumentId"]}
    feed_id = (await caller.post("/feeds/2021-06-30/feeds", json=body)).json()["feedId"]
    with pytest.raises(Declined) as raised:
        await finished(channel, Progress(operation=json.dumps({"purpose": "stock", "feed_id": feed_id})))
    assert raised.value.code == "feed_fatal"


async def test_a_connection_that_does_not_name_the_seller_is_refused_before_it_goes_live(twin: AmazonTwin) -> None:
    entry = twin.connection()
    entry["options"].pop("seller_id")
    with pytest.raises(ConnectionsError, match="credential 'seller_id' is not set"):
        AmazonChannel(ChannelConnection.model_validate(entry))
    named = {**entry, "credentials": {**entry["credentials"], "seller_id": "A1"}}
    await AmazonChannel(ChannelConnection.model_validate(named)).aclose()
