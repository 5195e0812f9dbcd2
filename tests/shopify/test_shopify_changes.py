"""What the seller does after an order: cancel, pay back, decide on returns, set stock. Against the twin."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import Declined, InDoubt, Unavailable
from connectors.ports import Channel
from connectors.registry import ChannelConnection
from connectors.shopify.client import ShopifyChannel
from connectors.shopify.format import ShopifyFormat
from connectors.shopify.refunding import key_of
from connectors.shopify.stocking import spread
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    Progress,
    RefundReason,
    RefundRequest,
    ReturnAction,
    ReturnDecision,
    StockUpdate,
)
from models.money import Money
from models.order import ChannelState, Order, OrderKey
from models.returns import ChannelReturn, ReturnState
from sandbox.core import SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.shopify_graphql import THROTTLED
from tests.shopify.shop import Shop, order, parcel, serving, until

FAST = SandboxOptions(base_url="http://shopify.test", quota_scale=100, job_delay=0.01)


def about(order_id: str, **more: Any) -> dict[str, Any]:
    key = OrderKey(channel="shopify", account="main", external_id=order_id)
    return {"request_id": f"{key}#1", "order_key": key, "correlation_id": "c-1", **more}


def cancellation(order_id: str, units: dict[str, int], **more: Any) -> Cancellation:
    return Cancellation.model_validate(
        about(order_id, **{"units": units, "whole": False, "reason": CancelReason.BUYER, **more})
    )


def refund(order_id: str, line_id: str, amount: str, currency: str, **more: Any) -> RefundRequest:
    row = {"line_id": line_id, "quantity": 1, "goods": Money.of(amount, currency)}
    return RefundRequest.model_validate(about(order_id, **{"lines": [row], "reason": RefundReason.RETURNED, **more}))


def decision(order_id: str, found: ChannelReturn, action: ReturnAction, **more: Any) -> ReturnDecision:
    units = {each.return_line_id: each.quantity for each in found.lines}
    return ReturnDecision.model_validate(
        about(order_id, **{"return_id": found.return_id, "action": action, "units": units, **more})
    )


def effects(shop: Shop, effect: str, order_id: str = "") -> list[dict[str, Any]]:
    return shop.sandbox.ledger.entries("shopify", effect, f"shopify/main/{order_id}" if order_id else "")


def units_of(shop: Shop, order_id: str) -> dict[str, int]:
    return {str(item["id"]): item["quantity"] for item in shop.document(order_id)["line_items"]}


async def read(channel: ShopifyChannel, order_id: str) -> Order:
    parsed = ShopifyFormat().parse(await channel.order(order_id), "main")
    assert not parsed.refusals
    assert not parsed.drift
    (found,) = parsed.orders
    assert not found.totals.difference
    return found


async def ended(channel: ShopifyChannel, progress: Progress) -> Progress:
    for _ in range(200):
        if progress.operation is None:
            return progress
        await asyncio.sleep(0.01)
        progress = await channel.follow(progress.operation)
    raise AssertionError("it never ended")


def test_the_channel_is_what_the_port_asks_for() -> None:
    channel: Channel = Shop(FAST).channel()
    assert channel.name == "shopify"


async def test_an_order_is_read_as_it_stands_and_an_unknown_one_is_declined() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(2)
    channel = shop.channel()
    assert (await read(channel, order_id)).key.external_id == order_id
    with pytest.raises(Declined) as caught:
        await channel.order("404")
    assert caught.value.code == "not_found"


async def test_a_poll_can_begin_at_any_moment() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(2)
    seen = await shop.channel().poll(None)
    channel = shop.channel(options={"overlap_seconds": 0})
    version = seen.orders[0].version
    page = await channel.poll(channel.cursor_from(version))
    assert [each.external_id for each in page.orders] == [order_id]
    later = channel.cursor_from(version.replace(year=version.year + 1))
    assert not (await channel.poll(later)).orders


async def test_shopify_wants_no_acknowledgement() -> None:
    request = Acknowledgement.model_validate(about("1", lines=["1"]))
    assert await Shop(FAST).channel().acknowledge(request, retry=False) == Progress()


async def test_a_cancellation_is_done_when_the_order_says_so() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    channel = shop.channel()
    request = cancellation(order_id, units_of(shop, order_id), whole=True, reason=CancelReason.OUT_OF_STOCK)
    progress = await channel.cancel(request, retry=False)
    assert progress.operation is not None
    assert not effects(shop, "cancelled", order_id)
    await ended(channel, progress)
    (effect,) = effects(shop, "cancelled", order_id)
    assert effect["detail"] == {"reason": "INVENTORY", "by": "app", "refunded": True}
    found = await read(channel, order_id)
    assert found.state is ChannelState.CANCELLED
    assert found.cancel_reason == "inventory"
    assert found.refunds[0].amount == found.total
    assert shop.webhooks.topics[-1] == "orders/cancelled"
    assert await channel.cancel(request, retry=True) == Progress()
    assert len(effects(shop, "cancelled", order_id)) == 1


async def test_a_job_that_ends_without_cancelling_is_a_refusal_with_shopifys_words() -> None:
    shop = Shop(SandboxOptions(base_url="http://shopify.test", quota_scale=100, job_delay=0.1))
    order_id = shop.sell(3)
    channel = shop.channel()
    units = units_of(shop, order_id)
    progress = await channel.cancel(cancellation(order_id, units, whole=True), retry=False)
    await channel.confirm(parcel(order_id, units), retry=False)
    with pytest.raises(Declined, match="Cannot cancel an order that has fulfillments") as caught:
        await ended(channel, progress)
    assert caught.value.code == "INVALID"
    assert not effects(shop, "cancelled", order_id)
    with pytest.raises(Declined, match="fulfillments"):
        await channel.cancel(cancellation(order_id, units, whole=True), retry=True)


async def test_a_job_that_ends_between_look_and_write_is_a_success() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    cancelling = shop.twin._parts.cancelling
    begin = cancelling.begin

    def too_late(wanted: dict[str, Any]) -> str:
        cancelling.cancel(order_id, reason="CUSTOMER")
        return begin(wanted)

    cancelling.begin = too_late  # type: ignore[method-assign]
    request = cancellation(order_id, units_of(shop, order_id), whole=True)
    assert await shop.channel().cancel(request, retry=True) == Progress()
    assert len(effects(shop, "cancelled", order_id)) == 1


async def test_a_job_under_way_is_ended_after_a_restart(tmp_path: Any) -> None:
    options = SandboxOptions(
        base_url="http://shopify.test", quota_scale=100, job_delay=30, state_dir=tmp_path / "state"
    )
    shop = Shop(options)
    order_id = shop.sell(3)
    progress = await shop.channel().cancel(cancellation(order_id, units_of(shop, order_id), whole=True), retry=False)
    for task in shop.sandbox.tasks:
        task.cancel()
    shop.sandbox.shelf.close()
    again = Shop(options.model_copy(update={"job_delay": 0.01}))
    again.twin.resume()
    await ended(again.channel(), progress)
    assert len(effects(again, "cancelled", order_id)) == 1


@pytest.mark.parametrize("number", [2, 4, 12, 20])
async def test_cancelled_units_are_taken_off_and_paid_back_once(number: int) -> None:
    shop = Shop(FAST)
    order_id = shop.sell(number)
    if shop.document(order_id)["financial_status"] == "pending":
        shop.twin._book.pay(order_id)
    channel = shop.channel()
    before = await read(channel, order_id)
    line_id = before.lines[0].line_id
    request = cancellation(order_id, {line_id: 1})
    assert await channel.cancel(request, retry=False) == Progress()
    assert await channel.cancel(request, retry=True) == Progress()
    after = await read(channel, order_id)
    assert after.lines[0].cancelled == 1
    assert after.total == before.total
    (back,) = after.refunds
    assert back.quantities == {line_id: 1}
    assert Decimal(0) < back.amount.amount <= before.total.amount
    assert len(effects(shop, "refunded", order_id)) == 1
    assert effects(shop, "units_cancelled", order_id)[0]["detail"]["units"] == {line_id: 1}
    assert ShopifyFormat().parse(shop.body(order_id), "main").orders[0] == after


async def test_units_that_have_left_cannot_be_cancelled_and_those_that_are_off_are_done() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    channel = shop.channel()
    await channel.confirm(parcel(order_id, {line_id: 2}), retry=False)
    with pytest.raises(Declined, match="1 have not left") as caught:
        await channel.cancel(cancellation(order_id, {line_id: 2}), retry=False)
    assert (caught.value.code, caught.value.field) == ("already_shipped", line_id)
    await channel.cancel(cancellation(order_id, {line_id: 1}), retry=False)
    assert await channel.cancel(cancellation(order_id, {line_id: 1}, request_id="another"), retry=False) == Progress()
    assert len(effects(shop, "units_cancelled", order_id)) == 1
    assert (await read(channel, order_id)).state is ChannelState.SHIPPED


async def test_units_of_an_order_that_is_not_paid_are_taken_off_without_money() -> None:
    shop = Shop(FAST)
    shop.replace(order(financial_status="authorized"))
    order_id = str(order()["id"])
    channel = shop.channel()
    await channel.cancel(cancellation(order_id, {"901": 1}), retry=False)
    found = await read(channel, order_id)
    assert (found.lines[0].cancelled, found.refunds) == (1, ())
    assert not effects(shop, "refunded")


@pytest.mark.parametrize(
    ("order_id", "units", "code"), [("404", {"1": 1}, "not_found"), ("", {"7": 1}, "unknown_line")]
)
async def test_what_shopify_does_not_know_is_declined(order_id: str, units: dict[str, int], code: str) -> None:
    shop = Shop(FAST)
    known = shop.sell(3)
    with pytest.raises(Declined) as caught:
        await shop.channel().cancel(cancellation(order_id or known, units), retry=False)
    assert caught.value.code == code


async def test_a_lost_reply_to_a_refund_is_in_doubt_and_the_retry_pays_nothing_more() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    request = refund(order_id, line_id, "5.00", shop.document(order_id)["currency"])
    async with serving(shop) as channel:
        shop.sandbox.faults.add(Fault(operation="shopify.refund_create", kind=FaultKind.LOST_REPLY, times=1))
        with pytest.raises(InDoubt):
            await channel.refund(request, retry=False)
        assert await channel.refund(request, retry=True) == Progress()
    assert [each["detail"]["amount"] for each in effects(shop, "refunded", order_id)] == ["5.00"]


async def test_a_refund_is_exactly_the_amount_that_was_asked_for() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    channel = shop.channel()
    bought = await read(channel, order_id)
    line_id = bought.lines[0].line_id
    await channel.confirm(parcel(order_id, {line_id: 3}), retry=False)
    currency = bought.currency
    row = {"line_id": line_id, "quantity": 1, "goods": Money.of("10.00", currency),
           "shipping": Money.of("1.50", currency), "tax": Money.of("0.83", currency)}  # fmt: skip
    request = RefundRequest.model_validate(about(order_id, lines=[row], reason=RefundReason.DAMAGED, note="Torn"))
    await channel.refund(request, retry=False)
    (back,) = (await read(channel, order_id)).refunds
    assert str(back.amount) == f"12.33 {currency}"
    assert back.reason == f"Torn [{request.request_id}]"
    assert back.quantities == {line_id: 1}
    assert (await read(channel, order_id)).state is ChannelState.SHIPPED


async def test_more_than_the_buyer_paid_is_declined_before_anything_is_sent() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    currency = shop.document(order_id)["currency"]
    with pytest.raises(Declined) as caught:
        await shop.channel().refund(refund(order_id, line_id, "9999.00", currency), retry=False)
    assert caught.value.code == "over_refund"
    assert shop.sandbox.calls["shopify.refund_create 200"] == 0


async def test_a_refund_in_another_currency_than_the_orders_is_declined() -> None:
    shop = Shop(FAST)
    shop.replace(order())
    with pytest.raises(Declined) as caught:
        await shop.channel().refund(refund(str(order()["id"]), "901", "1.00", "CHF"), retry=False)
    assert caught.value.code == "currency_differs"


async def test_a_buyer_who_paid_in_another_currency_is_paid_back_in_it() -> None:
    shop = Shop(FAST)
    shown = {"shop_money": {"amount": "20.00", "currency_code": "USD"},
             "presentment_money": {"amount": "18.80", "currency_code": "CHF"}}  # fmt: skip
    shop.replace(order(presentment_currency="CHF", total_price_set=shown))
    order_id = str(order()["id"])
    channel = shop.channel()
    await channel.refund(refund(order_id, "901", "5.00", "USD"), retry=False)
    await channel.refund(refund(order_id, "901", "15.00", "USD", request_id="the rest"), retry=False)
    paid = [(each["detail"]["amount"], each["detail"]["currency"]) for each in effects(shop, "refunded", order_id)]
    assert paid == [("4.70", "CHF"), ("14.10", "CHF")]
    found = await read(channel, order_id)
    assert [str(each.amount) for each in found.refunds] == ["5.00 USD", "15.00 USD"]
    assert ShopifyFormat().parse(shop.body(order_id), "main").orders[0].refunds == found.refunds
    assert shop.document(order_id)["financial_status"] == "refunded"


async def test_a_refund_that_the_payment_provider_is_slow_with_is_followed_to_its_end() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    channel = shop.channel()
    request = refund(order_id, line_id, "5.00", shop.document(order_id)["currency"])
    await channel.refund(request, retry=False)

    def provider_says(status: str) -> None:
        document = shop.document(order_id)
        document["refunds"][0]["transactions"][0]["status"] = status
        shop.replace(document)

    provider_says("pending")
    progress = await channel.refund(request, retry=True)
    assert progress.operation is not None
    assert (await channel.follow(progress.operation)).operation == progress.operation
    assert not (await read(channel, order_id)).refunds
    provider_says("failure")
    with pytest.raises(Declined) as caught:
        await channel.follow(progress.operation)
    assert caught.value.code == "refund_failed"
    provider_says("success")
    assert await channel.follow(progress.operation) == Progress()


async def test_a_spent_key_is_looked_up_and_another_one_taken() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    request = refund(order_id, line_id, "5.00", shop.document(order_id)["currency"])
    spent = shop.sandbox.shelf.collection("shopify.idempotency")
    spent.put(f"refundCreate:{key_of(request.request_id)}", {"print": "of another input", "id": "1"})
    await shop.channel().refund(request, retry=False)
    assert len(effects(shop, "refunded", order_id)) == 1


async def test_without_an_idempotency_key_no_money_moves() -> None:
    shop = Shop(FAST)
    order_id = shop.sell(3)
    (line_id,) = units_of(shop, order_id)
    wanted = {"orderId": f"gid://shopify/Order/{order_id}",
              "refundLineItems": [{"lineItemId": f"gid://shopify/LineItem/{line_id}", "quantity": 1}]}  # fmt: skip
    answer = await shop.ask(
        "mutation M($i: RefundInput!) { refundCreate(input: $i) { refund { id } userErrors { message } } }", i=wanted
    )
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert not shop.document(order_id)["refunds"]


async def shipped_with_return(shop: Shop, number: int = 3) -> tuple[str, ChannelReturn]:
    """An order that left, and its buyer asking to send one unit back."""
    order_id = shop.sell(number)
    channel = shop.channel()
    shop.sandbox.shelf.collection("shopify.returns_planned").put(order_id, True)
    await channel.confirm(parcel(order_id, units_of(shop, order_id)), retry=False)
    await until(lambda: effects(shop, "return_requested", order_id))
    return order_id, await the_return(channel)


async def the_return(channel: ShopifyChannel) -> ChannelReturn:
    page = await channel.returns(None)
    (polled,) = page.returns
    parsed = ShopifyFormat().parse_returns(polled.body, "main")
    assert not parsed.refusals
    (found,) = parsed.returns
    assert (found.return_id, found.version) == (polled.external_id, polled.version)
    return found


async def test_a_return_is_asked_for_approved_received_and_paid_back() -> None:
    shop = Shop(FAST)
    order_id, asked = await shipped_with_return(shop)
    channel = shop.channel()
    assert asked.state is ReturnState.REQUESTED
    assert asked.order_key.external_id == order_id
    assert (asked.lines[0].sku, asked.lines[0].reason) == ("TENT-4P-GRN", "unwanted: Changed my mind.")
    told = ShopifyFormat().parse_returns(shop.webhooks.sent[-1][1], "main").returns[0]
    assert (told.state, told.order_key, told.return_id) == (asked.state, asked.order_key, asked.return_id)
    assert told.lines[0].line_id == asked.lines[0].line_id

    await channel.decide_return(decision(order_id, asked, ReturnAction.ACCEPT), retry=False)
    approved = await the_return(channel)
    assert (approved.state, approved.carrier, approved.tracking) == (
        ReturnState.APPROVED, "DHL", f"RET{asked.return_id}"
    )  # fmt: skip
    assert approved.version > asked.version
    await channel.decide_return(decision(order_id, asked, ReturnAction.RECEIVE, request_id="in"), retry=False)
    assert (await the_return(channel)).state is ReturnState.RECEIVED
    await channel.decide_return(decision(order_id, asked, ReturnAction.REFUND, request_id="pay"), retry=False)
    closed = await the_return(channel)
    assert closed.state is ReturnState.CLOSED
    bought = await read(channel, order_id)
    assert closed.refunded == bought.refunds[0].amount
    assert (bought.lines[0].shipped, bought.lines[0].cancelled) == (3, 0)
    topics = [topic for topic in shop.webhooks.topics if topic.startswith("returns/")]
    assert topics == ["returns/request", "returns/approve", "returns/process", "returns/process", "returns/close"]


@pytest.mark.parametrize("action", [ReturnAction.ACCEPT, ReturnAction.REFUSE])
async def test_a_decision_that_was_taken_is_not_taken_again(action: ReturnAction) -> None:
    shop = Shop(FAST)
    order_id, asked = await shipped_with_return(shop)
    channel = shop.channel()
    effect = {"accept": "return_approved", "refuse": "return_declined"}[action]
    for retry in (False, True):
        await channel.decide_return(decision(order_id, asked, action, note="no"), retry=retry)
    assert len(effects(shop, effect, order_id)) == 1
    other = ReturnAction.REFUSE if action is ReturnAction.ACCEPT else ReturnAction.ACCEPT
    with pytest.raises(Declined) as caught:
        await channel.decide_return(decision(order_id, asked, other), retry=False)
    assert caught.value.code == "wrong_state"


@pytest.mark.parametrize("operation", ["shopify.return_process", "shopify.return_close"])
async def test_a_return_is_paid_back_once_whichever_reply_is_lost(operation: str) -> None:
    shop = Shop(FAST)
    order_id, asked = await shipped_with_return(shop)
    async with serving(shop) as channel:
        await channel.decide_return(decision(order_id, asked, ReturnAction.ACCEPT), retry=False)
        shop.sandbox.faults.add(Fault(operation=operation, kind=FaultKind.LOST_REPLY, times=1))
        pay = decision(order_id, asked, ReturnAction.REFUND, request_id="pay")
        with pytest.raises(InDoubt):
            await channel.decide_return(pay, retry=False)
        await channel.decide_return(pay, retry=True)
        assert (await the_return(channel)).state is ReturnState.CLOSED
    assert len(effects(shop, "refunded", order_id)) == 1
    assert len(effects(shop, "return_closed", order_id)) == 1


async def test_a_receipt_whose_reply_is_lost_is_recorded_once() -> None:
    shop = Shop(FAST)
    order_id, asked = await shipped_with_return(shop)
    async with serving(shop) as channel:
        await channel.decide_return(decision(order_id, asked, ReturnAction.ACCEPT), retry=False)
        shop.sandbox.faults.add(Fault(operation="shopify.return_process", kind=FaultKind.LOST_REPLY, times=1))
        come = decision(order_id, asked, ReturnAction.RECEIVE, request_id="in")
        with pytest.raises(InDoubt):
            await channel.decide_return(come, retry=False)
        await channel.decide_return(come, retry=True)
    assert len(effects(shop, "return_processed", order_id)) == 1


async def test_goods_are_not_received_before_the_return_is_approved() -> None:
    shop = Shop(FAST)
    order_id, asked = await shipped_with_return(shop)
    for action in (ReturnAction.RECEIVE, ReturnAction.REFUND):
        with pytest.raises(Declined) as caught:
            await shop.channel().decide_return(decision(order_id, asked, action), retry=False)
        assert caught.value.code == "wrong_state"
    assert not effects(shop, "refunded", order_id)


async def test_returns_are_walked_page_by_page_and_only_changed_ones_come_again() -> None:
    shop = Shop(FAST)
    for number in range(10, 17):
        order_id = shop.sell(number)
        if shop.document(order_id)["financial_status"] == "pending":
            shop.twin._book.pay(order_id)
        shop.sandbox.shelf.collection("shopify.returns_planned").put(order_id, True)
        channel = shop.channel()
        await channel.confirm(parcel(order_id, units_of(shop, order_id)), retry=False)
    await until(lambda: len(effects(shop, "return_requested")) == 7)
    channel = shop.channel(options={"start": "2000-01-01T00:00:00Z", "overlap_seconds": 0})
    seen: list[str] = []
    cursor, more = None, True
    while more:
        page = await channel.returns(cursor)
        seen += [each.external_id for each in page.returns]
        cursor, more = page.cursor, page.more
    assert len(seen) == len(set(seen)) == 7


def stock(*quantities: tuple[str, int], request_id: str = "stock#1") -> StockUpdate:
    rows = [{"sku": sku, "quantity": quantity} for sku, quantity in quantities]
    return StockUpdate.model_validate({"request_id": request_id, "correlation_id": "c", "quantities": rows})


async def test_stock_is_set_absolutely_over_all_locations() -> None:
    shop = Shop(FAST)
    inventory = shop.twin._parts.inventory
    channel = shop.channel()
    assert await channel.set_stock(stock(("TENT-4P-GRN", 7), ("MAT-01", 3)), retry=False) == Progress()
    assert (inventory.available("TENT-4P-GRN"), inventory.available("MAT-01")) == (7, 3)
    await channel.set_stock(stock(("TENT-4P-GRN", 0), request_id="stock#2"), retry=False)
    await channel.set_stock(stock(("TENT-4P-GRN", 12), request_id="stock#3"), retry=False)
    assert inventory.available("TENT-4P-GRN") == 12
    assert shop.sandbox.calls["shopify.inventory_items 200"] == 1


async def test_a_sku_that_the_shop_does_not_have_is_rejected_and_the_others_are_set() -> None:
    shop = Shop(FAST)
    progress = await shop.channel().set_stock(stock(("NOWHERE", 4), ("MAT-01", 3)), retry=False)
    assert [(each.key, each.code) for each in progress.rejected] == [("NOWHERE", "unknown_sku")]
    assert shop.twin._parts.inventory.available("MAT-01") == 3


async def test_a_quantity_that_the_shop_refuses_is_rejected_and_the_others_are_set() -> None:
    shop = Shop(FAST)
    progress = await shop.channel().set_stock(stock(("MAT-01", 2_000_000_000), ("BAG-40", 5)), retry=False)
    assert [(each.key, each.code) for each in progress.rejected] == [("MAT-01", "INVALID_QUANTITY_TOO_HIGH")]
    assert shop.twin._parts.inventory.available("BAG-40") == 5


async def test_what_is_sold_while_stock_is_set_is_not_sold_twice() -> None:
    shop = Shop(FAST)
    inventory = shop.twin._parts.inventory
    write = inventory.set_levels
    sold: list[str] = []

    def interrupted(wanted: dict[str, Any]) -> str:
        if not sold:
            sold.append(shop.sell(3))
        return write(wanted)

    inventory.set_levels = interrupted  # type: ignore[method-assign]
    await shop.channel().set_stock(stock(("TENT-4P-GRN", 50)), retry=False)
    assert inventory.available("TENT-4P-GRN") == 50
    assert shop.sandbox.calls["shopify.inventory_set_quantities 200"] == 2


async def test_stock_that_never_holds_still_is_tried_again_later() -> None:
    shop = Shop(FAST)
    inventory = shop.twin._parts.inventory
    write = inventory.set_levels

    def busy(wanted: dict[str, Any]) -> str:
        inventory.give_back("TENT-4P-GRN", 1)
        inventory.give_back("MAT-01", 1)
        return write(wanted)

    inventory.set_levels = busy  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="MAT-01"):
        await shop.channel().set_stock(stock(("MAT-01", 50)), retry=False)


async def test_a_lost_reply_to_a_stock_update_does_no_harm() -> None:
    shop = Shop(FAST)
    async with serving(shop) as channel:
        shop.sandbox.faults.add(Fault(operation="shopify.inventory_set_quantities", kind=FaultKind.LOST_REPLY, times=1))
        with pytest.raises(InDoubt):
            await channel.set_stock(stock(("MAT-01", 9)), retry=False)
        await channel.set_stock(stock(("MAT-01", 9)), retry=True)
    assert [each["detail"]["quantity"] for each in effects(shop, "stock_set")] == [9]


async def test_one_location_can_be_the_only_one_that_is_set() -> None:
    shop = Shop(FAST)
    location = "87100000002"
    options = {**shop.connection().options, "stock_location": location}
    await shop.channel(options=options).set_stock(stock(("TENT-4P-GRN", 5)), retry=False)
    (entry,) = effects(shop, "stock_set")
    assert (entry["detail"]["location"], entry["detail"]["quantity"]) == (location, 5)
    progress = await shop.channel(options=options).set_stock(stock(("MAT-01", 5)), retry=False)
    assert progress.rejected[0].code == "not_stocked"


@pytest.mark.parametrize(
    ("levels", "wanted", "after"),
    [
        ({"a": 5, "b": 3}, 8, {"a": 5, "b": 3}),
        ({"a": 5, "b": 3}, 10, {"a": 7, "b": 3}),
        ({"a": 5, "b": 3}, 4, {"a": 1, "b": 3}),
        ({"a": 5, "b": 3}, 1, {"a": 0, "b": 1}),
        ({"a": 5, "b": -2}, 0, {"a": 2, "b": -2}),
        ({"a": -4}, 6, {"a": 6}),
    ],
)
def test_quantities_are_spread_with_as_few_changes_as_can_be(
    levels: dict[str, int], wanted: int, after: dict[str, int]
) -> None:
    assert spread(levels, wanted) == after
    assert sum(after.values()) == wanted


async def test_the_health_says_version_sunset_and_points() -> None:
    shop = Shop()
    channel = shop.channel(credential_expires="2027-01-31T00:00:00Z")
    await channel.poll(None)
    health = channel.health()
    assert (health.api_version, str(health.sunset)) == ("2026-10", "2027-10-01")
    assert str(health.credential_expires) == "2027-01-31 00:00:00+00:00"
    (quota,) = health.quotas
    assert (quota.operation, quota.rate, quota.burst) == ("graphql", 100, 2000)
    assert 1900 < quota.left <= 2000


async def test_a_version_that_ended_is_told_by_the_one_that_answered() -> None:
    shop = Shop(FAST)
    async with shop.client() as http:
        for asked, answered in (("2026-07", "2026-07"), ("2026-10", "2026-10"), ("2024-01", "2026-01")):
            answer = await http.get(f"/admin/api/{asked}/orders.json")
            assert answer.headers["X-Shopify-API-Version"] == answered


async def test_many_calls_at_once_never_ask_for_more_than_the_bucket_holds() -> None:
    shop = Shop()
    ids = [shop.sell(number) for number in (2, 3, 5)]
    channel = shop.channel()
    results = await asyncio.gather(*(channel.order(ids[count % 3]) for count in range(6)), return_exceptions=True)
    assert shop.sandbox.calls[THROTTLED] == 0
    assert any(isinstance(each, bytes) for each in results)
    assert all(isinstance(each, bytes | Unavailable) for each in results)


async def test_a_secret_that_is_rotated_in_its_file_counts_from_the_next_call(tmp_path: Any) -> None:
    shop = Shop(FAST)
    token = tmp_path / "token"
    token.write_text("shpat_retired")
    channel = shop.channel(credentials={"access_token": f"file:{token}"})
    with pytest.raises(Exception, match="401"):
        await channel.poll(None)
    token.write_text(shop.twin.credentials()["access_token"] + "\n")
    assert not (await channel.poll(None)).orders


async def test_a_client_secret_that_is_rotated_buys_the_next_token(tmp_path: Any) -> None:
    shop = Shop(FAST)
    secret = tmp_path / "secret"
    secret.write_text("shpss_retired")
    given = shop.twin.credentials()
    connection: ChannelConnection = shop.connection(
        credentials={"client_id": given["client_id"], "client_secret": f"file:{secret}"}
    )
    channel = shop.channel(credentials=connection.credentials)
    with pytest.raises(Exception, match="no token"):
        await channel.poll(None)
    secret.write_text(given["client_secret"])
    assert not (await channel.poll(None)).orders


def test_an_operation_that_is_not_shopifys_is_refused() -> None:
    with pytest.raises(ValueError, match="no operation"):
        asyncio.run(Shop(FAST).channel().follow("feed/1"))


def test_carriers_are_named_as_shopify_names_them() -> None:
    carriers = ShopifyFormat().vocabulary.carriers
    assert carriers["dhl"] == "DHL Express"


async def test_a_first_query_is_tried_before_the_bucket_is_known() -> None:
    shop = Shop(SandboxOptions(base_url="http://shopify.test", quota_scale=0.5))
    order_id = shop.sell(2)
    assert (await read(shop.channel(), order_id)).key.external_id == order_id
