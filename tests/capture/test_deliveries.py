"""From the inbox to the workflows: each order once, however often and in whatever order it is told."""

import asyncio
import json

import pytest

from activities.channel import ChannelAccount
from connectors.ports import Parsed
from connectors.shopify.format import ShopifyFormat
from models.messages import OrderState
from models.money import Money
from store import inbox, orders
from tests.capture.scene import (
    FIRST,
    SECOND,
    THIRD,
    Scene,
    an_id,
    cancelled,
    document,
    events,
    keep,
    key_of,
    payload,
    relaying,
    row_of,
    until,
    webhook,
)
from tests.shopify import shop
from tests.workflows.world import World
from workflows.channel_sync import ChannelSync
from workflows.order import OrderWorkflow


async def test_an_event_starts_one_workflow_which_carries_its_correlation_id(scene: Scene) -> None:
    order_id = an_id()
    event = await scene.deliver(webhook(payload(order_id), order_id))
    await scene.shipped(order_id)
    assert (event.status, event.outcome) == ("delivered", f"shopify/main/{order_id}: started")
    row = await row_of(scene.database, order_id)
    assert row.correlation_id == event.correlation_id
    assert row.raw_event_id == event.id
    assert scene.world.wms.releases[f"{row.order_key}#BER-1"].correlation_id == str(event.correlation_id)


async def test_fifty_copies_other_deliveries_and_the_poll_are_one_workflow_and_one_erp_order(world: World) -> None:
    order_id, database = an_id(), world.database
    body = payload(order_id)
    world.channel.offer((str(order_id), body))

    async def captured(delivery_id: str) -> int | None:
        async with database.session() as session:
            return await inbox.keep(session, webhook(body, order_id, delivery_id))

    async with relaying(database, world.client), relaying(database, world.client):
        copies = [captured("the same") for _ in range(50)]
        others = [captured(f"other {number}") for number in range(10)]
        poll = world.client.execute_workflow(
            ChannelSync.run,
            ChannelAccount(channel="shopify", account="main"),
            id=f"sync/{order_id}",
            task_queue="channel-shopify",
        )
        kept = (await asyncio.gather(poll, *copies, *others))[1:]
        told = await until(lambda: events(database), lambda found: all(each.status == "delivered" for each in found))
        await Scene(world).shipped(order_id)

    assert sum(each is not None for each in kept) == 11
    assert len(told) == 12
    assert [each.outcome for each in told].count(f"{key_of(order_id)}: started") == 1
    assert world.erp.count("create_order") == world.wms.count("release") == 1
    async with database.session() as session:
        assert sum((await orders.counts_by_state(session)).values()) == 1


async def signals_of(scene: Scene, order_id: int) -> int:
    """How many the order's workflow has heard. Its next answer shows that it has dealt with what was sent before."""
    await scene.handle(order_id).query(OrderWorkflow.snapshot)
    history = await scene.world.history(key_of(order_id).workflow_id)
    assert history is not None
    events = json.loads(history)["events"]
    return sum("workflowExecutionSignaledEventAttributes" in event for event in events)


async def test_a_newer_version_is_told_and_an_older_one_changes_nothing(scene: Scene) -> None:
    scene.world.wms.manual = True
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id, SECOND), order_id))
    older = await scene.deliver(webhook(payload(order_id, FIRST), order_id))
    same = await scene.deliver(webhook(payload(order_id, SECOND), order_id))
    newer = await scene.deliver(webhook(payload(order_id, THIRD), order_id))
    assert older.outcome == f"{key_of(order_id)}: version 2026-11-20T09:05:00+00:00 is known"
    assert same.outcome == f"{key_of(order_id)}: version 2026-11-20T09:06:00+00:00 is known"
    assert newer.outcome == f"{key_of(order_id)}: told of version 2026-11-20T09:07:00+00:00"
    assert {older.status, same.status, newer.status} == {"delivered"}
    row = await row_of(scene.database, order_id)
    assert row.delivered_version is not None
    assert row.delivered_version.minute == 7
    assert await signals_of(scene, order_id) == 1


async def test_a_cancellation_that_comes_before_the_order_itself_wins(scene: Scene) -> None:
    order_id = an_id()
    first = await scene.deliver(webhook(cancelled(order_id), order_id, topic="orders/cancelled"))
    late = await scene.deliver(webhook(payload(order_id, FIRST), order_id, topic="orders/create"))
    ended = await scene.world.end(scene.handle(order_id))
    assert first.outcome == f"{key_of(order_id)}: started"
    assert late.outcome == f"{key_of(order_id)}: version 2026-11-20T09:05:00+00:00 is known"
    assert ended.state is OrderState.CANCELLED
    assert scene.world.erp.done == []


async def test_a_cancellation_right_behind_the_order_cancels_it(scene: Scene) -> None:
    scene.world.erp.hold("create_order")
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    await scene.world.wait_for(lambda: "create_order" in scene.world.erp.entered)
    told = await scene.deliver(webhook(cancelled(order_id), order_id, topic="orders/cancelled"))
    scene.world.erp.hold("create_order").set()
    assert told.outcome == f"{key_of(order_id)}: told of version 2026-11-20T09:06:00+00:00"
    assert (await scene.world.end(scene.handle(order_id))).state is OrderState.CANCELLED
    assert scene.world.erp.count("cancel_order") == 1


async def test_an_event_after_the_end_of_its_order_is_kept_and_says_so(scene: Scene) -> None:
    order_id = an_id()
    await scene.deliver(webhook(cancelled(order_id, FIRST), order_id))
    await scene.world.end(scene.handle(order_id))
    late = await scene.deliver(webhook(payload(order_id, SECOND), order_id))
    again = await scene.deliver(webhook(payload(order_id, SECOND), order_id))
    assert late.status == "delivered"
    assert late.outcome == (f"{key_of(order_id)}: has ended as cancelled, version 2026-11-20T09:06:00+00:00 is kept")
    assert again.outcome == f"{key_of(order_id)}: version 2026-11-20T09:06:00+00:00 is known"
    assert (await row_of(scene.database, order_id)).state == "cancelled"


async def test_a_start_whose_transaction_was_lost_is_repeated_without_a_second_workflow(scene: Scene) -> None:
    """The workflow runs, the registry does not know it yet: the same event again, then a newer one, find it."""
    scene.world.wms.manual = True
    order_id = an_id()
    order = ShopifyFormat().parse(payload(order_id), "main").orders[0]
    await scene.world.start(order)
    repeated = await scene.deliver(webhook(payload(order_id), order_id))
    assert repeated.outcome == f"{key_of(order_id)}: started"
    await scene.world.until(scene.handle(order_id), lambda seen: seen.state is OrderState.RELEASED)
    assert scene.world.erp.count("create_order") == 1


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00garbage", b"<html>502</html>", b"[]", b'{"id": 5}', b"null"])
async def test_garbage_is_a_dead_letter_with_path_value_and_remedy(scene: Scene, body: bytes) -> None:
    event = await scene.deliver(webhook(body))
    assert event.status == "dead"
    assert event.body == body
    (refusal,) = event.refusals
    assert refusal["reason"] in ("not_json", "not_an_order")
    assert refusal["path"] == "$"
    assert refusal["value"]
    assert refusal["remedy"]


async def test_a_bad_order_is_a_dead_letter_with_the_exact_path_and_value(scene: Scene) -> None:
    order_id = an_id()
    bad = payload(order_id, line_items=[{**document(order_id)["line_items"][0], "quantity": "two"}])
    event = await scene.deliver(webhook(bad, order_id))
    (refusal,) = event.refusals
    assert event.status == "dead"
    assert refusal["path"] == "line_items[0].quantity"
    assert refusal["value"] == "'two'"
    assert refusal["external_id"] == str(order_id)
    async with scene.database.session() as session:
        assert await orders.get(session, key_of(order_id)) is None


async def test_a_file_with_good_and_bad_orders_starts_the_good_ones(scene: Scene) -> None:
    good, bad, other = an_id(), an_id(), an_id()
    page = {"orders": [document(good), document(bad, total_price="1.00"), document(other)]}
    event = await scene.deliver(webhook(json.dumps(page).encode(), source="file", topic="order"))
    assert event.status == "dead"
    assert event.outcome == f"{key_of(good)}: started; {key_of(other)}: started"
    assert [(each["external_id"], each["path"].split(".")[0]) for each in event.refusals] == [(str(bad), "orders[1]")]
    await scene.shipped(good)
    await scene.shipped(other)


async def test_a_dead_letter_is_delivered_from_what_was_kept_once_the_parser_is_mended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = an_id()
    strange = payload(order_id).replace(b"line_items", b"items_of_line")
    event = await scene.deliver(webhook(strange, order_id))
    assert event.status == "dead"

    parse = ShopifyFormat.parse

    def mended(self: ShopifyFormat, body: bytes, account: str) -> Parsed:
        return parse(self, body.replace(b"items_of_line", b"line_items"), account)

    monkeypatch.setattr(ShopifyFormat, "parse", mended)
    async with scene.database.session() as session:
        assert await inbox.replay(session, event.id) == 1
    replayed = await scene.dealt_with(event.id)
    assert (replayed.status, replayed.refusals) == ("delivered", [])
    await scene.shipped(order_id)
    assert (await row_of(scene.database, order_id)).correlation_id == event.correlation_id


async def test_an_unpaid_order_of_amazon_is_no_dead_letter(scene: Scene) -> None:
    """Amazon says no prices before the payment: the same order comes again, complete."""
    unpaid = {
        "orderId": "302-0000001-0000001",
        "createdTime": "2026-11-20T09:00:00Z",
        "lastUpdatedTime": "2026-11-20T09:00:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
        "fulfillment": {"fulfillmentStatus": "PENDING", "fulfilledBy": "MERCHANT"},
        "orderItems": [
            {"orderItemId": "1", "quantityOrdered": 1, "product": {"asin": "B001", "sellerSku": "MAT"}},
        ],
    }
    event = await scene.deliver(webhook(json.dumps(unpaid).encode(), channel="amazon", account="US-1", topic="order"))
    assert event.status == "ignored"
    assert event.outcome is not None
    assert event.outcome.startswith("payment_pending at proceeds")
    async with scene.database.session() as session:
        assert await inbox.dead_letters(session) == []


async def test_a_topic_that_is_not_about_orders_is_ignored(scene: Scene) -> None:
    event = await scene.deliver(webhook(b"{}", topic="products/update"))
    assert (event.status, event.outcome) == ("ignored", "topic products/update is not used")


async def test_an_order_that_is_paid_later_goes_on_when_the_channel_says_so(scene: Scene) -> None:
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id, FIRST, financial_status="pending"), order_id))
    waiting = await scene.world.until(scene.handle(order_id), lambda seen: seen.waiting_for == "payment")
    assert waiting.state is OrderState.ON_HOLD
    await scene.deliver(webhook(payload(order_id, SECOND), order_id, topic="orders/paid"))
    await scene.shipped(order_id)


async def test_an_order_of_another_currency_and_a_huge_id_is_taken_as_it_is(scene: Scene) -> None:
    order_id = 2**62
    lines = [shop.line(sku="MAT", price="1000")]
    await scene.deliver(webhook(payload(order_id, currency="JPY", total_price="2000", line_items=lines), order_id))
    await scene.shipped(order_id)
    row = await row_of(scene.database, order_id)
    assert Money.of(row.total, row.currency) == Money.of("2000", "JPY")


async def test_a_version_told_twice_at_once_is_told_once(world: World) -> None:
    """Two events of one order, delivered by two relays at the same time, take turns."""
    world.wms.manual = True
    order_id, database = an_id(), world.database
    await keep(database, webhook(payload(order_id, FIRST), order_id))
    async with relaying(database, world.client):
        await until(lambda: events(database), lambda found: found[0].status == "delivered")
        for _ in range(8):
            await keep(database, webhook(payload(order_id, SECOND), order_id))
        async with relaying(database, world.client):
            told = await until(lambda: events(database), lambda found: all(e.status == "delivered" for e in found))
    outcomes = [each.outcome or "" for each in told[1:]]
    assert sum("told of version" in outcome for outcome in outcomes) == 1
    assert sum("is known" in outcome for outcome in outcomes) == 7
