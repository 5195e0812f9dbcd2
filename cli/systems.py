"""The outside systems: which of them calls are stopped for, since when and why; stop and resume them by hand."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities import queue_rate
from cli.deployment import Deployment, find
from cli.output import as_json, console, fail, rows
from models import breaker
from models.breaker import BreakerInput, BreakerPolicy, PauseQueue, ResumeQueue, TripRecord
from store import breakers
from workflows import policy
from workflows.breaker import BreakerWorkflow

app = typer.Typer(no_args_is_help=True, help="Outside systems: status, pause, resume.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Queue = Annotated[str, typer.Argument(help="erp, wms, tax, fraud, notify, settlement, or channel-NAME")]
Actor = Annotated[str, typer.Option(help="Who decides; recorded.")]
SYSTEMS = (
    policy.ERP_QUEUE,
    policy.WMS_QUEUE,
    policy.TAX_QUEUE,
    policy.FRAUD_QUEUE,
    policy.NOTIFY_QUEUE,
    policy.SETTLEMENT_QUEUE,
)


@app.command()
def status(json_output: AsJson = False) -> None:
    """Open (calls are stopped) or closed, since when, why, probes, and how much waits, for each system."""
    found = asyncio.run(_status(find()))
    if json_output:
        as_json(found)
        return
    columns = ("system", "calls", "since (UTC)", "why", "probes", "last probe", "waiting", "workers", "limit")
    rows("Systems", columns, [_line(each) for each in found])


@app.command()
def trips(queue: Annotated[str | None, typer.Argument()] = None, json_output: AsJson = False) -> None:
    """When calls to a system were stopped, newest first."""

    async def work() -> list[TripRecord]:
        async with find().database() as database, database.session() as session:
            return await breakers.trips(session, queue)

    found = [trip.model_dump(mode="json") for trip in asyncio.run(work())]
    if json_output:
        as_json(found)
        return
    columns = ("queue", "opened_at", "closed_at", "actor", "closed_by", "probes", "reason", "last_probe")
    rows("Trips", columns, [tuple(each[name] for name in columns) for each in found])


@app.command()
def pause(
    queue: Queue, reason: Annotated[str, typer.Option(help="Why; everybody sees it.")], actor: Actor = "operator"
) -> None:
    """Stop all calls to a system; what waits loses no attempt. Only `systems resume` lets them go on."""
    deployment = find()
    _known(deployment, queue)

    async def work() -> None:
        await pause_queue(await deployment.temporal(), queue, PauseQueue(reason=reason, actor=actor))

    asyncio.run(work())
    console.print(f"{queue}: stops; `systems resume {queue}` lets calls go on")


@app.command()
def resume(
    queue: Queue, reason: Annotated[str, typer.Option(help="Why; recorded.")] = "", actor: Actor = "operator"
) -> None:
    """Let calls to a system go on, gently at first."""
    deployment = find()
    _known(deployment, queue)

    async def work() -> None:
        handle = (await deployment.temporal()).get_workflow_handle(breaker.workflow_id(queue))
        try:
            await handle.signal(BreakerWorkflow.resume, ResumeQueue(actor=actor, reason=reason))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                fail(f"calls to {queue} are not stopped: `systems status` shows which are")
            raise

    asyncio.run(work())
    console.print(f"{queue}: calls begin again")


async def pause_queue(client: Client, queue: str, wish: PauseQueue, how: BreakerPolicy | None = None) -> None:
    """Tell the breaker, which is started when all was well."""
    await client.start_workflow(
        BreakerWorkflow.run,
        BreakerInput(queue=queue, policy=how or BreakerPolicy()),
        id=breaker.workflow_id(queue),
        task_queue=breaker.QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Breaker of {queue}",
        start_signal="pause",
        start_signal_args=[wish],
    )


def _known(deployment: Deployment, queue: str) -> None:
    known = _queues(deployment)
    if queue not in known:
        fail(f"there is no queue {queue!r}; use one of {', '.join(known)}", 2)


def _queues(deployment: Deployment) -> list[str]:
    channels = sorted({policy.channel_queue(each.provider) for each in deployment.connections.channels})
    return [*SYSTEMS, *channels]


async def _status(deployment: Deployment) -> list[dict[str, Any]]:
    client = await deployment.temporal()
    rates = await asyncio.gather(*(queue_rate.read(client, queue) for queue in _queues(deployment)))
    async with deployment.database() as database, database.session() as session:
        trips_of = {rate.queue: await breakers.trips(session, rate.queue, 1) for rate in rates}
    return [standing(rate, trips_of[rate.queue]) for rate in rates]


def standing(rate: queue_rate.QueueRate, newest: list[TripRecord]) -> dict[str, Any]:
    """What the server does now, and what is recorded of it: a limit of 0 that nobody recorded shows, too."""
    stopped = rate.per_second == 0
    trip = next((trip for trip in newest if trip.closed_at is None), None)
    return {
        "system": rate.queue,
        "calls": "stopped" if stopped else "beginning again" if trip else "go on",
        "since": trip.opened_at.isoformat() if trip else None,
        "why": trip.reason if trip else rate.reason if stopped else None,
        "stopped_by": trip.actor if trip else None,
        "probes": trip.probes if trip else None,
        "last_probe": trip.last_probe if trip else None,
        "waiting": rate.waiting,
        "workers": rate.workers,
        "limit": rate.per_second,
    }


def _line(each: dict[str, Any]) -> tuple[object, ...]:
    since = (each["since"] or "")[:19].replace("T", " ")
    limit = "" if each["limit"] is None else f"{each['limit']:g}/s"
    names = ("why", "probes", "last_probe", "waiting", "workers")
    return (each["system"], each["calls"], since, *(each[name] for name in names), limit)
