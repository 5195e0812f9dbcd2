"""Requests to a channel, followed until the channel has really done them: taken is not done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.channel_requests import AccountStock, ChannelRequestActivities, Operation
    from models.channel import (
        Acknowledgement,
        Cancellation,
        ChannelRequest,
        Progress,
        RefundRequest,
        ReturnDecision,
    )
    from models.life import ChannelCancel
    from models.order import Order
    from workflows import policy
    from workflows.calls import Calls, never

Request = TypeVar("Request", bound=ChannelRequest)


def acknowledgement(order: Order) -> Acknowledgement:
    return Acknowledgement(
        request_id=f"{order.key}#acknowledge",
        order_key=order.key,
        correlation_id=str(order.correlation_id),
        region=order.region,
        extras=order.extras,
        lines=tuple(line.line_id for line in order.lines),
    )


def cancellation(order: Order, telling: ChannelCancel) -> Cancellation:
    return Cancellation(
        request_id=f"{order.key}#cancel" if telling.number == 1 else f"{order.key}#cancel-{telling.number}",
        order_key=order.key,
        correlation_id=str(order.correlation_id),
        region=order.region,
        extras=order.extras,
        units=telling.units,
        whole=telling.whole,
        reason=telling.why,
        note=telling.note,
    )


async def acknowledge(calls: Calls, request: Acknowledgement, give_up: Callable[[], bool] = never) -> Progress:
    """Raises `ActivityError` when the channel declines, like all of these, and `GivenUp`."""
    what = "Tell the channel that we take the order"
    return await _asked(calls, ChannelRequestActivities.acknowledge_order, request, what, give_up)


async def cancel(calls: Calls, request: Cancellation) -> Progress:
    units = sum(request.units.values())
    return await _asked(
        calls, ChannelRequestActivities.cancel_on_channel, request, f"Undo: cancel {units} units on the channel"
    )


async def refund(calls: Calls, request: RefundRequest) -> Progress:
    what = f"Refund {request.total} on the channel"
    return await _asked(calls, ChannelRequestActivities.refund_on_channel, request, what)


async def decide_return(calls: Calls, request: ReturnDecision) -> Progress:
    what = f"Tell the channel: {request.action} of return {request.return_id}"
    return await _asked(calls, ChannelRequestActivities.decide_return, request, what)


async def set_stock(calls: Calls, request: AccountStock) -> Progress:
    count = len(request.update.quantities)
    taken = await calls.outside(
        ChannelRequestActivities.set_channel_stock,
        request,
        policy.channel_queue(request.channel),
        f"Tell the channel the stock of {count} SKUs",
    )
    return await _followed(calls, taken, request.channel, request.account)


async def _asked(
    calls: Calls,
    activity: Callable[[Any, Request], Awaitable[Progress]],
    request: Request,
    summary: str,
    give_up: Callable[[], bool] = never,
) -> Progress:
    key = request.order_key
    taken = await calls.outside(activity, request, policy.channel_queue(key.channel), summary, give_up=give_up)
    return await _followed(calls, taken, key.channel, key.account)


async def _followed(calls: Calls, progress: Progress, channel: str, account: str) -> Progress:
    calls.under_way += 1
    try:
        while progress.operation is not None:
            await workflow.sleep(progress.look_again, summary=f"{channel} works on it")
            operation = Operation(channel=channel, account=account, operation=progress.operation)
            progress = await calls.outside(
                ChannelRequestActivities.follow_operation,
                operation,
                policy.channel_queue(channel),
                f"Ask {channel} what became of it",
            )
        return progress
    finally:
        calls.under_way -= 1
