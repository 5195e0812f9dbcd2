"""Returns: what comes back, what is decided about it, and what was found in it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import uuid4

import typer
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from capture.returns import tell
from cli import options
from cli.deployment import Deployment, find
from cli.output import as_json, console, fail, pairs, rows
from models.base import Model
from models.order import OrderKey
from models.return_process import Exchange, Inspection, ReturnFile, ReturnOrigin, Ruling
from models.returns import ReturnProcessState
from models.systems import Condition, ReturnedItem
from store import orders, return_processes
from workflows.returns import ReturnWorkflow

app = typer.Typer(no_args_is_help=True, help="Returns: list, show, request, decide, inspect, exchange.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[str, typer.Argument(help="The RMA, the channel's return id, or the workflow id.")]
Actor = Annotated[str, typer.Option(help="Who decides; recorded with the return.")]
Handle = WorkflowHandle[ReturnWorkflow, ReturnFile]
Message = TypeVar("Message", bound=Model)


@app.command("list")
def list_returns(
    state: Annotated[ReturnProcessState | None, typer.Option()] = None,
    order: Annotated[str | None, typer.Option(help="Only those of this order.")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    json_output: AsJson = False,
) -> None:
    """Returns, newest first."""
    found = asyncio.run(_found(find(), state, options.key(order) if order else None, limit))
    if json_output:
        as_json([file.model_dump(mode="json") for file in found])
        return
    columns = ("return", "RMA", "order", "state", "line: units", "due (UTC)", "case")
    rows("Returns", columns, [_row(file) for file in found])


@app.command()
def show(number: Number, json_output: AsJson = False) -> None:
    """One return: its history, its parcels, its refunds."""
    deployment = find()
    file = asyncio.run(_one(deployment, number))
    if json_output:
        as_json(file.model_dump(mode="json"))
        return
    link = deployment.link(file.workflow_id)
    console.print(f"return {file.return_id} of {file.order_key}  {file.state}  RMA {file.rma}", style="bold")
    if link:
        console.print(link, soft_wrap=True)
    if file.case:
        console.print(f"case {file.case.case_id}: {file.case.reason} ({', '.join(file.case.allowed)})")
    history = [(f"{event.at:%Y-%m-%d %H:%M:%S}", event.state, event.cause, event.actor) for event in file.history]
    rows("History", ("when (UTC)", "state", "cause", "actor"), history)
    pieces = [
        (
            each.receipt.receipt_id,
            each.receipt.node,
            item.line_id,
            item.item,
            item.quantity,
            item.condition,
            each.document,
        )
        for each in file.parcels
        for item in each.receipt.items
    ]
    rows("Parcels", ("receipt", "node", "line", "item", "pieces", "condition", "ERP"), pieces)
    money = [(each.claim.request_id, each.state, each.paid, each.refused) for each in file.refunds]
    rows("Refunds", ("refund", "state", "paid", "why not"), money)


@app.command()
def request(
    order: Annotated[str, typer.Argument(help="channel/account/external-id")],
    line: Annotated[list[str], typer.Option(help="LINE=UNITS that come back; may be repeated.")],
    reason: Annotated[str, typer.Option(help="The buyer's.")] = "",
    name: Annotated[str, typer.Option("--id", help="The same id again is the same return.")] = "",
    actor: Actor = "operator",
    json_output: AsJson = False,
) -> None:
    """Open a return that a buyer asked for outside the channel."""
    opened = asyncio.run(
        _opened(find(), options.key(order), options.units(line), reason, name or uuid4().hex[:8], actor)
    )
    if json_output:
        as_json(opened)
    else:
        pairs("Return", opened)


@app.command()
def decide(
    number: Number,
    accept: Annotated[bool, typer.Option("--accept/--refuse", help="The decision.")],
    order: Annotated[str | None, typer.Option(help="Of a blind return: the order the goods belong to.")] = None,
    line: Annotated[list[str] | None, typer.Option(help="LINE=UNITS, where others than were asked for.")] = None,
    reason: Annotated[str, typer.Option(help="Recorded with the decision.")] = "",
    actor: Actor = "operator",
) -> None:
    """Accept or refuse a return that waits for a decision."""
    ruling = Ruling(
        accepted=accept,
        actor=actor,
        reason=reason,
        order_key=options.key(order) if order else None,
        units=options.units(line or []),
    )
    asyncio.run(_update(find(), number, "decide", ruling))
    console.print(f"{number}: {'accepted' if accept else 'refused'}")


@app.command()
def inspect(
    number: Number,
    item: Annotated[list[str], typer.Option(help="ITEM=PIECES:CONDITION (resell, scrap, reject); may be repeated.")],
    receipt: Annotated[str, typer.Option(help="The parcel that is corrected, or a new one.")] = "",
    node: Annotated[str, typer.Option(help="Where a parcel is that the warehouse did not report.")] = "",
    note: Annotated[str, typer.Option(help="Recorded with it.")] = "",
    actor: Actor = "operator",
) -> None:
    """Correct a parcel before it is booked, or report one by hand."""
    receipt_id = receipt or f"hand-{uuid4().hex[:8]}"
    items = tuple(_item(text) for text in item)
    inspection = Inspection(receipt_id=receipt_id, actor=actor, node=node, items=items, note=note)
    asyncio.run(_update(find(), number, "inspect", inspection))
    console.print(f"{number}: parcel {receipt_id} inspected")


@app.command()
def exchange(
    number: Number,
    line: Annotated[
        list[str] | None, typer.Option(help="LINE=UNITS[:SKU[:UNIT PRICE]]; without it the same goods again.")
    ] = None,
    note: Annotated[str, typer.Option(help="Recorded with it.")] = "",
    actor: Actor = "operator",
) -> None:
    """Give other goods for what comes back, instead of money."""
    asyncio.run(_exchange_for(find(), number, line or [], note, actor))
    console.print(f"{number}: exchanged when the goods are back")


async def _found(
    deployment: Deployment, state: ReturnProcessState | None, key: OrderKey | None, limit: int
) -> list[ReturnFile]:
    async with deployment.database() as database, database.session() as session:
        return await return_processes.find(session, state=state, order_key=key, limit=limit)


async def _one(deployment: Deployment, number: str) -> ReturnFile:
    async with deployment.database() as database, database.session() as session:
        found = await return_processes.by_number(session, number)
    if not found:
        fail(f"no return {number}: `returns list` shows those there are")
    if len(found) > 1:
        fail(f"{number} is the number of several returns: name one of {', '.join(file.workflow_id for file in found)}")
    return found[0]


async def _opened(
    deployment: Deployment, key: OrderKey, units: dict[str, int], reason: str, name: str, actor: str
) -> dict[str, Any]:
    async with deployment.database() as database, database.session() as session:
        row = await orders.get(session, key)
        if row is None:
            fail(f"no order {key}: `order list` shows those there are")
        if unknown := sorted(set(units) - {line.line_id for line in row.order().lines}):
            fail(f"order {key} has no line {unknown[0]}", 2)
    file = file_of(key, str(row.correlation_id), units, f"{reason} ({actor})".strip(), name)
    workflow_id = await tell(await deployment.temporal(), file)
    return {
        "return": file.return_id,
        "RMA": file.rma,
        "workflow": workflow_id,
        "temporal": deployment.link(workflow_id),
    }


def file_of(key: OrderKey, correlation_id: str, units: dict[str, int], reason: str, name: str) -> ReturnFile:
    """A return that an operator opens for a buyer."""
    return ReturnFile(
        channel=key.channel,
        account=key.account,
        return_id=f"{key.external_id}-{name}".replace("/", "-"),
        order_key=key,
        correlation_id=correlation_id,
        origin=ReturnOrigin.OPERATOR,
        rma=f"RMA-{name}",
        reason=reason,
        requested_at=datetime.now(UTC),
        wanted=units,
    )


async def _exchange_for(deployment: Deployment, number: str, lines: list[str], note: str, actor: str) -> None:
    file = await _one(deployment, number)
    if file.order_key is None:
        fail(f"return {number} is of no known order: `returns decide {number} --accept --order …` first")
    async with deployment.database() as database, database.session() as session:
        row = await orders.get(session, file.order_key)
    assert row is not None, "a return's order is in the registry"
    chosen = tuple(options.exchange(text, row.order()) for text in lines)
    await _send(deployment, file, "exchange", Exchange(actor=actor, lines=chosen, note=note))


async def _update(deployment: Deployment, number: str, update: str, message: Message) -> None:
    await _send(deployment, await _one(deployment, number), update, message)


async def _send(deployment: Deployment, file: ReturnFile, update: str, message: Model) -> None:
    client: Client = await deployment.temporal()
    try:
        await client.get_workflow_handle(file.workflow_id).execute_update(update, message)
    except WorkflowUpdateFailedError as error:
        fail(f"refused: {error.cause}")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            fail(f"return {file.return_id} has ended as {file.state}")
        raise


def _row(file: ReturnFile) -> tuple[object, ...]:
    units = ", ".join(f"{line_id}: {count}" for line_id, count in file.wanted.items())
    due = f"{file.due:%Y-%m-%d}" if file.due and not file.ended else ""
    return (file.return_id, file.rma, file.order_key, file.state, units, due, file.case.case_id if file.case else "")


def _item(text: str) -> ReturnedItem:
    item, _, rest = text.rpartition("=")
    count, _, condition = rest.partition(":")
    try:
        return ReturnedItem.model_validate(
            {"item": item, "quantity": int(count), "condition": Condition(condition or Condition.RESELL)}
        )
    except ValueError as error:
        fail(f"--item {text}: write ITEM=PIECES:CONDITION ({error})", 2)
