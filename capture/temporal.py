"""Talking to Temporal from outside: connect, start orders, hand them what was captured."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_exponential

from activities.channel import Reread
from models.messages import ChannelUpdate, LateEvent
from models.order import FulfilmentSide, Order
from workflows import attributes, policy
from workflows.follow_up import FollowUpWorkflow
from workflows.order import OrderWorkflow
from workflows.reread import RereadOrder


@retry(
    retry=retry_if_exception_type((RPCError, RuntimeError)),
    wait=wait_exponential(multiplier=0.2, max=3),
    stop=stop_after_delay(60),
    reraise=True,
)
async def connect(address: str, namespace: str, runtime: Runtime | None = None) -> Client:
    """Connect; waits up to a minute for a server that is still starting."""
    return await Client.connect(address, namespace=namespace, data_converter=pydantic_data_converter, runtime=runtime)


async def start_order(client: Client, order: Order, *, told_before: bool) -> None:
    """Start an order's workflow; starting it twice is the same as starting it once.

    `told_before` says that another version may have started it already: then this version is sent along as a message,
    which the workflow ignores when it is not news.
    """
    try:
        await client.start_workflow(
            OrderWorkflow.run,
            order,
            id=order.key.workflow_id,
            task_queue=policy.ORDERS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=attributes.of_new_order(order),
            static_summary=summary_of(order),
            priority=Priority(
                priority_key=_urgency(order), fairness_key=fairness_key(order.key.channel, order.key.account)
            ),
            start_signal="channel_changed" if told_before else None,
            start_signal_args=[ChannelUpdate(order=order)] if told_before else [],
        )
    except WorkflowAlreadyStartedError:
        return  # It ran to its end before.


async def tell_order(client: Client, order: Order) -> bool:
    """Send a newer version to the order's workflow; False when that has ended."""
    handle = client.get_workflow_handle_for(OrderWorkflow.run, order.key.workflow_id)
    return await delivered(handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=order)))


async def reread_order(client: Client, request: Reread) -> str:
    """Have an order read again; the workflow's id. One that is under way is told to read once more when it is done."""
    key = request.order_key
    workflow_id = f"reread/{key}"
    await client.start_workflow(
        RereadOrder.run,
        request,
        id=workflow_id,
        task_queue=policy.channel_queue(key.channel),
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Read {key} again",
        priority=Priority(fairness_key=fairness_key(key.channel, key.account)),
        start_signal="hinted",
    )
    return workflow_id


async def follow_up(client: Client, event: LateEvent) -> str:
    """Hand an event of an order that has ended to its follow-up; the id of that process."""
    key = event.order_key
    workflow_id = f"follow-up/{key}"
    await client.start_workflow(
        FollowUpWorkflow.run,
        key,
        id=workflow_id,
        task_queue=policy.ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"{key} had ended, and was spoken of again",
        priority=Priority(fairness_key=fairness_key(key.channel, key.account)),
        start_signal="heard",
        start_signal_args=[event],
    )
    return workflow_id


async def send(client: Client, workflow_id: str, signal: str, message: object) -> bool:
    """Send any message to any workflow; False when that has ended or never was."""
    return await delivered(client.get_workflow_handle(workflow_id).signal(signal, message))


async def delivered(sending: Awaitable[None]) -> bool:
    try:
        await sending
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


def fairness_key(channel: str, account: str) -> str:
    """Whose work it is: Temporal lets one account's pile of tasks hold up no other's. It takes at most 64 bytes."""
    return f"{channel}/{account}".encode()[:64].decode(errors="ignore")


def summary_of(order: Order) -> str:
    """One line for the Temporal UI, without personal data."""
    units = sum(line.quantity for line in order.lines)
    by_channel = ", shipped by the channel" if order.fulfilled_by is FulfilmentSide.CHANNEL else ""
    counted = f"{units} unit{'s' if units > 1 else ''}"
    return f"{order.key.channel.title()} {order.key.external_id} · {counted} · {order.total}{by_channel}"


def _urgency(order: Order) -> int:
    """1 (ship-by within half a day) to 4 (no date, or far away)."""
    if order.ship_by is None:
        return 4
    left = order.ship_by - datetime.now(UTC)
    return 1 + sum(left > limit for limit in (timedelta(hours=12), timedelta(days=1), timedelta(days=3)))
