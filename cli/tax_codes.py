"""The tax engine's codes of items: setting one tries again every order that waits for it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from cli.deployment import find
from cli.output import as_json, console, fail, rows
from store import tax_codes
from store.tax_codes import CodeSet

app = typer.Typer(no_args_is_help=True, help="The tax engine's codes of items.")
LONGEST = 25
"""Characters of a code that tax engines take (AvaTax's `taxCode`)."""


@app.command("set")
def set_code(
    item: Annotated[str, typer.Argument(help="An item, or a channel's SKU, which goes before its items.")],
    code: Annotated[str, typer.Argument(help="The tax engine's code, e.g. P0000000.")],
    actor: Annotated[str, typer.Option(help="Who decides; recorded.")] = "operator",
) -> None:
    """Give an item its tax code; orders that wait because of it go on by themselves."""
    item, code = item.strip(), code.strip()
    if not item or not code or len(code) > LONGEST:
        fail(f"tax-codes set {item!r} {code!r}: give an item and a code of 1 to {LONGEST} characters", 2)

    async def work() -> CodeSet:
        async with find().database() as database, database.session() as session:
            return await tax_codes.put(session, item, code, actor)

    done = asyncio.run(work())
    console.print(f"{item}: {done.previous or 'the default'} -> {code}; {done.told} waiting orders are tried again")


@app.command("list")
def list_codes(json_output: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Items that have a code of their own; every other has the engine's default."""

    async def work() -> list[dict[str, Any]]:
        async with find().database() as database, database.session() as session:
            return [row.model_dump(mode="json") for row in await tax_codes.everything(session)]

    found = asyncio.run(work())
    if json_output:
        as_json(found)
    else:
        columns = ("item", "tax_code", "actor", "updated_at")
        rows("Tax codes", columns, [tuple(row[name] for name in columns) for row in found])
