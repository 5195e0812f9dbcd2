"""The connector against the twin over real HTTP: walks, acceptance, shipments, cancelations, refunds, payouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from connectors.errors import Declined, InDoubt, Unauthorized, Unavailable
from connectors.mirakl.client import MiraklChannel
from connectors.mirakl.format import MiraklFormat
from connectors.mirakl.parse import parse
from connectors.mirakl.returns import parse_returns
from connectors.ports import Channel, ChannelFormat, OrderPage, WebhookRefused
from models.channel import Progress, ReturnAction, ReturnDecision, StockQuantity, StockUpdate
from models.money import Money
from models.order import ChannelState, Order
from models.returns import ChannelReturn, ReturnState
from models.settlement import RECEIVABLE, LineType
from sandbox.channel import ChannelTwin
from sandbox.core import Sandbox, SandboxOptions
from sandbox.faults import Fault, FaultKind
from sandbox.goods import LISTINGS
from sandbox.mirakl import MiraklTwin
from sandbox.traits import Traits, draw
from tests.fetched import fetched
from tests.mirakl.conftest import Buy, Connect, Read, effects
from tests.mirakl.shop import ACCOUNT, about, acknowledgement, cancellation, eur, parcel, refund


async def walk(channel: MiraklChannel, cursor: str | None = None) -> tuple[list[OrderPage], str]:
    pages = [await channel.poll(cursor)]
    while pages[-1].more:
        pages.append(await channel.poll(pages[-1].cursor))
    return pages, pages[-1].cursor


def ids(pages: list[OrderPage]) -> list[str]:
    return [polled.external_id for page in pages for polled in page.orders]


def lose(sandbox: Sandbox, operation: str) -> None:
    sandbox.faults.add(Fault(operation=f"mirakl.{operation}", kind=FaultKind.LOST_REPLY, times=1))


def test_the_connector_is_a_channel_its_format_a_format_and_the_twin_a_twin(
    channel: MiraklChannel, twin: MiraklTwin
) -> None:
    ports: tuple[Channel, ChannelFormat, ChannelTwin] = (channel, MiraklFormat(), twin)
    assert ports[0].name == ports[1].channel == "mirakl"


def test_mirakl_has_no_webhook_to_verify() -> None:
    with pytest.raises(WebhookRefused):
        MiraklFormat().verify({}, b"{}", ("secret",))


async def test_every_generated_order_adds_up_before_and_after_acceptance(
    twin: MiraklTwin, channel: MiraklChannel, read: Read
) -> None:
    sold = [twin.sell(draw(7, "mirakl", number)) for number in range(1, 61)]
    pages, _ = await walk(channel)
    assert sorted(ids(pages)) == sorted(sold)
    orders = [await read(order_id) for order_id in sold]
    assert {order.state for order in orders} == {ChannelState.PENDING, ChannelState.CANCELLED}
    assert all(order.ship_to is None for order in orders)
    for order in orders:
        if order.acknowledge_by:
            await channel.acknowledge(acknowledgement(order), retry=False)
    opened = [await read(order_id) for order_id in sold]
    assert all(order.ship_to and not order.ship_to.missing for order in opened if order.state is ChannelState.OPEN)
    assert any(order.totals.channel_tax for order in opened)
    assert any(order.totals.discounts for order in opened)
    assert not any(order.totals.seller_tax for order in opened)


async def test_a_walk_in_pages_misses_nothing_that_is_added_or_updated_meanwhile(
    twin: MiraklTwin, connect: Connect, plain: Traits, read: Read
) -> None:
    channel = connect(page_size=3, overlap_seconds=1)
    sold = [twin.sell(plain) for _ in range(8)]
    first = await channel.poll(None)
    late = twin.sell(plain)
    await channel.acknowledge(acknowledgement(await read(sold[0])), retry=False)
    rest, cursor = await walk(channel, first.cursor)
    assert set(ids([first, *rest])) == {*sold, late}
    again, _ = await walk(channel, cursor)
    orders = {each.external_id: parse(each.body, ACCOUNT).orders[0] for page in again for each in page.orders}
    assert orders[sold[0]].state is ChannelState.OPEN


async def test_a_walk_goes_by_mirakls_clock_and_not_by_ours(twin: MiraklTwin, connect: Connect, plain: Traits) -> None:
    far_ahead = datetime.now(UTC) + timedelta(hours=3)
    channel = connect(clock=lambda: far_ahead, overlap_seconds=1)
    _, cursor = await walk(channel, channel.cursor_from(datetime.now(UTC) - timedelta(minutes=1)))
    sold = twin.sell(plain)
    pages, _ = await walk(channel, cursor)
    assert ids(pages) == [sold]


async def test_an_unknown_order_is_declined_as_not_found(channel: MiraklChannel) -> None:
    with pytest.raises(Declined) as refusal:
        await channel.order("NOBODY-A")
    assert refusal.value.code == "not_found"


async def test_a_wrong_key_is_unauthorized_and_a_rotated_one_counts_at_once(
    twin: MiraklTwin, connect: Connect, tmp_path: Path, plain: Traits
) -> None:
    twin.sell(plain)
    key = tmp_path / "key"
    key.write_text("wrong")
    channel = connect({"credentials": {"api_key": f"file:{key}"}})
    with pytest.raises(Unauthorized):
        await channel.poll(None)
    key.write_text(twin.credentials()["api_key"])
    assert (await channel.poll(None)).orders


async def test_a_lost_acceptance_is_in_doubt_and_its_repetition_a_success(
    twin: MiraklTwin, channel: MiraklChannel, sandbox: Sandbox, read: Read, plain: Traits
) -> None:
    order = await read(twin.sell(plain))
    assert order.acknowledge_by == order.purchased_at + timedelta(hours=24)
    lose(sandbox, "accept")
    with pytest.raises(InDoubt):
        await channel.acknowledge(acknowledgement(order), retry=False)
    assert await channel.acknowledge(acknowledgement(order), retry=True) == Progress()
    assert len(effects(sandbox, "accepted")) == 1


async def test_an_order_that_the_buyer_cancelled_is_not_accepted(
    twin: MiraklTwin, channel: MiraklChannel, read: Read
) -> None:
    order = await read(twin.sell(Traits(number=1, items=((LISTINGS[0], 2),), cancel=True)))
    assert order.state is ChannelState.CANCELLED
    assert order.cancel_reason
    assert order.total == eur("0")
    with pytest.raises(Declined) as refusal:
        await channel.acknowledge(acknowledgement(order), retry=False)
    assert refusal.value.code == "ORDER_INVALID_STATE"


async def test_parcels_are_shipments_and_a_lost_reply_makes_no_second_one(
    channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy
) -> None:
    order = await buy()
    first, second = (line.line_id for line in order.lines)
    lose(sandbox, "create_shipments")
    with pytest.raises(InDoubt):
        await channel.confirm(parcel(order, 1, {first: 1}), retry=False)
    await channel.confirm(parcel(order, 1, {first: 1}), retry=True)
    assert (await read(order.key.external_id)).state is ChannelState.OPEN
    await channel.confirm(parcel(order, 2, {first: 2}), retry=False)
    assert (await read(order.key.external_id)).state is ChannelState.PARTIALLY_SHIPPED
    await channel.confirm(parcel(order, 3, {second: 1}), retry=False)
    assert (await read(order.key.external_id)).state is ChannelState.SHIPPED
    units = [entry["detail"]["units"] for entry in effects(sandbox, "shipped")]
    assert units == [{first: 1}, {first: 2}, {second: 1}]


async def test_a_shipment_beyond_the_order_is_declined_with_mirakls_words(channel: MiraklChannel, buy: Buy) -> None:
    order = await buy()
    with pytest.raises(Declined, match="Shipment quantity is invalid"):
        await channel.confirm(parcel(order, 1, {order.lines[0].line_id: 9}), retry=False)


async def test_a_shipment_that_was_created_and_did_not_leave_is_validated_by_the_retry(
    channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy
) -> None:
    order = await buy()
    line = order.lines[0]
    tracking = {"carrier_code": "DHL", "tracking_number": "JD000001"}
    shipment = {
        "order_id": order.key.external_id,
        "shipped": False,
        "tracking": tracking,
        "shipment_lines": [{"order_line_id": line.line_id, "quantity": 3, "package_reference": "1"}],
    }
    async with httpx.AsyncClient(base_url=f"{sandbox.options.base_url}/mirakl") as client:
        client.headers["authorization"] = "sandbox-mirakl-shop-key"
        assert (await client.post("/api/shipments", json={"shipments": [shipment]})).status_code == 201
    await channel.confirm(parcel(order, 1, {line.line_id: 3}), retry=True)
    assert len(effects(sandbox, "shipped")) == 1
    assert (await read(order.key.external_id)).state is ChannelState.PARTIALLY_SHIPPED


class TestWithoutMultiShipment:
    @pytest.fixture
    def multi_shipment(self) -> bool:
        return False

    async def test_a_whole_order_is_tracked_and_shipped_once(
        self, channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy
    ) -> None:
        order = await buy()
        lose(sandbox, "ship")
        with pytest.raises(InDoubt):
            await channel.confirm(parcel(order), retry=False)
        await channel.confirm(parcel(order), retry=True)
        assert len(effects(sandbox, "shipped")) == 1
        shipped = await read(order.key.external_id)
        assert shipped.state is ChannelState.SHIPPED
        assert [(each.carrier, each.tracking) for each in shipped.parcels] == [("DHL Paket", "JD000001")]

    async def test_the_order_is_shipped_only_with_its_last_parcel(
        self, channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy, connect: Connect
    ) -> None:
        order = await buy()
        first, second = (line.line_id for line in order.lines)
        await channel.confirm(parcel(order, 1, {first: 2}), retry=False)
        await channel.confirm(parcel(order, 1, {first: 2}), retry=True)
        await connect().confirm(parcel(order, 2, {second: 1}), retry=False)
        held = await read(order.key.external_id)
        assert held.state is ChannelState.OPEN
        assert held.extras["order_reference_for_seller"] == "parcels 1=1x2;2=2x1"
        assert not effects(sandbox, "shipped")
        await channel.confirm(parcel(order, 3, {first: 1}), retry=False)
        assert (await read(order.key.external_id)).state is ChannelState.SHIPPED
        assert [entry["detail"]["tracking"] for entry in effects(sandbox, "shipped")] == ["JD000003"]

    async def test_units_paid_back_before_they_leave_are_not_waited_for(
        self, channel: MiraklChannel, read: Read, buy: Buy
    ) -> None:
        order = await buy()
        first, second = (line.line_id for line in order.lines)
        await channel.refund(refund(order, "59.90", units=1), retry=False)
        await channel.confirm(parcel(order, 1, {first: 2, second: 1}), retry=False)
        assert (await read(order.key.external_id)).state is ChannelState.SHIPPED

    async def test_a_cancelled_order_is_not_shipped(self, channel: MiraklChannel, buy: Buy) -> None:
        order = await buy()
        await channel.cancel(cancellation(order), retry=False)
        with pytest.raises(Declined, match="CANCELED"):
            await channel.confirm(parcel(order), retry=False)


async def test_a_whole_order_is_cancelled_once(channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy) -> None:
    order = await buy()
    lose(sandbox, "cancel_order")
    with pytest.raises(InDoubt):
        await channel.cancel(cancellation(order), retry=False)
    await channel.cancel(cancellation(order), retry=True)
    cancelled = await read(order.key.external_id)
    assert cancelled.state is ChannelState.CANCELLED
    assert [(line.quantity, line.cancelled) for line in cancelled.lines] == [(3, 3), (1, 1)]
    assert cancelled.total == eur("0")
    assert len(effects(sandbox, "cancelled")) == 1


async def test_an_order_that_is_not_wanted_is_refused_before_it_is_accepted(
    twin: MiraklTwin, channel: MiraklChannel, sandbox: Sandbox, read: Read, plain: Traits
) -> None:
    order = await read(twin.sell(plain))
    await channel.cancel(cancellation(order), retry=False)
    assert (await read(order.key.external_id)).state is ChannelState.CANCELLED
    assert len(effects(sandbox, "refused")) == 1


async def test_part_of_an_order_cannot_be_given_up_before_it_is_accepted(
    twin: MiraklTwin, channel: MiraklChannel, read: Read, plain: Traits
) -> None:
    order = await read(twin.sell(plain))
    with pytest.raises(Declined, match="accepted first"):
        await channel.cancel(cancellation(order, {order.lines[0].line_id: 1}), retry=False)


@pytest.mark.parametrize("channel_tax", [False, True])
async def test_units_are_cancelled_by_their_share_and_a_lost_reply_cancels_no_more(
    channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy, channel_tax: bool
) -> None:
    order = await buy(channel_tax=channel_tax)
    first = order.lines[0].line_id
    lose(sandbox, "cancel_lines")
    with pytest.raises(InDoubt):
        await channel.cancel(cancellation(order, {first: 1}), retry=False)
    await channel.cancel(cancellation(order, {first: 1}), retry=True)
    left = await read(order.key.external_id)
    assert [(line.quantity, line.cancelled, line.open) for line in left.lines] == [(3, 1, 2), (1, 0, 1)]
    assert order.totals.goods - left.totals.goods == eur("59.90")
    assert len(effects(sandbox, "cancelled")) == 1
    await channel.cancel(cancellation(order, {first: 2}), retry=False)
    assert (await read(order.key.external_id)).lines[0].open == 0


async def test_what_has_left_is_not_cancelled(channel: MiraklChannel, buy: Buy) -> None:
    order = await buy()
    await channel.confirm(parcel(order), retry=False)
    with pytest.raises(Declined) as refusal:
        await channel.cancel(cancellation(order), retry=False)
    assert refusal.value.code == "ORDER_INVALID_STATE"


async def test_a_line_that_has_left_is_not_cancelled_and_the_rest_of_the_order_is(
    channel: MiraklChannel, buy: Buy, read: Read
) -> None:
    order = await buy()
    first, second = (line.line_id for line in order.lines)
    await channel.confirm(parcel(order, 1, {second: 1}), retry=False)
    with pytest.raises(Declined) as refusal:
        await channel.cancel(cancellation(order, {second: 1}), retry=False)
    assert refusal.value.field == second
    await channel.cancel(cancellation(order, {first: 3}), retry=False)
    left = await read(order.key.external_id)
    assert left.state is ChannelState.SHIPPED
    assert [(line.cancelled, line.shipped) for line in left.lines] == [(3, 0), (0, 1)]


async def test_what_the_operator_cancels_of_an_order_shows_as_cancelled(
    twin: MiraklTwin, channel: MiraklChannel, read: Read
) -> None:
    order = await read(twin.sell(Traits(number=1, items=((LISTINGS[1], 3),), cancels_part=True, discount=True)))
    assert [(line.quantity, line.cancelled) for line in order.lines] == [(3, 1)]
    assert order.totals.discounts


@pytest.mark.parametrize("channel_tax", [False, True])
async def test_a_refund_is_made_once_and_told_beside_the_total(
    channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy, channel_tax: bool
) -> None:
    order = await buy(channel_tax=channel_tax)
    await channel.confirm(parcel(order), retry=False)
    wanted = refund(order, "20.00", units=1, tax="4.00" if channel_tax else None)
    lose(sandbox, "refund")
    with pytest.raises(InDoubt):
        await channel.refund(wanted, retry=False)
    await channel.refund(wanted, retry=True)
    assert len(effects(sandbox, "refunded")) == 1
    paid = await read(order.key.external_id)
    assert [(each.amount, each.quantities) for each in paid.refunds] == [(wanted.total, {order.lines[0].line_id: 1})]
    assert paid.total == order.total
    assert paid.totals.channel_tax == order.totals.channel_tax
    with pytest.raises(Declined, match="exceeds"):
        await channel.refund(refund(order, "500.00"), retry=False)


async def test_units_paid_back_before_they_leave_are_not_shipped(
    channel: MiraklChannel, read: Read, buy: Buy, sandbox: Sandbox
) -> None:
    order = await buy(items=((LISTINGS[1], 1),))
    await channel.refund(refund(order, "59.90", units=1), retry=False)
    gone = await read(order.key.external_id)
    assert gone.lines[0].open == 0
    with pytest.raises(Declined):
        await channel.confirm(parcel(order), retry=False)
    assert not effects(sandbox, "shipped")


async def the_return(channel: MiraklChannel) -> ChannelReturn:
    page = await channel.returns(None)
    assert not page.more
    result = parse_returns(page.returns[0].body, ACCOUNT)
    assert not result.refusals
    assert not result.drift
    return result.returns[0]


def decision(claim: ChannelReturn, action: ReturnAction) -> ReturnDecision:
    units = {line.return_line_id: line.quantity for line in claim.lines}
    return ReturnDecision(return_id=claim.return_id, action=action, units=units, **about(claim.order_key.external_id))


async def test_a_return_is_accepted_received_paid_back_and_closed_once_each(
    channel: MiraklChannel, sandbox: Sandbox, read: Read, buy: Buy
) -> None:
    order = await buy(returns=True)
    await channel.confirm(parcel(order), retry=False)
    claim = await the_return(channel)
    assert (claim.state, claim.order_key, claim.lines[0].line_id) == (
        ReturnState.REQUESTED,
        order.key,
        order.lines[0].line_id,
    )
    steps = [
        ("accept_return", ReturnAction.ACCEPT, ReturnState.APPROVED),
        ("receive_return", ReturnAction.RECEIVE, ReturnState.RECEIVED),
        ("close_return", ReturnAction.REFUND, ReturnState.CLOSED),
    ]
    for operation, action, state in steps:
        lose(sandbox, operation)
        with pytest.raises(InDoubt):
            await channel.decide_return(decision(claim, action), retry=False)
        await channel.decide_return(decision(claim, action), retry=True)
        assert (await the_return(channel)).state is state
    counts = sandbox.ledger.counts()
    names = ("return_accepted", "return_received", "refunded", "return_closed")
    assert [counts[f"mirakl/{name}"] for name in names] == [1, 1, 1, 1]
    assert [each.amount for each in (await read(order.key.external_id)).refunds] == [eur("59.90")]


async def test_a_lost_refund_of_a_return_is_not_paid_twice(channel: MiraklChannel, sandbox: Sandbox, buy: Buy) -> None:
    order = await buy(returns=True)
    await channel.confirm(parcel(order), retry=False)
    claim = await the_return(channel)
    for action in (ReturnAction.ACCEPT, ReturnAction.RECEIVE):
        await channel.decide_return(decision(claim, action), retry=False)
    lose(sandbox, "refund")
    with pytest.raises(InDoubt):
        await channel.decide_return(decision(claim, ReturnAction.REFUND), retry=False)
    await channel.decide_return(decision(claim, ReturnAction.REFUND), retry=True)
    assert len(effects(sandbox, "refunded")) == 1
    assert (await the_return(channel)).state is ReturnState.CLOSED


async def test_a_refused_return_names_a_reason_and_is_not_received(channel: MiraklChannel, buy: Buy) -> None:
    order = await buy(returns=True)
    await channel.confirm(parcel(order), retry=False)
    claim = await the_return(channel)
    await channel.decide_return(decision(claim, ReturnAction.REFUSE), retry=False)
    assert (await the_return(channel)).state is ReturnState.REFUSED
    with pytest.raises(Declined, match="must be 'IN_PROGRESS'"):
        await channel.decide_return(decision(claim, ReturnAction.RECEIVE), retry=False)


async def followed(channel: MiraklChannel, progress: Progress) -> Progress:
    found = [progress]

    async def look() -> None:
        assert found[-1].operation
        found.append(await channel.follow(found[-1].operation))

    while found[-1].operation:
        await look()
    return found[-1]


def stock(**quantities: int) -> StockUpdate:
    listed = tuple(StockQuantity(sku=sku, quantity=quantity) for sku, quantity in quantities.items())
    return StockUpdate(request_id="stock-1", correlation_id="c-1", quantities=listed)


async def test_a_stock_file_is_followed_to_its_end_and_names_what_was_refused(
    channel: MiraklChannel, sandbox: Sandbox
) -> None:
    taken = await channel.set_stock(stock(HEADLAMP=7, NOBODY=3), retry=False)
    assert taken.operation
    done = await followed(channel, taken)
    assert [(each.key, each.message) for each in done.rejected] == [
        ("NOBODY", "The offer with SKU 'NOBODY' does not exist")
    ]
    assert [(each["key"], each["detail"]) for each in effects(sandbox, "stock_set")] == [
        ("mirakl/decora-eu/HEADLAMP", {"quantity": 7})
    ]


async def test_an_import_that_nobody_knows_is_declined(channel: MiraklChannel) -> None:
    with pytest.raises(Declined):
        await channel.follow("no-such-import")


async def test_a_cycle_pays_what_the_orders_are_worth_to_the_cent(
    twin: MiraklTwin, channel: MiraklChannel, buy: Buy, read: Read
) -> None:
    plain, taxed = await buy(), await buy(channel_tax=True)
    for order in (plain, taxed):
        await channel.confirm(parcel(order), retry=False)
    await channel.refund(refund(taxed, "20.00", units=1, tax="4.00"), retry=False)
    (cycle,) = twin.close_period()
    assert twin.close_period() == []
    (ref,) = await channel.settlements()
    assert ref.settlement_id == cycle
    settlement = MiraklFormat().parse_settlement(await fetched(channel, ref), ACCOUNT)
    assert settlement.lines_total == settlement.payout
    assert LineType.UNKNOWN not in {line.type for line in settlement.lines}
    for order in (plain, taxed):
        lines = [line for line in settlement.lines if line.order_id == order.key.external_id]
        received = Money.total((line.amount for line in lines if line.type in RECEIVABLE), "EUR")
        assert received == (await read(order.key.external_id)).receivable == order.receivable


@pytest.mark.parametrize("kind", [FaultKind.ERROR, FaultKind.LOST_REPLY, FaultKind.THROTTLE])
async def test_a_page_that_fails_in_passing_is_read_again_and_not_those_before_it(
    twin: MiraklTwin, channel: MiraklChannel, buy: Buy, monkeypatch: pytest.MonkeyPatch, kind: FaultKind
) -> None:
    await channel.confirm(parcel(await buy()), retry=False)
    twin.close_period()
    (ref,) = await channel.settlements()
    whole = await fetched(channel, ref)
    monkeypatch.setattr("connectors.mirakl.payouts.MOST_LINES", 1)
    monkeypatch.setattr("connectors.patience._pause", lambda _: 0.0)
    fault = Fault(operation="mirakl.transaction_logs", kind=kind, key="page_token", times=3)
    calls, counted = twin.sandbox.calls, "mirakl.transaction_logs 200"
    read = []
    for faults in ([], [fault]):
        for each in faults:
            twin.sandbox.faults.add(each)
        before = calls[counted]
        assert await fetched(channel, ref) == whole
        read.append(calls[counted] - before)
    assert read[0] == read[1] > 2
    twin.sandbox.faults.add(fault.model_copy(update={"times": 4}))
    with pytest.raises(Unavailable):
        await fetched(channel, ref)


async def test_a_refund_after_the_payout_is_taken_off_the_next_one(
    twin: MiraklTwin, channel: MiraklChannel, buy: Buy
) -> None:
    order = await buy()
    await channel.confirm(parcel(order), retry=False)
    twin.close_period()
    await channel.refund(refund(order, "10.00"), retry=False)
    twin.close_period()
    first, second = await channel.settlements()
    parse_settlement = MiraklFormat().parse_settlement
    assert parse_settlement(await fetched(channel, first), ACCOUNT).payout.amount > 0
    assert parse_settlement(await fetched(channel, second), ACCOUNT).payout == eur("-8.56")


class TestUnderMiraklsFrequencies:
    @pytest.fixture
    def quota_scale(self) -> float:
        return 1.0

    async def test_our_own_pace_keeps_the_marketplace_from_refusing(
        self, twin: MiraklTwin, channel: MiraklChannel, sandbox: Sandbox, plain: Traits
    ) -> None:
        twin.sell(plain)
        for _ in range(10):
            await channel.poll(None)
        with pytest.raises(Unavailable) as pause:
            await channel.poll(None)
        assert pause.value.retry_after
        assert timedelta(seconds=30) < pause.value.retry_after <= timedelta(seconds=60)
        assert "mirakl.list_orders 429" not in sandbox.calls
        left = {each.operation: each.left for each in channel.health().quotas}
        assert left["mirakl.list_orders"] < 1


async def test_the_vendors_throttling_says_when_to_come_again(channel: MiraklChannel, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(operation="mirakl.list_orders", kind=FaultKind.THROTTLE, times=1))
    with pytest.raises(Unavailable) as pause:
        await channel.poll(None)
    assert pause.value.retry_after == timedelta(seconds=1)


def test_what_is_due_is_done_when_the_sandbox_is_started_again(tmp_path: Path) -> None:
    before = Sandbox(SandboxOptions(state_dir=tmp_path))
    order_id = MiraklTwin(before).sell(Traits(number=1, items=((LISTINGS[0], 2),), cancel=True))
    before.shelf.close()
    after = Sandbox(SandboxOptions(state_dir=tmp_path))
    MiraklTwin(after).close_period()
    assert len(effects(after, "cancelled_by_buyer")) == 1
    assert after.shelf.collection("mirakl_orders").values()[0]["order"]["order_id"] == order_id
    after.shelf.close()


def first_line(order: Order) -> str:
    return order.lines[0].line_id


async def test_an_unlisted_carrier_goes_by_its_name(channel: MiraklChannel, buy: Buy, read: Read) -> None:
    order = await buy()
    await channel.confirm(parcel(order).model_copy(update={"carrier": "Bicycle Messenger"}), retry=False)
    assert (await read(order.key.external_id)).parcels[0].carrier == "Bicycle Messenger"


async def test_reasons_are_the_operators_and_may_be_configured(
    channel: MiraklChannel, connect: Connect, buy: Buy, twin: MiraklTwin
) -> None:
    order = await buy()
    await channel.cancel(cancellation(order, {first_line(order): 1}), retry=False)
    chosen = connect(cancel_reasons={"out_of_stock": 36})
    await chosen.cancel(cancellation(order, {first_line(order): 1}), retry=False)
    raw = twin._shelf.get(order.key.external_id)["order"]["order_lines"][0]["cancelations"]
    assert [each["reason_code"] for each in raw] == ["35", "36"]


async def test_an_accepted_order_waits_for_the_debit_and_shows_no_address(
    twin: MiraklTwin, channel: MiraklChannel, read: Read, plain: Traits
) -> None:
    twin.sandbox.options.job_delay = 60.0
    order = await read(twin.sell(plain))
    await channel.acknowledge(acknowledgement(order), retry=False)
    waiting = await read(order.key.external_id)
    assert (waiting.state, waiting.ship_to, waiting.acknowledge_by) == (ChannelState.PENDING, None, None)
    with pytest.raises(Declined, match="must be 'SHIPPING'"):
        await channel.confirm(parcel(waiting), retry=False)
