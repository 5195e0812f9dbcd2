"""Writing: each thing once, whatever becomes of the reply; taken is not done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from connectors.errors import Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from models.channel import CancelReason, Progress
from models.order import ChannelState
from sandbox.faults import FaultKind
from sandbox.goods import LISTINGS
from tests.conformance.point import point
from tests.conformance.stage import CORRELATION, Stage, is_cancelled, is_shipped, now, open_units, refusal_of
from tests.conformance.subject import Capability

Write = Callable[..., Awaitable[Progress | None]]


async def written_once(stage: Stage, operation: str, write: Write, request: Any) -> Progress:
    """The write whose first reply was lost, called again as the engine does; to its real end."""
    error = await stage.fails_once(operation, FaultKind.LOST_REPLY, partial(write, request, retry=False))
    assert isinstance(error, InDoubt), f"a lost reply is a doubt, not {error!r}"
    return await stage.done(await write(request, retry=True) or Progress())


# Taking orders


@point()
async def taking_an_order_is_done_in_the_end_and_may_be_said_twice(stage: Stage) -> None:
    order = await stage.order(stage.sell())
    for retry in (False, True):
        await stage.done(await stage.channel.acknowledge(stage.acknowledgement(order), retry=retry))
    await stage.until(order.key.external_id, lambda read: read.state is ChannelState.OPEN, "being open")
    if effect := stage.subject.effects.acknowledged:
        assert len(stage.effects(effect, order.key.external_id)) == 1


@point(Capability.ACKNOWLEDGE)
async def an_order_says_until_when_it_wants_to_be_taken(stage: Stage) -> None:
    order = await stage.order(stage.sell())
    assert order.acknowledge_by, "an order that has to be taken, and does not say until when"
    assert order.purchased_at < order.acknowledge_by
    assert order.acknowledge_by > now()
    await stage.done(await stage.channel.acknowledge(stage.acknowledgement(order), retry=False))
    taken = await stage.until(order.key.external_id, lambda read: read.acknowledge_by is None, "being taken")
    assert taken.state in (ChannelState.OPEN, ChannelState.PENDING)


@point(Capability.ACKNOWLEDGE)
async def a_lost_reply_does_not_take_an_order_twice(stage: Stage) -> None:
    order = await stage.order(stage.sell())
    operation = stage.subject.operations.acknowledge
    await written_once(stage, operation, stage.channel.acknowledge, stage.acknowledgement(order))
    assert len(stage.effects(stage.subject.effects.acknowledged, order.key.external_id)) == 1


# Parcels


@point()
async def a_whole_order_in_one_parcel_is_shipped(stage: Stage) -> None:
    order = await stage.shippable()
    await stage.channel.confirm(stage.parcel(order), retry=False)
    read = await stage.until(order.key.external_id, is_shipped, "being shipped")
    assert all(line.shipped == line.quantity for line in read.lines)
    assert [parcel.tracking for parcel in read.parcels] == ["1Z000000001"]
    assert not read.totals.difference


@point()
async def a_lost_reply_does_not_ship_a_parcel_twice(stage: Stage) -> None:
    order = await stage.shippable()
    part = {order.lines[0].line_id: 1}
    await written_once(stage, stage.subject.operations.confirm, stage.channel.confirm, stage.parcel(order, part))
    assert len(stage.effects(stage.subject.effects.confirmed, order.key.external_id)) == 1


@point()
async def a_reply_that_came_does_not_ship_a_parcel_twice_either(stage: Stage) -> None:
    order = await stage.shippable()
    parcel = stage.parcel(order, {order.lines[0].line_id: 1})
    await stage.channel.confirm(parcel, retry=False)
    await stage.channel.confirm(parcel, retry=True)
    assert len(stage.effects(stage.subject.effects.confirmed, order.key.external_id)) == 1


@point(Capability.PARCELS)
async def an_order_leaves_in_several_parcels(stage: Stage) -> None:
    order = await stage.shippable()
    first, second = order.lines
    shares = ({first.line_id: 1}, {first.line_id: 2}, {second.line_id: 1})
    for number, units in enumerate(shares, start=1):
        await stage.channel.confirm(stage.parcel(order, units, package_number=number), retry=False)
    read = await stage.until(order.key.external_id, is_shipped, "being shipped")
    assert all(line.shipped == line.quantity for line in read.lines)
    assert len(stage.effects(stage.subject.effects.confirmed, order.key.external_id)) == 3


@point(Capability.PARCELS, Capability.PARTS_SHOWN)
async def what_has_left_is_seen_before_the_rest_leaves(stage: Stage) -> None:
    order = await stage.shippable()
    await stage.channel.confirm(stage.parcel(order, {order.lines[0].line_id: 1}), retry=False)
    part = await stage.order(order.key.external_id)
    assert part.state is ChannelState.PARTIALLY_SHIPPED
    assert (part.lines[0].shipped, part.lines[0].open) == (1, 2)
    await stage.channel.confirm(stage.parcel(part, package_number=2), retry=False)
    read = await stage.until(order.key.external_id, is_shipped, "being shipped")
    units = {parcel.tracking: sorted(parcel.quantities.values()) for parcel in read.parcels}
    assert units == {"1Z000000001": [1], "1Z000000002": [1, 2]}


@point()
async def known_carriers_are_called_as_the_channel_calls_them_and_others_by_their_name(stage: Stage) -> None:
    for carrier in ("UPS", "FedEx", "DHL", "Cousin Bob's Vans"):
        order = await stage.shippable()
        await stage.channel.confirm(stage.parcel(order, carrier=carrier), retry=False)
        read = await stage.until(order.key.external_id, is_shipped, "being shipped")
        assert _plain(carrier) in _plain(read.parcels[0].carrier), (carrier, read.parcels)


@point()
async def more_than_is_open_is_declined_by_the_channel(stage: Stage) -> None:
    order = await stage.shippable()
    line = order.lines[0]
    declined = await refusal_of(
        stage.channel.confirm(stage.parcel(order, {line.line_id: line.quantity + 1}), retry=False)
    )
    assert declined.code
    assert not stage.effects(stage.subject.effects.confirmed, order.key.external_id)


@point()
async def an_error_before_the_effect_is_no_doubt_and_one_behind_it_is(stage: Stage) -> None:
    order = await stage.shippable()
    operation = stage.subject.operations.confirm
    confirm = partial(stage.channel.confirm, stage.parcel(order), retry=False)
    for status, expected in ((503, Unavailable), (500, InDoubt)):
        error = await stage.fails_once(operation, FaultKind.ERROR, confirm, status=status)
        assert type(error) is expected, f"HTTP {status} is {error!r}"
    await stage.channel.confirm(stage.parcel(order), retry=True)
    assert len(stage.effects(stage.subject.effects.confirmed, order.key.external_id)) == 1


@point()
async def an_http_error_of_any_kind_is_a_failure_of_our_vocabulary(stage: Stage) -> None:
    order = await stage.shippable()
    operations = stage.subject.operations
    confirm, poll = partial(stage.channel.confirm, stage.parcel(order), retry=False), partial(stage.channel.poll, None)
    for status in (400, 404, 409, 418, 422, 501, 502, 504):
        # `fails_once` lets whatever is no `ConnectorError` through, which fails the point.
        written = await stage.fails_once(operations.confirm, FaultKind.ERROR, confirm, status=status)
        expected = InDoubt if status >= 500 else Declined | SchemaDrift | Unauthorized
        assert isinstance(written, expected), (status, written)
        read = await stage.fails_once(operations.poll, FaultKind.ERROR, poll, status=status)
        assert not isinstance(read, InDoubt), f"a read is never in doubt: {read!r}"
        assert isinstance(read, Unavailable) is (status >= 500), (status, read)
    assert not stage.effects(stage.subject.effects.confirmed, order.key.external_id)


# Cancellations outward


@point(Capability.CANCEL)
async def a_cancelled_order_is_read_back_as_cancelled(stage: Stage) -> None:
    order = await stage.shippable()
    await stage.done(await stage.channel.cancel(stage.cancellation(order), retry=False))
    read = await stage.until(order.key.external_id, is_cancelled, "being cancelled")
    assert all(line.cancelled == line.quantity for line in read.lines), read.lines
    assert not open_units(read)


@point(Capability.CANCEL)
async def a_lost_reply_does_not_cancel_twice(stage: Stage) -> None:
    order = await stage.shippable()
    await written_once(stage, stage.subject.operations.cancel, stage.channel.cancel, stage.cancellation(order))
    await stage.until(order.key.external_id, is_cancelled, "being cancelled")
    assert len(stage.effects(stage.subject.effects.cancelled, order.key.external_id)) == 1


@point(Capability.CANCEL)
async def what_is_cancelled_already_is_done(stage: Stage) -> None:
    order = await stage.shippable()
    for retry in (False, True):
        await stage.done(await stage.channel.cancel(stage.cancellation(order), retry=retry))
    assert len(stage.effects(stage.subject.effects.cancelled, order.key.external_id)) == 1


@point(Capability.CANCEL)
async def every_reason_to_cancel_is_taken_or_declined_by_name(stage: Stage) -> None:
    for reason in CancelReason:
        order = await stage.shippable()
        request = stage.cancellation(order).model_copy(update={"reason": reason})
        try:
            await stage.done(await stage.channel.cancel(request, retry=False))
        except Declined as declined:
            # Some channels take the buyer's wish as a reason only when they know of it themselves.
            assert reason is CancelReason.BUYER, declined  # noqa: PT017 - most reasons are taken
        else:
            await stage.until(order.key.external_id, is_cancelled, f"being cancelled for {reason}")


@point(Capability.CANCEL_PART)
async def cancelled_units_are_read_back_and_the_rest_stays_open(stage: Stage) -> None:
    order = await stage.shippable()
    line = order.lines[0]
    await stage.done(await stage.channel.cancel(stage.cancellation(order, {line.line_id: 1}), retry=False))
    read = await stage.until(
        order.key.external_id, lambda read: open_units(read).get(line.line_id) == 2, "having one unit less"
    )
    assert read.lines[0].cancelled == 1 or read.lines[0].quantity == 2, read.lines[0]
    assert not read.totals.difference


@point(Capability.CANCEL_PART)
async def a_lost_reply_does_not_cancel_units_twice(stage: Stage) -> None:
    order = await stage.shippable()
    request = stage.cancellation(order, {order.lines[0].line_id: 1})
    await written_once(stage, stage.subject.operations.cancel_part, stage.channel.cancel, request)
    read = await stage.until(
        order.key.external_id, lambda read: open_units(read)[order.lines[0].line_id] <= 2, "having less units"
    )
    assert open_units(read)[order.lines[0].line_id] == 2
    assert len(stage.effects(stage.subject.effects.cancelled_part, order.key.external_id)) == 1


@point(Capability.CANCEL)
async def what_has_left_is_not_cancelled(stage: Stage) -> None:
    order = await stage.shipped()
    request = stage.cancellation(order, {line.line_id: line.quantity for line in order.lines})

    async def to_the_end() -> None:
        await stage.done(await stage.channel.cancel(request.model_copy(update={"whole": True}), retry=False))

    declined = await refusal_of(to_the_end())
    assert declined.code
    assert not stage.effects(stage.subject.effects.cancelled, order.key.external_id)


# Cancellations inward


@point(Capability.BUYER_CANCELS)
async def an_order_that_the_buyer_cancels_is_read_as_cancelled(stage: Stage) -> None:
    external_id = stage.sell(cancel=True)
    read = await stage.until(external_id, is_cancelled, "being cancelled by the buyer")
    assert not open_units(read)


@point(Capability.BUYER_ASKS)
async def a_wish_to_cancel_is_read_and_may_be_granted(stage: Stage) -> None:
    order = await stage.shippable(asks_to_cancel=True)
    asked = await stage.until(order.key.external_id, lambda read: read.cancel_requested, "a wish to cancel")
    request = stage.cancellation(asked).model_copy(update={"reason": CancelReason.BUYER})
    await stage.done(await stage.channel.cancel(request, retry=False))
    await stage.until(order.key.external_id, is_cancelled, "being cancelled")


@point(Capability.CHANNEL_CANCELS_PART)
async def units_that_the_channel_cancels_are_read_as_cancelled(stage: Stage) -> None:
    external_id = stage.sell(cancels_part=True)
    read = await stage.until(
        external_id, lambda read: read.lines[0].cancelled or read.lines[0].quantity == 2, "having one unit less"
    )
    assert read.lines[0].open == 2
    assert read.state is not ChannelState.CANCELLED


# Stock


@point(Capability.STOCK)
async def stock_is_set_and_not_added(stage: Stage) -> None:
    sku = LISTINGS[0].sku
    for quantity in (7, 7, 5, 0):
        progress = await stage.channel.set_stock(stage.stock({sku: quantity}, f"stock-{quantity}"), retry=False)
        assert not (await stage.done(progress)).rejected
        assert stage.stock_of(sku) == quantity


@point(Capability.STOCK)
async def a_lost_reply_does_not_set_stock_to_something_else(stage: Stage) -> None:
    sku = LISTINGS[0].sku
    done = await written_once(stage, stage.subject.operations.stock, stage.channel.set_stock, stage.stock({sku: 9}))
    assert not done.rejected
    assert stage.stock_of(sku) == 9


@point(Capability.STOCK)
async def an_unknown_sku_is_rejected_by_name_and_the_others_are_set(stage: Stage) -> None:
    known = {listing.sku: number for number, listing in enumerate(LISTINGS[:3], start=11)}
    request = stage.stock({**known, "NOBODY-SELLS-THIS": 4})
    done = await stage.done(await stage.channel.set_stock(request, retry=False))
    assert [rejected.key for rejected in done.rejected] == ["NOBODY-SELLS-THIS"]
    assert all(rejected.code and rejected.message for rejected in done.rejected)
    assert {sku: stage.stock_of(sku) for sku in known} == known


@point()
async def a_request_carries_its_correlation(stage: Stage) -> None:
    order = await stage.shippable()
    await stage.channel.confirm(stage.parcel(order), retry=False)
    assert CORRELATION in stage.stand.correlations


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
