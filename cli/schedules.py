"""Temporal Schedules: who polls what, how often."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import Priority
from temporalio.service import RPCError, RPCStatusCode

from activities.channel import ChannelAccount
from activities.watch import Warehouse
from capture.temporal import fairness_key
from connectors.providers import is_watched
from connectors.registry import ChannelConnection, Connections
from workflows import policy
from workflows.channel_audit import AuditRequest, ChannelAudit
from workflows.channel_sync import ChannelSync, ReturnSync
from workflows.inventory import InventoryReconciliation, ReconciliationRequest
from workflows.settlement import LatePayments, SettlementSync
from workflows.stock_sync import StockSync
from workflows.watch import WarehouseWatch

INVENTORY = "inventory"
INVENTORY_SECONDS = 3600
WAREHOUSE = "warehouse"
WAREHOUSE_SECONDS = 60
RETURN_SECONDS = 900
"""Nothing of a return is due within minutes, and its reading costs quota that orders may need."""
SETTLEMENT_SECONDS = 3600


def account_of(connection: ChannelConnection) -> ChannelAccount:
    return ChannelAccount(channel=connection.provider, account=connection.account)


def audit_of(connection: ChannelConnection) -> AuditRequest:
    return AuditRequest(account=account_of(connection), hours=connection.policies.audit_hours)


@dataclass(frozen=True)
class Kind:
    """One schedule of every account."""

    name: str
    workflow: Callable[[Any, Any], Awaitable[Any]]
    seconds: Callable[[ChannelConnection], int]
    argument: Callable[[ChannelConnection], Any] = account_of


KINDS = (
    Kind("orders", ChannelSync.run, lambda connection: connection.policies.poll_seconds),
    Kind("returns", ReturnSync.run, lambda connection: max(RETURN_SECONDS, connection.policies.poll_seconds)),
    Kind("settlements", SettlementSync.run, lambda _: SETTLEMENT_SECONDS),
    Kind("payments", LatePayments.run, lambda _: SETTLEMENT_SECONDS),
    Kind("stock", StockSync.run, lambda connection: connection.policies.stock_seconds),
    Kind("audit", ChannelAudit.run, lambda connection: connection.policies.audit_seconds, audit_of),
)


async def apply(client: Client, connections: Connections, poll_seconds: int | None = None) -> list[dict[str, Any]]:
    """Create or change every kind of schedule for each account; the same again changes nothing.

    `poll_seconds` is how often orders are polled, on every account, instead of its own policy.
    """
    applied = []
    for connection in connections.channels:
        for kind in KINDS:
            seconds = (kind.name == "orders" and poll_seconds) or kind.seconds(connection)
            name = schedule_id(kind.name, connection.provider, connection.account)
            await _put(client, name, _schedule(kind, connection, seconds))
            applied.append({"schedule": name, "every_seconds": seconds})
    return applied


async def apply_inventory(client: Client) -> dict[str, Any]:
    """Create or change the schedule of the inventory reconciliation, which is one for all accounts."""
    what = "Compare stock of channels, store, warehouse and ERP"
    run, queue = InventoryReconciliation.run, policy.INVENTORY_QUEUE
    return await _put_one(client, INVENTORY, run, ReconciliationRequest(), queue, what, INVENTORY_SECONDS)


async def apply_warehouse(client: Client, connections: Connections) -> list[dict[str, Any]]:
    """Create or change the schedule of a warehouse that is watched; take it away from one that reports by itself."""
    if not is_watched(connections.wms):
        await _drop(client, WAREHOUSE)
        return []
    what = "What happened in the warehouse"
    run, queue = WarehouseWatch.run, policy.WMS_QUEUE
    return [await _put_one(client, WAREHOUSE, run, Warehouse(), queue, what, WAREHOUSE_SECONDS)]


async def _put_one(
    client: Client,
    name: str,
    run: Callable[[Any, Any], Awaitable[Any]],
    argument: object,
    queue: str,
    what: str,
    seconds: int,
) -> dict[str, Any]:
    """A schedule of which there is one for all accounts."""
    action = ScheduleActionStartWorkflow(run, argument, id=f"sync-{name}", task_queue=queue, static_summary=what)
    await _put(client, name, _every(seconds, action))
    return {"schedule": name, "every_seconds": seconds}


def schedule_id(kind: str, channel: str, account: str) -> str:
    return f"{kind}/{channel}/{account}"


async def trigger(client: Client, kind: str, connection: ChannelConnection) -> None:
    """Run one now, beside its interval."""
    name = schedule_id(kind, connection.provider, connection.account)
    await client.get_schedule_handle(name).trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)


def _schedule(kind: Kind, connection: ChannelConnection, seconds: int) -> Schedule:
    action = ScheduleActionStartWorkflow(
        kind.workflow,
        kind.argument(connection),
        id=f"sync-{kind.name}/{connection.provider}/{connection.account}",
        task_queue=policy.channel_queue(connection.provider),
        static_summary=f"{kind.name.capitalize()} of {connection.provider}/{connection.account}",
        # Its activities inherit it: the pile of one account holds up no other on the channel's queue.
        priority=Priority(fairness_key=fairness_key(connection.provider, connection.account)),
    )
    return _every(seconds, action)


def _every(seconds: int, action: ScheduleActionStartWorkflow) -> Schedule:
    return Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=seconds))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    )


async def _put(client: Client, name: str, schedule: Schedule) -> None:
    try:
        await client.create_schedule(name, schedule, trigger_immediately=True)
    except ScheduleAlreadyRunningError:

        async def replace(_: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(schedule=schedule)

        await client.get_schedule_handle(name).update(replace)


async def _drop(client: Client, name: str) -> None:
    """Not an error when there is none."""
    try:
        await client.get_schedule_handle(name).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
