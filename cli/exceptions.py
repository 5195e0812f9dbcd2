"""The commands about exception cases: what waits for whom, and what is decided."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli import options, order_view
from cli.deployment import Deployment, find
from cli.options import ChannelName
from cli.output import as_json, console, fail
from models.case import Action, Amendment, CaseKind, ExceptionCase, Resolution
from store import cases

app = typer.Typer(no_args_is_help=True, help="Business problems that wait for a decision.")


@app.command("list")
def list_cases(
    kind: Annotated[CaseKind | None, typer.Option()] = None,
    channel: Annotated[ChannelName | None, typer.Option()] = None,
    everything: Annotated[bool, typer.Option("--all", help="Resolved cases too.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Cases with owner, subject, since when and until when, the longest open first."""
    found = asyncio.run(_found(find(), kind, channel.value if channel else None, everything))
    dumped = [case.model_dump(mode="json") for case in found]
    if json_output:
        as_json(dumped)
    else:
        order_view.print_cases(dumped)


@app.command()
def resolve(
    case_id: Annotated[str, typer.Argument(help="As `exceptions list` shows it.")],
    action: Action,
    actor: Annotated[str, typer.Option(help="Who decides; recorded with the decision.")] = "operator",
    note: Annotated[str, typer.Option(help="Why; recorded with the decision.")] = "",
    ship_to: Annotated[str | None, typer.Option(help="amend: the whole address as JSON.")] = None,
    service_level: Annotated[str | None, typer.Option(help="amend: the service level.")] = None,
    sku: Annotated[list[str] | None, typer.Option(help="amend: LINE=SKU, may be repeated.")] = None,
) -> None:
    """Decide an open case: retry, amend, skip or cancel."""
    amendment = Amendment(ship_to=options.address(ship_to), service_level=service_level, sku=options.pairs(sku or []))
    asyncio.run(_resolve(find(), case_id, action, actor, note, amendment))
    console.print(f"{case_id}: {action.value}")


async def _found(
    deployment: Deployment, kind: CaseKind | None, channel: str | None, everything: bool
) -> list[ExceptionCase]:
    async with deployment.database() as database, database.session() as session:
        return await cases.find(session, open_only=not everything, kind=kind, channel=channel)


async def _resolve(
    deployment: Deployment, case_id: str, action: Action, actor: str, note: str, amendment: Amendment
) -> None:
    """Send the decision to the workflow that waits for it; refused with the reason when it does not fit."""
    async with deployment.database() as database, database.session() as session:
        case = await cases.get(session, case_id)
    if case is None:
        fail(f"no case {case_id}: `exceptions list` shows the open ones")
    client = await deployment.temporal()
    resolution = Resolution(case_id=case_id, action=action, actor=actor, note=note, amendment=amendment)
    try:
        await client.get_workflow_handle(case.workflow_id).execute_update("resolve", resolution)
    except WorkflowUpdateFailedError as error:
        fail(f"not resolved: {error.cause}")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            fail(f"case {case_id} is over: its workflow {case.workflow_id} has ended")
        raise
