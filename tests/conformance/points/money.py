"""Money that goes back, goods that come back, and money that comes in."""

from __future__ import annotations

from functools import partial

from connectors.errors import Declined
from models.channel import RefundReason, ReturnAction
from models.money import Money
from models.returns import ChannelReturn, ReturnState
from models.settlement import RECEIVABLE, LineType
from sandbox.faults import FaultKind
from sandbox.goods import LISTINGS
from tests.conformance.point import point
from tests.conformance.points.writing import written_once
from tests.conformance.stage import Stage, refusal_of
from tests.conformance.subject import Capability

STATES_AFTER = {
    ReturnAction.ACCEPT: {ReturnState.APPROVED, ReturnState.RECEIVED, ReturnState.CLOSED},
    ReturnAction.REFUSE: {ReturnState.REFUSED, ReturnState.CLOSED},
    ReturnAction.RECEIVE: {ReturnState.RECEIVED, ReturnState.CLOSED},
    ReturnAction.REFUND: {ReturnState.RECEIVED, ReturnState.CLOSED},
}


def _is_after(action: ReturnAction, found: ChannelReturn) -> bool:
    return found.state in STATES_AFTER[action]


@point(Capability.REFUND)
async def a_refund_is_paid(stage: Stage) -> None:
    order = await stage.shipped()
    await stage.done(await stage.channel.refund(stage.refund(order), retry=False))
    assert len(stage.effects(stage.subject.effects.refunded, order.key.external_id)) == 1


@point(Capability.REFUND, Capability.REFUND_SHOWN)
async def a_refund_is_read_back_with_its_amount(stage: Stage) -> None:
    order = await stage.shipped()
    request = stage.refund(order)
    await stage.done(await stage.channel.refund(request, retry=False))
    read = await stage.until(order.key.external_id, lambda read: read.refunds, "showing its refund")
    assert Money.total((refund.amount for refund in read.refunds), read.currency) == request.total
    assert not read.totals.difference


@point(Capability.REFUND)
async def a_lost_reply_does_not_refund_twice(stage: Stage) -> None:
    order = await stage.shipped()
    await written_once(stage, stage.subject.operations.refund, stage.channel.refund, stage.refund(order))
    assert len(stage.effects(stage.subject.effects.refunded, order.key.external_id)) == 1


@point(Capability.REFUND)
async def two_refunds_of_one_amount_are_two(stage: Stage) -> None:
    order = await stage.shipped()
    for purpose in ("refund-1", "refund-2"):
        request = stage.refund(order, purpose=purpose)
        await stage.done(await stage.channel.refund(request, retry=False))
        await stage.done(await stage.channel.refund(request, retry=True))
    assert len(stage.effects(stage.subject.effects.refunded, order.key.external_id)) == 2


@point(Capability.REFUND)
async def more_than_was_paid_is_not_refunded(stage: Stage) -> None:
    order = await stage.shipped()
    request = stage.refund(order, times=1000)

    async def to_the_end() -> None:
        await stage.done(await stage.channel.refund(request, retry=False))

    assert (await refusal_of(to_the_end())).code
    assert not stage.effects(stage.subject.effects.refunded, order.key.external_id)


@point(Capability.REFUND)
async def every_reason_to_refund_is_taken(stage: Stage) -> None:
    order = await stage.shipped(*((listing, 1) for listing in LISTINGS[: len(RefundReason)]))
    for number, reason in enumerate(RefundReason):
        request = stage.refund(order, line=number, purpose=f"refund-{reason}")
        done = stage.channel.refund(request.model_copy(update={"reason": reason}), retry=False)
        await stage.done(await done)
    assert len(stage.effects(stage.subject.effects.refunded, order.key.external_id)) == len(RefundReason)


@point(Capability.RETURNS)
async def an_account_without_returns_is_an_empty_page(stage: Stage) -> None:
    assert await stage.returns() == []


@point(Capability.RETURNS)
async def goods_that_a_buyer_sends_back_are_read(stage: Stage) -> None:
    order = await stage.shipped(returns=True)
    found = await stage.returned_of(order)
    assert found.order_key == order.key
    assert found.state in (ReturnState.REQUESTED, ReturnState.APPROVED, ReturnState.RECEIVED)
    assert sum(line.quantity for line in found.lines) == 1
    lines = {line.line_id for line in order.lines}
    assert all(line.line_id in lines or line.sku == order.lines[0].sku for line in found.lines)


@point(Capability.DECIDE_RETURN)
async def a_return_is_decided_and_read_back_so(stage: Stage) -> None:
    for actions in stage.subject.return_actions:
        order = await stage.shipped(returns=True)
        found = await stage.returned_of(order)
        for action in actions:
            await stage.done(await stage.channel.decide_return(stage.decision(order, found, action), retry=False))
            found = await stage.returned_of(order, partial(_is_after, action))


@point(Capability.DECIDE_RETURN)
async def a_lost_reply_does_not_decide_a_return_twice(stage: Stage) -> None:
    order = await stage.shipped(returns=True)
    found = await stage.returned_of(order)
    (first, *_), *_ = stage.subject.return_actions
    request = stage.decision(order, found, first)
    await written_once(stage, stage.subject.operations.decide_return, stage.channel.decide_return, request)
    assert len(stage.effects(stage.subject.effects.return_decided)) == 1


@point(Capability.RETURNS)
async def what_the_channel_leaves_to_itself_is_unsupported(stage: Stage) -> None:
    order = await stage.shipped(returns=True)
    found = await stage.returned_of(order)
    supported = {action for actions in stage.subject.return_actions for action in actions}
    for action in set(ReturnAction) - supported:
        declined = await refusal_of(stage.channel.decide_return(stage.decision(order, found, action), retry=False))
        assert declined.code == "unsupported", (action, declined.code)


@point(Capability.SETTLEMENT)
async def a_settlement_adds_up_and_names_its_orders(stage: Stage) -> None:
    assert await stage.channel.settlements() == []
    orders = [await stage.shipped() for _ in range(2)]
    settlements = await stage.settled()
    assert all(found.lines_total == found.payout for found in settlements)
    assert all((found.channel, found.account) == (stage.subject.name, stage.account) for found in settlements)
    named = {line.order_id for found in settlements for line in found.lines}
    assert {order.key.external_id for order in orders} <= named
    about_orders = [line for found in settlements for line in found.lines if line.order_id]
    assert not [line.label for line in about_orders if line.type is LineType.UNKNOWN]


@point(Capability.SETTLEMENT, Capability.CHANNEL_TAX)
async def tax_that_the_channel_remits_is_not_paid_out(stage: Stage) -> None:
    order = await stage.shipped(channel_tax=True)
    (settlement,) = await stage.settled()
    received = Money.total(
        (
            line.amount
            for line in settlement.lines
            if line.order_id == order.key.external_id and line.type in RECEIVABLE
        ),
        settlement.currency,
    )
    assert received == order.receivable, (received, order.receivable)


@point(Capability.SETTLEMENT, Capability.REFUND)
async def a_refund_is_taken_off_the_settlement(stage: Stage) -> None:
    order = await stage.shipped()
    await stage.done(await stage.channel.refund(stage.refund(order), retry=False))
    settlements = await stage.settled()
    refunds = [line for found in settlements for line in found.lines if line.type is LineType.REFUND]
    assert sum(line.amount.amount for line in refunds) < 0
    assert all(found.lines_total == found.payout for found in settlements)


@point()
async def a_refusal_of_the_channel_is_declined_with_its_code(stage: Stage) -> None:
    order = await stage.shippable()
    operation = stage.subject.operations.confirm
    confirm = partial(stage.channel.confirm, stage.parcel(order), retry=False)
    error = await stage.fails_once(operation, FaultKind.DECLINE, confirm)
    assert isinstance(error, Declined), error
    assert error.code, error
