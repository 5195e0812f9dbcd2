"""All commands and their options; what they do is in the other files of this room.

The commands that start the local stack import it when they run: a service's image has neither it nor the sandbox.
"""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import logs
from cli import (
    catalogue,
    channels,
    dead_letters,
    erp,
    exceptions,
    inventory,
    order_commands,
    parsing,
    rates,
    refunds,
    remapping,
    repair,
    returns,
    routing,
    schedules,
    settlements,
    states,
    survey,
    systems,
    tax_codes,
    versions,
    wms,
)
from cli.capture import ingest as ingest_files
from cli.capture import settle as settle_file
from cli.deployment import find
from cli.options import ChannelName
from cli.output import as_json, console, fail, rows
from settings import Settings
from stack.errors import StackError

app = typer.Typer(
    no_args_is_help=True,
    help="Orderyard: every marketplace order one durable workflow, from the first event to settled money.",
    pretty_exceptions_enable=False,
)
schedules_app = typer.Typer(no_args_is_help=True, help="Polling of the channels.")
app.add_typer(order_commands.app, name="order")
app.add_typer(exceptions.app, name="exceptions")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(schedules_app, name="schedules")
app.add_typer(catalogue.app, name="listings")
app.add_typer(rates.app, name="rates")
app.add_typer(channels.app, name="channels")
app.add_typer(routing.app, name="routing")
app.add_typer(routing.nodes_app, name="nodes")
app.add_typer(repair.app, name="repair")
app.add_typer(tax_codes.app, name="tax-codes")
app.add_typer(systems.app, name="systems")
app.add_typer(returns.app, name="returns")
app.command()(refunds.refund)
app.command()(refunds.replace)
app.command()(states.states)
app.add_typer(versions.app, name="versions")
app.add_typer(erp.app, name="erp")
app.add_typer(wms.app, name="wms")
app.add_typer(settlements.app, name="settlements")
app.add_typer(inventory.app, name="inventory")


class DemoErp(StrEnum):
    REST = "rest"
    TRYTON = "tryton"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Account = Annotated[str, typer.Option(help="The channel account the files belong to.")]


@app.callback()
def configure() -> None:
    settings = Settings()
    logs.configure(settings.log_format, "WARNING")


@app.command()
def up(
    quota_scale: Annotated[float, typer.Option(help="How many times the vendors' published quota.")] = 1.0,
    poll_seconds: Annotated[int | None, typer.Option(min=1, help="Poll each channel so often.")] = None,
) -> None:
    """Run the whole stack on this machine, without Docker, until Ctrl-C. State is kept in the data directory."""
    from cli.local import stay_up

    raise typer.Exit(asyncio.run(stay_up(quota_scale, poll_seconds)))


@app.command()
def demo(
    orders_dir: Annotated[
        Path | None, typer.Option("--orders", exists=True, file_okay=False, help="Serve the orders of these files.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Orders to generate, over all channels.")] = 500,
    scenario: Annotated[str, typer.Option(help="calm, everyday, demo, rough, or a YAML file.")] = "demo",
    seed: Annotated[int | None, typer.Option(help="Seed of the generated orders, instead of the scenario's.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the result to this file.")] = None,
    keep: Annotated[bool, typer.Option(help="Leave the stack up at the end, until Ctrl-C.")] = False,
    erp: Annotated[DemoErp, typer.Option(help="Post into the sandbox's ERP, or into a real Tryton.")] = DemoErp.REST,
) -> None:
    """Start a stack, let buyers buy, and follow every order to its end."""
    from cli.demo import DemoOptions, run_demo

    options = DemoOptions(
        orders_dir=orders_dir,
        count=count,
        scenario=scenario,
        seed=seed,
        keep=keep,
        erp=erp.value,
        data_dir=Settings().data_dir / "demo",
    )
    try:
        result = asyncio.run(run_demo(options))
    except StackError as error:
        fail(str(error))
    if json_file:
        json_file.write_text(json.dumps(result.as_json(), indent=2) + "\n", encoding="utf-8")
    raise typer.Exit(0 if result.good else 1)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of all twins on 127.0.0.1.")] = 8090,
    state: Annotated[Path | None, typer.Option(help="Directory for state that outlives the process.")] = None,
    webhooks_to: Annotated[str | None, typer.Option(help="Base URL of the gateway that receives webhooks.")] = None,
    orders_dir: Annotated[
        Path | None, typer.Option("--orders", exists=True, file_okay=False, help="Serve the orders of these files.")
    ] = None,
    scenario: Annotated[
        str, typer.Option(help="calm, everyday, demo, rough, or a YAML file: buyers, delays, faults, quotas.")
    ] = "everyday",
    seed: Annotated[int | None, typer.Option(help="Seed of the generated orders, instead of the scenario's.")] = None,
    quota_scale: Annotated[
        float | None, typer.Option(help="How many times the vendors' published quota, instead of the scenario's.")
    ] = None,
    ship_delay: Annotated[
        float | None, typer.Option(help="Seconds from a release to its first parcel, instead of the scenario's.")
    ] = None,
) -> None:
    """Run the vendors' twins alone; prints each base URL and the test credentials."""
    from cli.local import serve_sandbox
    from sandbox.core import SandboxOptions
    from sandbox.scenario import ScenarioError

    try:
        options = SandboxOptions.in_scenario(
            scenario,
            base_url=f"http://127.0.0.1:{port}",
            webhooks_to=webhooks_to,
            state_dir=state,
            orders_dir=orders_dir,
            seed=seed,
            quota_scale=quota_scale,
            ship_delay=ship_delay,
        )
        serve_sandbox(port, options)
    except ScenarioError as error:
        fail(str(error), 2)


@app.command()
def parse(
    channel: ChannelName,
    files: Annotated[list[Path], typer.Argument(help="Payloads as the channel sends them.")],
    account: Account = parsing.ACCOUNT,
    json_output: AsJson = False,
) -> None:
    """Read payloads into canonical orders; needs no stack. Exit code 1 when anything was refused."""
    parsed = [(path, parsing.parse_file(channel.value, path, account)) for path in files]
    if json_output:
        as_json([parsing.report(path, result) for path, result in parsed])
    else:
        for path, result in parsed:
            for order in result.orders:
                as_json(parsing.described(order))
            for refusal in result.refusals:
                print(f"refused {path}: {refusal}")
    raise typer.Exit(1 if any(result.refusals for _, result in parsed) else 0)


@app.command("survey")
def survey_folder(
    directory: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folders named like channels.")],
    json_output: AsJson = False,
) -> None:
    """Read every payload of a folder: the orders in it with proven totals, or why there is none; needs no stack."""
    found = survey.of_folder(directory)
    if json_output:
        as_json([each.as_json() for each in found])
    else:
        survey.print_survey(found)


@app.command()
def ingest(
    channel: ChannelName,
    files: Annotated[list[Path], typer.Argument(help="Payloads as the channel sends them.")],
    account: Account = "main",
    json_output: AsJson = False,
) -> None:
    """Feed files to the running stack, as if the channel had sent them. Exit code 1 when anything was refused."""
    found = asyncio.run(ingest_files(find(), channel.value, account, files))
    if json_output:
        as_json(found)
    else:
        for each in found:
            print(f"{each['file']}: {each['status']}: {each['outcome']}")
            for refusal in each["refusals"]:
                print(f"  refused: {refusal['reason']} at {refusal['path']}: {refusal['value']}. {refusal['remedy']}")
    raise typer.Exit(1 if any(each["refusals"] for each in found) else 0)


@app.command()
def settle(
    file: Annotated[Path, typer.Argument(help="A settlement document as the channel gives it.")],
    channel: Annotated[ChannelName | None, typer.Option(help="Found by the content when not given.")] = None,
    account: Account = "main",
    json_output: AsJson = False,
) -> None:
    """Post a settlement file: prove its sum, match its lines, tell the orders. Exit code 1 when it is refused."""
    posted = asyncio.run(settle_file(find(), channel.value if channel else None, account, file))
    if json_output:
        as_json(posted.model_dump(mode="json"))
    elif posted.result is None:
        fail(f"refused {file}: {posted.refused}")
    else:
        for result in (posted.result, *posted.more):
            sums = f"payout {result.payout} = matched {result.matched} + residual {result.residual}"
            console.print(f"settlement {result.settlement_id}: {sums}; {result.lines} lines, {result.orders} orders")
            rows("Residuals", ("name", "amount"), sorted(result.residuals.items()))
    raise typer.Exit(1 if posted.result is None else 0)


app.command("blast-radius")(remapping.blast_radius)


@schedules_app.command("apply")
def schedules_apply(
    poll_seconds: Annotated[int | None, typer.Option(min=1, help="For every account, instead of its own.")] = None,
    json_output: AsJson = False,
) -> None:
    """Create or change the schedules of every connection, of a warehouse that is watched, and of the reconciliation."""

    async def work() -> list[dict[str, object]]:
        deployment = find()
        client = await deployment.temporal()
        applied = await schedules.apply(client, deployment.connections, poll_seconds)
        applied += await schedules.apply_warehouse(client, deployment.connections)
        return [*applied, await schedules.apply_inventory(client)]

    applied = asyncio.run(work())
    if json_output:
        as_json(applied)
    else:
        rows("Schedules", ("schedule", "every (s)"), [(each["schedule"], each["every_seconds"]) for each in applied])
