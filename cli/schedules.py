"""Temporal Schedules: who polls what, how often."""

from __future__ import annotations

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

from activities.channel import ChannelAccount
from connectors.registry import ChannelConnection, Connections
from workflows import policy
from workflows.channel_sync import ChannelSync
from workflows.settlement import SettlementSync

POLL_SECONDS = 180
"""Amazon's order search refills one call in three minutes; a connection's option `poll_seconds` says otherwise."""
SETTLEMENT_SECONDS = 3600


async def apply(client: Client, connections: Connections, poll_seconds: int | None = None) -> list[dict[str, Any]]:
    """Create or change a poll and a settlement schedule for each account; the same again changes nothing."""
    applied = []
    for connection in connections.channels:
        every = poll_seconds or int(connection.options.get("poll_seconds", POLL_SECONDS))
        for kind, seconds in (("orders", every), ("settlements", SETTLEMENT_SECONDS)):
            name = schedule_id(kind, connection.provider, connection.account)
            await _put(client, name, _schedule(kind, connection, seconds))
            applied.append({"schedule": name, "every_seconds": seconds})
    return applied


def schedule_id(kind: str, channel: str, account: str) -> str:
    return f"{kind}/{channel}/{account}"


async def trigger(client: Client, kind: str, connection: ChannelConnection) -> None:
    """Run one now, beside its interval."""
    name = schedule_id(kind, connection.provider, connection.account)
    await client.get_schedule_handle(name).trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)


def _schedule(kind: str, connection: ChannelConnection, seconds: int) -> Schedule:
    account = ChannelAccount(channel=connection.provider, account=connection.account)
    workflow = ChannelSync.run if kind == "orders" else SettlementSync.run
    return Schedule(
        action=ScheduleActionStartWorkflow(
            workflow,
            account,
            id=f"sync-{kind}/{connection.provider}/{connection.account}",
            task_queue=policy.channel_queue(connection.provider),
            static_summary=f"Read {kind} of {connection.provider}/{connection.account}",
        ),
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
