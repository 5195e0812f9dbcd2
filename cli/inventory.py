"""Stock of channels, store, warehouse and ERP: `inventory reconcile` compares now, `show` tells the last comparison."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

import typer
from temporalio.client import Client

from cli.deployment import find
from cli.output import as_json, console, fail, rows
from models.inventory import InventoryReport, Standing, total
from store import inventory
from workflows import policy
from workflows.inventory import InventoryReconciliation, ReconciliationRequest

app = typer.Typer(no_args_is_help=True, help="Inventory: compare stock over all systems, repair what is safe.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Found = tuple[InventoryReport | None, list[Standing]]
MOST_ROWS = 200


@app.command()
def reconcile(
    grace_seconds: Annotated[
        int, typer.Option(min=0, help="A younger difference may be on its way: it is only shown.")
    ] = int(policy.IN_FLIGHT.total_seconds()),
    json_output: AsJson = False,
) -> None:
    """Ask warehouse and ERP, compare, repair what is safe. Exit code 1 when something differs."""
    deployment = find()

    async def work() -> Found:
        await reconciled(await deployment.temporal(), timedelta(seconds=grace_seconds))
        return await _newest()

    _print(asyncio.run(work()), json_output)


async def reconciled(client: Client, grace: timedelta) -> InventoryReport:
    return await client.execute_workflow(
        InventoryReconciliation.run,
        ReconciliationRequest(grace=grace),
        id=f"{policy.INVENTORY_QUEUE}/{uuid4()}",
        task_queue=policy.INVENTORY_QUEUE,
        static_summary="Inventory reconciliation, by hand",
    )


@app.command()
def show(json_output: AsJson = False) -> None:
    """What the last reconciliation found and left. Exit code 1 when something differs."""
    _print(asyncio.run(_newest()), json_output)


async def _newest() -> Found:
    async with find().database() as database, database.session() as session:
        return await inventory.newest(session), await inventory.standing(session)


def _print(found: Found, json_output: bool) -> None:
    report, standing = found
    if report is None:
        fail("stock has not been reconciled yet: `inventory reconcile` does it now", 2)
    if json_output:
        as_json(as_document(report, standing))
    else:
        print_inventory(report, standing)
    raise typer.Exit(1 if standing or report.repaired else 0)


def as_document(report: InventoryReport, standing: list[Standing]) -> dict[str, Any]:
    return {
        **report.model_dump(mode="json"),
        "accuracy": str(report.accuracy) if report.accuracy is not None else None,
        "value": {currency: str(amount) for currency, amount in total(each.mismatch for each in standing).items()},
        "standing": [each.model_dump(mode="json") for each in standing],
    }


def print_inventory(report: InventoryReport, standing: Sequence[Standing]) -> None:
    silent = [name for name, asked in (("WMS", report.asked.wms), ("ERP", report.asked.erp)) if not asked]
    share = "nothing to compare" if report.accuracy is None else f"{report.accuracy * 100:.2f} %"
    console.print(
        f"Inventory accuracy {share}: {report.agreed} of {report.cells} places agree"
        f" ({report.ran_at:%Y-%m-%d %H:%M} UTC); channels: {report.listings_agreed} of {report.listings} listings;"
        f" {report.repaired} repaired, {report.cases} cases"
    )
    if silent:
        console.print(f"Not compared, because it does not say what it has: {', '.join(silent)}")
    now = datetime.now(UTC)
    columns = ("what", "verdict", "store", "WMS", "ERP", "told", "would be told", "units", "value", "age")
    if standing:
        rows("Mismatches", columns, [_line(each, now) for each in standing[:MOST_ROWS]])
    if len(standing) > MOST_ROWS:
        console.print(f"… and {len(standing) - MOST_ROWS} more: --json has all of them")
    for currency, amount in sorted(total(each.mismatch for each in standing).items()):
        console.print(f"Value of what differs, where a price is known: {amount} {currency}")


def _line(each: Standing, now: datetime) -> tuple[object, ...]:
    found = each.mismatch
    said = (found.says.get(name) for name in ("store", "wms", "erp", "channel", "policy"))
    age = timedelta(seconds=int((now - each.since).total_seconds()))
    return (found.subject, found.verdict, *said, found.units, found.value or "unknown", age)
