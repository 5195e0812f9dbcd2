"""The command `blast-radius`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from cli import repairing
from cli.blast_radius import BlastRadius, measured, plan, print_blast_radius
from cli.deployment import Deployment, find
from cli.output import as_json, console, fail
from connectors.providers import FORMATS
from models.repair import Repair


def blast_radius(
    channel: Annotated[str, typer.Option(help="The channel's name.")],
    mapping_version: Annotated[int, typer.Option(min=1, help="Orders that this version of its mapping read.")],
    apply_now: Annotated[bool, typer.Option("--apply", help="Correct them, after a question.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    note: Annotated[str, typer.Option(help="Why; recorded.")] = "",
    actor: Annotated[str, typer.Option(help="Who decides; recorded.")] = "",
    per_second: Annotated[int, typer.Option(min=1, max=100, help="Orders a second.")] = 5,
    json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read every order of a mapping version again from its raw payload, and show what differs; --apply corrects it."""
    if channel not in FORMATS:
        fail(f"--channel {channel!r}: there is no such channel; use one of {', '.join(sorted(FORMATS))}", 2)
    if apply_now and not (note.strip() and actor.strip()):
        fail("blast-radius: --apply needs --note (why) and --actor (who)", 2)
    deployment = find()
    found = asyncio.run(_measured(deployment, channel, mapping_version))
    if json_output:
        as_json(found.as_json())
    else:
        print_blast_radius(found)
    if not apply_now:
        return
    if found.now <= mapping_version:
        fail(f"{channel}: the mapping of today is version {found.now}: raise `mapping_version` before you correct")
    if not yes:
        typer.confirm(f"Correct {len(found.differing) - len(found.blocked)} orders?", abort=True, err=True)
    repair, outcomes = asyncio.run(_applied(deployment, found, note, actor, per_second))
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    console.print(f"repair {repair.repair_id}: {repair.state}: {told}")


async def _measured(deployment: Deployment, channel: str, mapping_version: int) -> BlastRadius:
    async with deployment.database() as database:
        return await measured(database, FORMATS, channel, mapping_version)


async def _applied(
    deployment: Deployment, found: BlastRadius, note: str, actor: str, per_second: int
) -> tuple[Repair, dict[str, int]]:
    async with deployment.database() as database:
        repair = await plan(database, found, note, actor, per_second)
    return await repairing.applied(deployment, repair.repair_id, wait=True)
