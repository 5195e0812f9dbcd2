"""The connector against the twin over real HTTP, every exchange checked against Walmart's OpenAPI files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import Declined, InDoubt, Unavailable
from connectors.ports import Channel, ChannelFormat
from connectors.walmart.client import WalmartChannel
from connectors.walmart.format import WalmartFormat
from connectors.walmart.settlement import parse_settlement
from models.channel import CancelReason, ReturnAction
from models.order import ChannelState
from models.returns import ReturnState
from models.settlement import RECEIVABLE, LineType
from sandbox import walmart_returns
from sandbox.core import Sandbox
from sandbox.faults import Fault, FaultKind
from sandbox.goods import LISTINGS
from sandbox.traits import Traits
from sandbox.walmart import WalmartTwin
from tests.fetched import fetched
from tests.walmart.conftest import Connect
from tests.walmart.contract import Recorded, check_exchange, needs_specs
from tests.walmart.payloads import (
    acknowledgement,
    cancellation,
    decision,
    fetch,
    parcel,
    refund,
    returns_of,
    stock,
    taken,
)


def test_the_connector_is_a_channel_and_its_format_a_format(channel: WalmartChannel) -> None:
    ports: tuple[Channel, ChannelFormat] = (channel, WalmartFormat())
    assert ports[0].name == ports[1].channel == "walmart"


@needs_specs
async def test_everything_that_goes_over_the_wire_is_in_the_contract(
    twin: WalmartTwin, connect: Connect, wire: Recorded, plain: Traits
) -> None:
    channel = connect(page_size=1)
    sold = [twin.sell(plain), twin.sell(Traits(2, ((LISTINGS[2], 2),), channel_tax=True, discount=True, returns=True))]
    page = await channel.poll(None)
    while page.more:
        page = await channel.poll(page.cursor)
    first, second = [await taken(channel, external_id) for external_id in sold]
    await channel.confirm(parcel(first, {"1": 1}, carrier="Cousin Bob's Vans"), retry=False)
    await channel.cancel(cancellation(first, {"1": 1}), retry=False)
    await channel.refund(refund(first, "10.00", "1.00"), retry=False)
    await channel.confirm(parcel(second), retry=False)
    (found,) = await returns_of(channel)
    await channel.decide_return(decision(second, found.return_id), retry=False)
    await channel.set_stock(stock(STOVE_01=4), retry=False)
    assert twin.close_period()
    (ref,) = await channel.settlements()
    await fetched(channel, ref)
    for request, response in wire.exchanges:
        check_exchange(request, response)
    asked = {(request.method, request.url.path.rpartition("/")[2]) for request, _ in wire.exchanges}
    writes = {"acknowledge", "shipping", "cancel", "refund", "inventory"}
    assert {name for method, name in asked if method in ("POST", "PUT")} == {"token", *writes}


# Acknowledging


async def test_an_order_is_acknowledged_once_and_may_be_again(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    sold = twin.sell(plain)
    fresh = await fetch(channel, sold)
    assert fresh.acknowledge_by == fresh.purchased_at + timedelta(hours=4)
    for retry in (False, True):
        await channel.acknowledge(acknowledgement(fresh), retry=retry)
    assert (await fetch(channel, sold)).acknowledge_by is None
    assert len(sandbox.ledger.entries("walmart", "acknowledged", f"walmart/US/{sold}")) == 1


async def test_an_order_that_has_gone_further_needs_no_acknowledgement(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    order = await taken(channel, twin.sell(plain))
    await channel.confirm(parcel(order), retry=False)
    assert (await channel.acknowledge(acknowledgement(order), retry=False)).operation is None


async def test_an_order_that_walmart_fulfils_is_not_acknowledged(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    order = await fetch(channel, twin.sell(Traits(2, plain.items, channel_fulfilled=True)))
    assert order.acknowledge_by is None
    with pytest.raises(Declined):
        await channel.acknowledge(acknowledgement(order), retry=False)


# Shipping


async def test_a_line_leaves_in_several_parcels(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    sold = twin.sell(plain)
    order = await taken(channel, sold)
    await channel.confirm(parcel(order, {"1": 2}, number=1), retry=False)
    part = await fetch(channel, sold)
    assert (part.state, part.lines[0].shipped) == (ChannelState.PARTIALLY_SHIPPED, 2)
    await channel.confirm(parcel(order, {"1": 1, "2": 1}, number=2, carrier="Cousin Bob's Vans"), retry=False)
    whole = await fetch(channel, sold)
    assert whole.state is ChannelState.SHIPPED
    assert [(each.tracking, each.carrier, each.quantities) for each in whole.parcels] == [
        ("1Z000000001", "UPS", {"1": 2}),
        ("1Z000000002", "Cousin Bob's Vans", {"1": 1, "2": 1}),
    ]
    assert whole.parcels[0].shipped_at == datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
    effects = sandbox.ledger.entries("walmart", "shipped", f"walmart/US/{sold}")
    assert [effect["detail"]["units"] for effect in effects] == [{"1": 2}, {"1": 1, "2": 1}]


async def test_what_is_not_acknowledged_is_not_shipped(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    order = await fetch(channel, twin.sell(plain))
    with pytest.raises(Declined, match="acknowledge it first") as declined:
        await channel.confirm(parcel(order), retry=False)
    assert (declined.value.code, declined.value.field) == ("invalid_request_content", "statusQuantity")


async def test_a_lost_reply_is_a_doubt_and_the_parcel_is_shipped_once(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    order = await taken(channel, twin.sell(plain))
    sandbox.faults.add(Fault(operation="walmart.ship", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await channel.confirm(parcel(order, {"1": 1}), retry=False)
    await channel.confirm(parcel(order, {"1": 1}), retry=True)
    assert sandbox.ledger.counts()["walmart/shipped"] == 1


async def test_goods_that_have_left_are_shipped_whatever_the_buyer_wishes(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    sold = twin.sell(Traits(7, plain.items, asks_to_cancel=True))
    order = await taken(channel, sold)
    assert order.cancel_requested
    await channel.confirm(parcel(order), retry=False)
    assert (await fetch(channel, sold)).state is ChannelState.SHIPPED


# Cancelling


async def test_a_cancelled_line_costs_nothing_any_more(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    sold = twin.sell(plain)
    order = await taken(channel, sold)
    await channel.cancel(cancellation(order, {"1": 1}), retry=False)
    part = await fetch(channel, sold)
    assert (part.lines[0].cancelled, part.lines[0].open) == (1, 2)
    assert part.lines[0].goods.amount == 2 * LISTINGS[0].price
    await channel.cancel(cancellation(part), retry=False)
    gone = await fetch(channel, sold)
    assert (gone.state, str(gone.total)) == (ChannelState.CANCELLED, "0.00 USD")


async def test_what_was_cancelled_before_is_done(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    order = await taken(channel, twin.sell(plain))
    for retry in (False, False, True):
        await channel.cancel(cancellation(order), retry=retry)
    assert sandbox.ledger.counts()["walmart/cancelled"] == 1


async def test_the_buyers_reason_counts_only_when_the_buyer_has_asked(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    order = await taken(channel, twin.sell(plain))
    with pytest.raises(Declined, match="not asked") as declined:
        await channel.cancel(cancellation(order, reason=CancelReason.BUYER), retry=False)
    assert declined.value.field == "cancellationReason"
    asked = await taken(channel, twin.sell(Traits(7, plain.items, asks_to_cancel=True)))
    await channel.cancel(cancellation(asked, reason=CancelReason.BUYER), retry=False)
    assert (await fetch(channel, asked.key.external_id)).state is ChannelState.CANCELLED


async def test_what_has_left_is_not_cancelled(twin: WalmartTwin, channel: WalmartChannel, plain: Traits) -> None:
    order = await taken(channel, twin.sell(plain))
    await channel.confirm(parcel(order, {"1": 2}), retry=False)
    for retry in (False, True):
        with pytest.raises(Declined):
            await channel.cancel(cancellation(order), retry=retry)


# Refunding


async def test_refunds_of_one_line_are_counted_each_and_never_beyond_what_was_paid(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    sold = twin.sell(plain)
    order = await taken(channel, sold)
    with pytest.raises(Declined, match="shipped"):
        await channel.refund(refund(order, "1.00"), retry=False)
    await channel.confirm(parcel(order), retry=False)
    for purpose in ("first", "second"):
        for retry in (False, True):
            await channel.refund(refund(order, "100.00", "1.00", purpose=purpose), retry=retry)
    assert [entry["detail"]["amount"] for entry in sandbox.ledger.entries("walmart", "refunded")] == ["101.0", "101.0"]
    (shown,) = (await fetch(channel, sold)).refunds
    assert (str(shown.amount), shown.reason) == ("202.00 USD", "DamagedItem")
    with pytest.raises(Declined, match="No more than"):
        await channel.refund(refund(order, "600.00", purpose="third"), retry=False)


async def test_a_retry_never_pays_twice_where_comments_are_not_shown(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    order = await taken(channel, twin.sell(plain))
    await channel.confirm(parcel(order), retry=False)
    await channel.refund(refund(order, "10.00", "0.50"), retry=False)
    record = sandbox.shelf.collection("walmart_orders").get(order.key.external_id)
    assert record
    record["order"]["orderLines"]["orderLine"][0]["refund"]["refundComments"] = None
    await channel.refund(refund(order, "10.00", "0.50"), retry=True)
    assert sandbox.ledger.counts()["walmart/refunded"] == 1
    await channel.refund(refund(order, "11.00", purpose="another"), retry=True)
    assert sandbox.ledger.counts()["walmart/refunded"] == 2


# Returns


async def test_a_return_is_read_refunded_and_complete(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await channel.returns(None)).returns == ()
    order = await taken(channel, twin.sell(Traits(9, plain.items, returns=True, channel_tax=True)))
    await channel.confirm(parcel(order), retry=False)
    (opened,) = await returns_of(channel)
    assert (opened.order_key, opened.state, opened.refunded) == (order.key, ReturnState.APPROVED, None)
    monkeypatch.setattr(walmart_returns, "DELIVERED_AFTER", timedelta(0))
    (back,) = await returns_of(channel)
    assert back.state is ReturnState.RECEIVED
    assert back.version > opened.version
    for retry in (False, True):
        await channel.decide_return(decision(order, back.return_id), retry=retry)
    (closed,) = await returns_of(channel)
    assert closed.state is ReturnState.CLOSED
    assert closed.refunded is not None
    assert closed.refunded.amount > LISTINGS[0].price
    assert sandbox.ledger.counts()["walmart/return_refunded"] == 1
    assert (await fetch(channel, order.key.external_id)).refunds[0].amount == closed.refunded


async def test_the_customer_order_is_asked_for_when_it_is_not_known(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    order = await taken(channel, twin.sell(Traits(9, plain.items, returns=True)))
    await channel.confirm(parcel(order), retry=False)
    (opened,) = await returns_of(channel)
    blank = decision(order, opened.return_id).model_copy(update={"extras": {}})
    await channel.decide_return(blank, retry=False)
    assert sandbox.ledger.counts()["walmart/return_refunded"] == 1
    with pytest.raises(Declined):
        await channel.decide_return(blank, retry=False)


@pytest.mark.parametrize("action", [ReturnAction.ACCEPT, ReturnAction.REFUSE, ReturnAction.RECEIVE])
async def test_walmart_decides_the_rest_itself(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits, action: ReturnAction
) -> None:
    order = await fetch(channel, twin.sell(plain))
    with pytest.raises(Declined) as declined:
        await channel.decide_return(decision(order, "R1", action), retry=False)
    assert declined.value.code == "unsupported"


# Stock


async def test_an_unknown_sku_is_rejected_and_the_others_are_set(sandbox: Sandbox, channel: WalmartChannel) -> None:
    done = await channel.set_stock(stock(STOVE_01=4, NOBODY_SELLS=1, HEADLAMP=0), retry=False)
    assert [(each.key, each.code) for each in done.rejected] == [("NOBODY-SELLS", "not_found")]
    told = {entry["key"]: entry["detail"]["quantity"] for entry in sandbox.ledger.entries("walmart", "stock_set")}
    assert told == {"walmart/US/STOVE-01": 4, "walmart/US/HEADLAMP": 0}


async def test_nothing_is_ever_under_way(channel: WalmartChannel) -> None:
    with pytest.raises(Declined):
        await channel.follow("feed-1")


# Settlements


async def test_a_report_is_read_in_pages_and_pays_what_is_receivable(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.walmart.reports.PAGE_SIZE", 3)
    assert await channel.settlements() == []
    order = await taken(channel, twin.sell(Traits(3, plain.items, channel_tax=True, discount=True)))
    await channel.confirm(parcel(order, {"1": 1}), retry=False)
    twin.close_period()
    await channel.confirm(parcel(order, {"1": 2, "2": 1}, number=2), retry=False)
    await channel.refund(refund(order, "20.00", "1.00"), retry=False)
    twin.close_period()
    refs = await channel.settlements()
    found = [parse_settlement(await fetched(channel, ref), "US") for ref in refs]
    assert len({each.settlement_id for each in found}) == 2
    lines = [line for each in found for line in each.lines]
    assert {line.order_id for line in lines} == {order.key.external_id}
    assert sum(line.amount.amount for line in lines if line.type in RECEIVABLE) == order.receivable.amount
    assert sum(line.amount.amount for line in lines if line.type is LineType.REFUND) == -20
    assert not [line for line in lines if line.type is LineType.UNKNOWN]
    assert twin.close_period() == []


# Quotas


@pytest.mark.parametrize("quota_scale", [0.02])
async def test_our_own_allotment_is_kept(
    twin: WalmartTwin, sandbox: Sandbox, channel: WalmartChannel, plain: Traits
) -> None:
    request = acknowledgement(await fetch(channel, twin.sell(plain)))
    await channel.acknowledge(request, retry=False)
    with pytest.raises(Unavailable) as later:
        await channel.acknowledge(request, retry=False)
    assert later.value.retry_after is not None
    assert later.value.retry_after > timedelta(seconds=30)
    assert not [name for name in sandbox.calls if name.endswith(" 429")]
    left = {quota.operation: quota.left for quota in channel.health().quotas}
    assert left["walmart.acknowledge"] < 1 < left["walmart.list_orders"]


def test_health_says_what_is_known_without_asking(channel: WalmartChannel, sandbox: Sandbox) -> None:
    assert channel.health().api_version == "v3"
    assert not sandbox.calls
