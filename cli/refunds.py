"""Money and goods for a buyer without a return: refunds, and replacements."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import typer
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from capture.temporal import tell_order
from cli import options
from cli.deployment import Deployment, find
from cli.output import as_json, console, fail, pairs, rows
from models.channel import RefundReason
from models.money import Money
from models.order import Order, OrderKey
from models.refund_process import RefundTask, refund_id, refund_workflow_id
from models.refundable import NotRefundable, Refundable, Standing, lines_of, refundable
from models.refunds import Refund, RefundClaim, RefundedLine, RefundState
from models.replacements import ExchangeLine, Replacement, ReplacementTask, paid
from store import orders, refunds
from workflows import policy
from workflows.refund import RefundWorkflow
from workflows.replacement import ReplacementWorkflow

PATIENCE = 20.0
"""Seconds in which a command waits for the end of what it started."""
Key = Annotated[str, typer.Argument(help="channel/account/external-id")]
Actor = Annotated[str, typer.Option(help="Who decides; recorded with the refund.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def refund(
    key: Key,
    line: Annotated[list[str] | None, typer.Option(help="LINE=UNITS given up; may be repeated.")] = None,
    amount: Annotated[
        list[str] | None, typer.Option(help="LINE=AMOUNT of its price, tax included; AMOUNT alone is spread.")
    ] = None,
    shipping: Annotated[bool, typer.Option(help="The units' share of shipping too; alone: all that is left.")] = False,
    reason: Annotated[RefundReason, typer.Option(help="What the channel is told.")] = RefundReason.GOODWILL,
    note: Annotated[str, typer.Option(help="Recorded, and told where there is room for it.")] = "",
    name: Annotated[str, typer.Option("--id", help="The same id again is the same refund.")] = "",
    paid_by_channel: Annotated[bool, typer.Option(help="It is paid already: only the books follow.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Show the exact lines and what remains, and do nothing.")] = False,
    actor: Actor = "operator",
    json_output: AsJson = False,
) -> None:
    """Pay a buyer back without a return: units, an amount, shipping. Exit code 1 when it is refused."""
    if paid_by_channel and not amount:
        fail("say how much the channel has paid: --amount", 2)
    deployment, order_key = find(), options.key(key)
    order, standing = asyncio.run(_known(deployment, order_key))
    claim = RefundClaim(
        request_id=refund_id(order_key, name or f"manual-{uuid4().hex[:8]}"),
        order_key=order_key,
        reason=reason,
        units=options.units(line or []),
        amounts=_amounts(amount or [], order, refundable(order, standing)),
        shipping=shipping,
        paid=paid_by_channel,
        actor=actor,
        note=note,
    )
    if dry_run:
        _show_plan(claim, _lines(order, standing, claim), refundable(order, standing, claim), json_output)
        return
    done = asyncio.run(_run_refund(deployment, RefundTask(claim=claim, correlation_id=str(order.correlation_id))))
    if json_output:
        as_json(done)
    else:
        pairs("Refund", done)
    raise typer.Exit(1 if done["state"] == RefundState.REFUSED else 0)


def replace(
    key: Key,
    line: Annotated[
        list[str] | None, typer.Option(help="LINE=UNITS[:SKU[:UNIT PRICE]]; without a price nothing is to be paid.")
    ] = None,
    reason: Annotated[RefundReason, typer.Option(help="Why.")] = RefundReason.NOT_RECEIVED,
    note: Annotated[str, typer.Option(help="Recorded with it.")] = "",
    paid_now: Annotated[bool, typer.Option("--paid", help="KEY is a replacement whose difference is paid.")] = False,
    actor: Actor = "operator",
    json_output: AsJson = False,
) -> None:
    """Send other goods for units of an order, as a linked order. Exit code 1 when it is refused."""
    deployment, order_key = find(), options.key(key)
    if paid_now:
        asyncio.run(_release_paid(deployment, order_key))
        console.print(f"{order_key}: paid, it goes on")
        return
    if not line:
        fail("say which units are replaced: --line LINE=UNITS", 2)
    order, _ = asyncio.run(_known(deployment, order_key))
    done = asyncio.run(
        _run_replacement(deployment, order, [options.exchange(text, order) for text in line], reason, actor, note)
    )
    if json_output:
        as_json(done)
    else:
        pairs("Replacement", done)
    raise typer.Exit(0 if done["order"] else 1)


def _lines(order: Order, standing: Standing, claim: RefundClaim) -> tuple[RefundedLine, ...]:
    try:
        return lines_of(order, standing, claim)
    except NotRefundable as why:
        fail(str(why))


async def _known(deployment: Deployment, key: OrderKey) -> tuple[Order, Standing]:
    async with deployment.database() as database, database.session() as session:
        row = await orders.get(session, key)
        if row is None:
            fail(f"no order {key}: `order list` shows those there are")
        order = row.order().model_copy(update={"correlation_id": row.correlation_id})
        return order, await refunds.standing(session, row)


async def _run_refund(deployment: Deployment, task: RefundTask) -> dict[str, Any]:
    client = await deployment.temporal()
    handle = await client.start_workflow(
        RefundWorkflow.run,
        task,
        id=refund_workflow_id(task.claim),
        task_queue=policy.ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Refund of {task.claim.order_key}: {task.claim.reason}",
    )
    ended: Refund | None = await _end_of(handle)
    told = {"id": task.claim.request_id, "workflow": handle.id, "temporal": deployment.link(handle.id)}
    if ended:
        return {"state": ended.state, "total": str(ended.total), "why": ended.refused, **told}
    progress = await handle.query(RefundWorkflow.snapshot)
    case = f"{progress.case.case_id}: {progress.case.reason}" if progress.case else ""
    return {
        "state": f"under way at {progress.step}",
        "total": str(progress.refund and progress.refund.total),
        "case": case,
        **told,
    }


async def _run_replacement(
    deployment: Deployment, order: Order, lines: list[ExchangeLine], reason: RefundReason, actor: str, note: str
) -> dict[str, Any]:
    async with deployment.database() as database, database.session() as session:
        number = await orders.next_replacement(session, order.key)
    task = ReplacementTask(
        order_key=order.key,
        number=number,
        correlation_id=str(order.correlation_id),
        lines=tuple(lines),
        reason=reason,
        actor=actor,
        note=note,
    )
    client = await deployment.temporal()
    handle = await client.start_workflow(
        ReplacementWorkflow.run,
        task,
        id=task.workflow_id,
        task_queue=policy.ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Replacement {task.replacement_key} for {order.key}",
    )
    ended: Replacement | None = await _end_of(handle)
    return {
        "order": str(ended.order_key) if ended and ended.order_key else None,
        "buyer pays": str(ended.to_pay) if ended and ended.to_pay else "nothing",
        "buyer gets": str(ended.refund.paid) if ended else "",
        "why": ended.refund.refused if ended else f"under way: {handle.id}",
        "temporal": deployment.link(handle.id),
    }


async def _release_paid(deployment: Deployment, key: OrderKey) -> None:
    """The buyer has paid the difference: the replacement's process hears it as it hears a channel's news."""
    client: Client = await deployment.temporal()
    async with deployment.database() as database, database.session() as session:
        row = await orders.get(session, key)
        if row is None or row.order().replacement_of is None:
            fail(f"{key} is no replacement: --paid is for the order that `replace` made")
        order = paid(row.order(), datetime.now(UTC))
        if not await tell_order(client, order):
            fail(f"{key} has ended as {row.state}: nothing waits for a payment")
        await orders.delivered(session, key, order)


async def _end_of(handle: WorkflowHandle[Any, Any]) -> Any:
    """What a workflow ends with; None when it does not end in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await handle.result()
    except TimeoutError:
        return None


def _show_plan(claim: RefundClaim, lines: tuple[RefundedLine, ...], left: Refundable, json_output: bool) -> None:
    total = Money.total((each.total for each in lines), left.paid.currency)
    figures = {"total": total, "paid": left.paid, "refunded before": left.refunded, "left after it": left.left - total}
    if json_output:
        told = [each.model_dump(mode="json") for each in lines]
        as_json({"id": claim.request_id, "lines": told, **{name: str(each) for name, each in figures.items()}})
        return
    rows(
        f"Refund of {claim.order_key}: {claim.reason}",
        ("line", "units", "goods", "tax on top", "shipping", "total", "of it seller's tax", "channel's tax"),
        [
            (
                each.line_id,
                each.units,
                each.goods.price,
                each.goods.added + each.beside.added,
                each.beside.price,
                each.total,
                each.goods.seller_tax + each.beside.seller_tax,
                each.goods.channel_tax + each.beside.channel_tax,
            )
            for each in lines
        ],
    )
    pairs("Nothing is done; without --dry-run it would be", figures)


def _amounts(texts: list[str], order: Order, left: Refundable) -> dict[str, Money]:
    found: dict[str, Money] = {}
    for text in texts:
        line_id, _, figure = text.rpartition("=")
        amount = options.money(figure, order, text)
        found |= {line_id: amount} if line_id else _spread(amount, left)
    return found


def _spread(amount: Money, left: Refundable) -> Mapping[str, Money]:
    """An amount for the order as a whole, over what is left of its lines."""
    weights = [line.worth.goods.total.amount for line in left.lines.values()]
    if not any(weights):
        fail("nothing is left of the price of any line")
    shares = amount.allocate(weights)
    return {line_id: share for line_id, share in zip(left.lines, shares, strict=True) if share}
