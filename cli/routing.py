"""Which node ships, by which rules, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from cli import routing_file
from cli.deployment import find
from cli.output import as_json, console, fail, rows
from models.decision import decide
from models.fulfilment import Allocation, PickLine
from models.nodes import Node
from models.order import OrderKey
from models.routing import Inputs, RoutingRules
from store import reservations, routing, stock
from store.database import Database
from store.tables import AllocationRow

app = typer.Typer(no_args_is_help=True, help="The rules by which nodes are chosen, and why one was.")
nodes_app = typer.Typer(no_args_is_help=True, help="The places that ship.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def show(json_output: AsJson = False) -> None:
    """The rules in force, and every version that ever was."""

    async def work() -> dict[str, Any]:
        async with find().database() as database, database.session() as session:
            in_force = await routing.rules_at(session, datetime.now(UTC))
            versions = await routing.versions(session)
        applied = [{**row.rules().model_dump(mode="json"), "applied_by": row.applied_by} for row in versions]
        return {"in_force": in_force.model_dump(mode="json"), "versions": applied}

    found = asyncio.run(work())
    if json_output:
        as_json(found)
        return
    print_rules(RoutingRules.model_validate(found["in_force"]))
    rows(
        "Versions",
        ("version", "name", "in force from", "applied by", "criteria"),
        [
            (each["version"], each["name"], each["in_force_from"], each["applied_by"], ", ".join(each["criteria"]))
            for each in found["versions"]
        ],
    )


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="YAML, or JSON: `rules`, `nodes`, or both.")],
    actor: Annotated[str, typer.Option(help="Who decides; recorded with the version.")] = "operator",
    check: Annotated[bool, typer.Option("--check", help="Only say whether the file can be used.")] = False,
    json_output: AsJson = False,
) -> None:
    """Put rules and nodes of a file in force. Rules that differ become a new version; a node is changed by its name."""
    try:
        said = routing_file.read(file)
    except routing_file.RoutingFileError as error:
        fail(str(error), 2)
    if check:
        console.print(f"{file} can be used: {'rules' if said.rules else 'no rules'}, {len(said.nodes)} nodes")
        return
    done = asyncio.run(_applied(said, actor))
    if json_output:
        as_json(done)
        return
    if said.rules:
        console.print(f"rules {done['rules']}: {'new' if done['new'] else 'unchanged'}, since {done['in_force_from']}")
    console.print(f"nodes {', '.join(done['nodes']) or 'none'}; not in the file: {', '.join(done['others']) or 'none'}")


async def _applied(said: routing_file.RoutingFile, actor: str) -> dict[str, Any]:
    async with find().database() as database, database.session() as session:
        await routing.put_nodes(session, said.nodes)
        rules, new = await routing.rules_at(session, datetime.now(UTC)), False
        if said.rules:
            try:
                rules, new = await routing.put_rules(session, said.rules, actor)
            except ValueError as error:
                fail(f"rules: {error}", 2)
        names = [node.name for node in said.nodes]
        others = sorted({node.name for node in await routing.nodes(session)} - {*names})
    return {
        "rules": rules.label,
        "new": new,
        "in_force_from": rules.in_force_from,
        "nodes": names,
        "others": others,
    }


async def begin_with(database: Database, file: Path) -> None:
    """Put the file in force where nobody has applied any rules yet."""
    said = routing_file.read(file)
    async with database.session() as session:
        if said.rules and not await routing.versions(session):
            await routing.put_nodes(session, said.nodes)
            await routing.put_rules(session, said.rules, "orderyard")


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="channel/account/external-id")],
    decision: Annotated[int | None, typer.Option(min=1, help="Only this decision of the order.")] = None,
    json_output: AsJson = False,
) -> None:
    """Why these nodes: every candidate with its figures, and the version of the rules. Exit code 1 when undecided."""

    async def work(order: OrderKey) -> list[AllocationRow]:
        async with find().database() as database, database.session() as session:
            return await reservations.decisions(session, order)

    try:
        order = OrderKey.from_string(key)
    except ValueError as error:
        fail(str(error), 2)
    made = [row for row in asyncio.run(work(order)) if decision in (None, row.decision)]
    if not made:
        fail(f"{key}: {'no decision' if decision is None else f'no decision {decision}'} about where it ships from")
    if json_output:
        as_json([explained(row) for row in made])
    else:
        for row in made:
            print_decision(row)


@nodes_app.command("list")
def nodes_list(json_output: AsJson = False) -> None:
    """Every node: whom it serves, when its day ends, and how much of today's capacity is taken."""

    async def work() -> list[dict[str, Any]]:
        async with find().database() as database, database.session() as session:
            return await _nodes(session)

    found = asyncio.run(work())
    if json_output:
        as_json(found)
        return
    columns = ("node", "entity", "place", "serves", "service levels", "cut-off", "leaves", "today", "capacity", "costs")
    rows("Nodes", (*columns, "state"), [_node_line(each) for each in found])


async def _nodes(session: AsyncSession) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    known = {node.name: node for node in await routing.nodes(session)}
    places = {level.node for level in await stock.levels(session)}
    every = [known.get(name) or Node(name=name) for name in sorted({*known, *places})]
    load = await routing.load(session, {node.name: node.local_day(now) for node in every})
    return [
        {
            **node.model_dump(mode="json"),
            "described": node.name in known,
            "leaves_if_ordered_now": node.leaves_on(now).isoformat(),
            "begun_today": load.get(node.name, 0),
        }
        for node in every
    ]


def _node_line(node: dict[str, Any]) -> tuple[object, ...]:
    place = "-".join(filter(None, (node["country"], node["region"])))
    state = ("active" if node["active"] else "not active") if node["described"] else "only its stock is known"
    return (
        node["name"],
        node["entity"],
        place,
        ", ".join(node["serves"]) or "anywhere",
        ", ".join(node["service_levels"]) or "all",
        f"{node['cut_off'][:5]} {node['time_zone']}" if node["cut_off"] else f"midnight {node['time_zone']}",
        node["leaves_if_ordered_now"],
        node["begun_today"],
        node["capacity"],
        ", ".join(f"{country} {cost}" for country, cost in node["costs"].items()),
        state,
    )


def print_rules(rules: RoutingRules) -> None:
    since = f"in force since {rules.in_force_from:%Y-%m-%d %H:%M} UTC" if rules.in_force_from else "the default"
    console.print(f"{rules.label}: {since}")
    split = {"lines": rules.split_lines, "units of a line": rules.split_units, "bundles": rules.split_bundles}
    console.print(f"  compared by    {', '.join(rules.criteria)}")
    console.print(f"  may be split   {', '.join(name for name, may in split.items() if may) or 'nothing'}")
    console.print(f"  nodes at most  {rules.max_nodes or 'any number'}")


def explained(row: AllocationRow) -> dict[str, Any]:
    """The decision, its inputs, and whether this code would decide the same from them."""
    return {**row.model_dump(mode="json"), "decided_again": _again(row)}


def print_decision(row: AllocationRow) -> None:
    made = Allocation.model_validate(row.body)
    ships = "; ".join(f"{plan.node}: {_goods(plan.picks)}" for plan in made.nodes) or "nothing"
    console.print(f"{made.order_key}, decision {made.decision} of {row.decided_at:%Y-%m-%d %H:%M} UTC by {made.rule}")
    console.print(f"  {made.reason}")
    console.print(f"  ships  {ships}")
    if made.short:
        console.print(f"  short  {_goods(made.short)}")
    criteria = list(dict.fromkeys(name for each in made.considered for name in each.score))
    rows(
        "Nodes, each as if it shipped alone",
        ("node", "chosen", "why", *criteria),
        [
            (each.node, "yes" if each.chosen else "", each.why, *(each.score.get(name) for name in criteria))
            for each in sorted(made.considered, key=lambda each: not each.chosen)
        ],
    )
    console.print(f"  decided again from what was kept: {_again(row)}")


def _again(row: AllocationRow) -> str:
    if row.inputs is None:
        return "its inputs were not kept"
    inputs = Inputs.model_validate(row.inputs)
    same = decide(inputs.request, inputs.shelves, inputs.rules) == Allocation.model_validate(row.body)
    return "the same" if same else "different: the code has changed since"


def _goods(picks: Sequence[PickLine]) -> str:
    return ", ".join(f"{pick.quantity} x {pick.item}" for pick in picks)
