"""One decision for many cases: shown first, then applied at a steady pace by a durable process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cli import repairing
from cli.deployment import find
from cli.output import as_json, console, fail, rows
from models import case_query
from models.case import Action, Amendment
from models.repair import Outcome, Repair

app = typer.Typer(help="One decision for many cases: dry run, apply, list, show, stop.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RepairId = Annotated[str, typer.Argument(help="As the dry run and `repair list` show it.")]
Wait = Annotated[bool, typer.Option(help="Wait until it has ended.")]


@app.callback(invoke_without_command=True)
def repair(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Option(help='Which open cases: "channel=amazon and case=tax_declined and since=2h".')
    ] = None,
    action: Annotated[Action | None, typer.Option(help="What is decided for each of them.")] = None,
    amend: Annotated[str | None, typer.Option(help='With `--action amend`: {"ship_to": …} as JSON.')] = None,
    note: Annotated[str, typer.Option(help="Why; recorded with every decision.")] = "",
    actor: Annotated[str, typer.Option(help="Who decides; recorded with every decision.")] = "",
    per_second: Annotated[int, typer.Option(min=1, max=100, help="Cases a second.")] = 5,
    apply_now: Annotated[bool, typer.Option("--apply", help="Apply what the dry run shows.")] = False,
    wait: Wait = True,
    json_output: AsJson = False,
) -> None:
    """Dry run of a repair: how many cases, which, and what can be done. Nothing is changed without --apply."""
    if context.invoked_subcommand:
        return
    if query is None:
        fail('repair: which cases? --query "channel=… and case=… and since=…"', 2)
    try:
        picked = case_query.parse(query, datetime.now(UTC))
    except case_query.QueryError as error:
        fail(str(error), 2)
    amendment = _amendment(action, amend)
    if apply_now and not (action and note.strip() and actor.strip()):
        fail("repair: --apply needs --action, --note (why) and --actor (who)", 2)
    deployment = find()
    wish = repairing.Wish(query=query, action=action, amendment=amendment, note=note, actor=actor, pace=per_second)
    found = asyncio.run(repairing.dry_run(deployment, picked, wish))
    if not apply_now:
        if json_output:
            as_json(found.as_json())
        else:
            _print_dry_run(found)
        return
    if not json_output:
        _print_dry_run(found)
    assert found.repair is not None
    _apply(found.repair.repair_id, wait=wait, json_output=json_output)


@app.command("apply")
def apply_planned(repair_id: RepairId, wait: Wait = True, json_output: AsJson = False) -> None:
    """Apply a repair exactly as its dry run showed it, or go on with one that was stopped."""
    _apply(repair_id, wait=wait, json_output=json_output)


@app.command("list")
def list_repairs(json_output: AsJson = False) -> None:
    """Repairs, newest first."""
    found = asyncio.run(repairing.listed(find()))
    if json_output:
        as_json(found)
        return
    columns = ("repair_id", "state", "planned_at", "actor", "action", "query", "note", "outcomes")
    rows("Repairs", columns, [tuple(_cell(each[name]) for name in columns) for each in found])


@app.command("show")
def show_repair(repair_id: RepairId, json_output: AsJson = False) -> None:
    """Who decided what, when and why, and what became of each case."""
    repair, items = asyncio.run(repairing.shown(find(), repair_id))
    if json_output:
        as_json({**repair.model_dump(mode="json"), "items": [item.model_dump(mode="json") for item in items]})
        return
    _print_head(repair)
    rows(
        "Cases" if repair.action else "Orders",
        ("case" if repair.action else "order", "outcome", "when (UTC)", "reason", "before", "after"),
        [(i.target, i.outcome or "left", f"{i.done_at or '':.19}", i.reason, i.before, i.after) for i in items],
    )


@app.command("stop")
def stop_repair(
    repair_id: RepairId, actor: Annotated[str, typer.Option(help="Who stops it; recorded.")] = "operator"
) -> None:
    """Stop a running repair after the cases it is at; what was done stays done."""
    asyncio.run(repairing.stop(find(), repair_id, actor))
    console.print(f"{repair_id}: stops; `repair apply {repair_id}` goes on with the rest")


def _apply(repair_id: str, *, wait: bool, json_output: bool) -> None:
    repair, outcomes = asyncio.run(repairing.applied(find(), repair_id, wait=wait))
    if json_output:
        as_json({**repair.model_dump(mode="json"), "outcomes": outcomes})
    else:
        told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
        console.print(f"repair {repair_id}: {repair.state}: {told}")
    raise typer.Exit(1 if outcomes.get(Outcome.NO_ANSWER) else 0)


def _print_dry_run(found: repairing.DryRun) -> None:
    for name in ("case", "channel", "step", "owner"):
        rows(f"By {name}", (name, "cases"), found.counts(name))
    sample = [(c.case_id, c.kind, c.owner, f"{c.opened_at:%m-%d %H:%M}", c.reason) for c in found.cases[:5]]
    rows("The longest open", ("case", "kind", "whose turn", "since (UTC)", "reason"), sample)
    console.print(f"{len(found.cases)} open cases match")
    if found.action:
        console.print(f"{found.action}: possible for {found.possible}, not for {len(found.cases) - found.possible}")
        if obstacles := found.obstacles():
            rows("Not possible", ("why", "cases"), obstacles)
    if found.repair:
        console.print(
            f"nothing is changed yet; exactly these cases: python starter.py repair apply {found.repair.repair_id}"
        )


def _print_head(repair: Repair) -> None:
    facts: dict[str, Any] = repair.model_dump(mode="json", exclude_none=True)
    for name, value in facts.items():
        console.print(f"{name:<16} {value}")


def _cell(value: object) -> object:
    return ", ".join(f"{n} {name}" for name, n in value.items()) if isinstance(value, dict) else value


def _amendment(action: Action | None, text: str | None) -> Amendment:
    if (action is Action.AMEND) != (text is not None):
        fail("repair: --action amend and --amend JSON go together", 2)
    if text is None:
        return Amendment()
    try:
        amendment = Amendment.model_validate_json(text)
    except ValidationError as error:
        fail(f"--amend: {error}", 2)
    if unknown := repairing.unknown_fields(text):
        fail(f"--amend: {', '.join(unknown)}: no such field; use {', '.join(Amendment.model_fields)}", 2)
    if amendment.empty:
        fail("--amend says nothing to change", 2)
    return amendment
