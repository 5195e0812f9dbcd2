"""Roll-out of new code: which build has how many orders, and one command for each move."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.builds import Load, loads
from cli.deployment import find
from cli.output import as_json, console, fail, rows
from cli.replays import replayed
from models.order import OrderKey
from stack.errors import RolloutRefused
from stack.rescue import RUNNING, Pinned, move, of_workflows, pinned
from stack.rollout import Rollout
from workflows import policy

app = typer.Typer(help="Which build of the code has how many orders; roll-out, ramp, roll-back and rescue.")
T = TypeVar("T")
SHOWN = 20
"""Processes that are named one by one."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
BuildId = Annotated[str, typer.Argument(metavar="BUILD", help="As its workers' ORDERYARD_BUILD_ID names it.")]
Keys = Annotated[list[str] | None, typer.Argument(metavar="[ORDER_KEY]...", help="channel/account/external-id")]
Query = Annotated[str | None, typer.Option(help="A query of Temporal's, such as: OrderState = 'shipped'")]


@app.callback(invoke_without_command=True)
def versions(context: typer.Context, json_output: AsJson = False) -> None:
    """How many running orders are on which build, and which build new orders begin on."""
    if context.invoked_subcommand:
        return
    found = _done(loads)
    if json_output:
        as_json([each.as_json() for each in found])
    else:
        _print(found)


@app.command("set-current")
def set_current(build: BuildId) -> None:
    """Roll out, or back: new orders begin on this build. Orders that run stay on theirs; polls come along."""
    _done(lambda client: Rollout(client).set_current(build))
    console.print(f"{build} is current: new orders begin on it, running ones stay where they are")


@app.command()
def ramp(
    build: BuildId,
    percent: Annotated[float, typer.Argument(min=0, max=100, help="Of a hundred new orders; 0 ends the ramp.")],
) -> None:
    """Let a share of the new orders begin on a build, to see how they fare."""
    _done(lambda client: Rollout(client).ramp(build, percent))
    console.print(
        f"{percent:g} % of new orders begin on {build}" if percent else "no ramp: new orders begin on the current build"
    )


@app.command()
def rescue(
    keys: Keys = None,
    query: Query = None,
    to: Annotated[str | None, typer.Option(metavar="BUILD", help="The current one when not given.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be moved.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Move running orders from the build they are pinned to onto another one. `versions check` first."""
    where = _where(keys, query)
    build, found = _done(lambda client: _chosen(client, where, to))
    _print_chosen(found, build)
    if dry_run or not found:
        return
    if not yes:
        typer.confirm("Move them?", abort=True)
    moved = _done(lambda client: move(client, found, build))
    console.print(f"moved {moved.moved} to {build}; {moved.ended} had ended before")


@app.command()
def check(keys: Keys = None, query: Query = None, json_output: AsJson = False) -> None:
    """Would the code of this installation break running orders? Replays them; changes nothing. Exit code 1 if so."""
    where = _where(keys, query) if keys or query else RUNNING
    found = _done(lambda client: replayed(client, where))
    if json_output:
        as_json({"replayed": found.count, "broken": found.broken})
    else:
        console.print(f"{found.count} running processes replayed, {len(found.broken)} would break")
        for workflow_id, why in list(found.broken.items())[:SHOWN]:
            console.print(f"  {workflow_id}: {why}")
    raise typer.Exit(1 if found.broken else 0)


async def _chosen(client: Client, where: str, to: str | None) -> tuple[str, list[Pinned]]:
    """The build to move to, and what is to be moved. Raises `RolloutRefused` when nobody would go on with it there."""
    rollout = Rollout(client)
    build = to or await rollout.current()
    if build is None:
        raise RolloutRefused("no build is current: name one with --to")
    if not (await rollout.workers(policy.ORDERS_QUEUE)).get(build):
        raise RolloutRefused(
            f"no worker of build {build!r} was seen within five minutes: start one before orders wait for it"
        )
    return build, [each for each in await pinned(client, where) if each.build != build]


def _where(keys: list[str] | None, query: str | None) -> str:
    if bool(keys) == bool(query):
        fail("name orders by their keys, or by --query", 2)
    if query:
        return query
    try:
        return of_workflows(OrderKey.from_string(key).workflow_id for key in keys or ())
    except ValueError as error:
        fail(str(error), 2)


def _done(work: Callable[[Client], Awaitable[T]]) -> T:
    async def connected() -> T:
        return await work(await find().temporal())

    try:
        return asyncio.run(connected())
    except RolloutRefused as error:
        fail(str(error))
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            fail(f"--query: {error.message}", 2)
        raise


def _print(found: list[Load]) -> None:
    columns = ("build", "status", "since (UTC)", "orders", "stumbling", "others", "workers")
    rows("Builds", columns, [_row(each) for each in found])


def _row(load: Load) -> tuple[object, ...]:
    build = load.build
    status = build.status if build.percent is None else f"{build.status} {build.percent:g} %"
    since = build.since and f"{build.since:%Y-%m-%d %H:%M:%S}"
    return (build.build or "(none)", status, since, load.orders, load.stumbling, load.others, load.workers)


def _print_chosen(found: list[Pinned], build: str) -> None:
    from_builds = ", ".join(
        f"{count} from {name}" for name, count in sorted(Counter(each.build for each in found).items())
    )
    console.print(f"{len(found)} to be moved to {build}" + (f": {from_builds}" if found else ""))
    for each in found[:SHOWN]:
        console.print(f"  {each.workflow_id}")
    if len(found) > SHOWN:
        console.print(f"  … and {len(found) - SHOWN} more")
