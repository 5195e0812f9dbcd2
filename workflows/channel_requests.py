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
        CancelReason,
        ChannelRequest,
        Progress,
        RefundRequest,
        ReturnDecision,
    )
    from models.order import Order
    from workflows import policy

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


def cancellation(order: Order, units: dict[str, int], *, whole: bool, reason: CancelReason, note: str) -> Cancellation:
    return Cancellation(
        request_id=f"{order.key}#cancel",
        order_key=order.key,
        correlation_id=str(order.correlation_id),
        region=order.region,
        extras=order.extras,
        units=units,
        whole=whole,
        reason=reason,
        note=note,
    )


async def acknowledge(request: Acknowledgement) -> Progress:
    """Raises `ActivityError` when the channel declines, like all of these."""
    return await _asked(ChannelRequestActivities.acknowledge_order, request, "Tell the channel that we take the order")


async def cancel(request: Cancellation) -> Progress:
    units = sum(request.units.values())
    return await _asked(ChannelRequestActivities.cancel_on_channel, request, f"Cancel {units} units on the channel")


async def refund(request: RefundRequest) -> Progress:
    return await _asked(ChannelRequestActivities.refund_on_channel, request, f"Refund {request.total} on the channel")


async def decide_return(request: ReturnDecision) -> Progress:
    what = f"{request.action} of return {request.return_id}"
    return await _asked(ChannelRequestActivities.decide_return, request, f"Tell the channel: {what}")


async def set_stock(request: AccountStock) -> Progress:
    count = len(request.update.quantities)
    taken = await workflow.execute_activity_method(
        ChannelRequestActivities.set_channel_stock,
        request,
        **policy.outside(policy.channel_queue(request.channel), f"Tell the channel the stock of {count} SKUs"),
    )
    return await _followed(taken, request.channel, request.account)


async def _asked(activity: Callable[[Any, Request], Awaitable[Progress]], request: Request, summary: str) -> Progress:
    key = request.order_key
    taken = await workflow.execute_activity_method(
        activity, request, **policy.outside(policy.channel_queue(key.channel), summary)
    )
    return await _followed(taken, key.channel, key.account)


async def _followed(progress: Progress, channel: str, account: str) -> Progress:
    while progress.operation is not None:
        await workflow.sleep(progress.look_again, summary=f"{channel} works on it")
        operation = Operation(channel=channel, account=account, operation=progress.operation)
        progress = await workflow.execute_activity_method(
            ChannelRequestActivities.follow_operation,
            operation,
            **policy.outside(policy.channel_queue(channel), f"Ask {channel} what became of it"),
        )
    return progress
