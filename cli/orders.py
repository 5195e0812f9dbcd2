"""What an operator asks and says about orders and their cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli.deployment import Deployment
from cli.output import console, fail, rows
from models.case import Action, Amendment, CaseKind, ExceptionCase, Resolution
from models.messages import CancelOutcome, CancelRequest, OrderState
from models.order import OrderKey
from store import cases, orders, settlements
from workflows.order import OrderWorkflow


async def listed(
    deployment: Deployment, state: OrderState | None, channel: str | None, limit: int
) -> list[dict[str, Any]]:
    async with deployment.database() as database, database.session() as session:
        found = await orders.find(session, state=state, channel=channel, limit=limit)
        return [
            {
                "key": row.order_key,
                "state": row.state,
                "total": f"{row.total} {row.currency}",
                "ship_by": row.ship_by,
                "waiting_for": (row.snapshot or {}).get("waiting_for"),
            }
            for row in found
        ]


async def shown(deployment: Deployment, key: OrderKey) -> dict[str, Any]:
    """State, timeline and money of one order."""
    async with deployment.database() as database, database.session() as session:
        row = await orders.get(session, key)
        if row is None:
            fail(f"no order {key}: `order list` shows those there are")
        history = await orders.transitions(session, key)
        money = await settlements.lines_of_order(session, key)
        open_cases = await cases.find(session, order_key=key, open_only=False)
    return {
        "key": row.order_key,
        "state": row.state,
        "correlation_id": row.correlation_id,
        "order": row.payload,
        "snapshot": row.snapshot,
        "timeline": [each.model_dump(mode="json") for _, each in history],
        "cases": [case.model_dump(mode="json") for case in open_cases],
        "money": [
            {"settlement": line.settlement_id, "type": line.type, "label": line.label, "amount": str(line.amount)}
            for line in money
        ],
        "temporal": deployment.link(key.workflow_id),
    }


def print_order(order: dict[str, Any]) -> None:
    snapshot = order["snapshot"] or {}
    payload = order["order"]
    console.print(f"{order['key']}  {order['state']}  {_money(payload['total'])}", style="bold")
    if waiting := snapshot.get("waiting_for"):
        console.print(f"waits for {waiting}")
    if order["temporal"]:
        console.print(order["temporal"], soft_wrap=True)
    rows(
        "Lines",
        ("line", "SKU", "title", "ordered", "open", "reserved", "released", "shipped", "cancelled"),
        [_line(line, snapshot) for line in payload["lines"]],
    )
    rows(
        "Timeline",
        ("when (UTC)", "state", "cause", "actor", "authority"),
        [(_time(e["at"]), e["state"], e["cause"], e["actor"], e["authority"]) for e in order["timeline"]],
    )
    _rows_if_any(
        "Parcels",
        ("node", "carrier", "tracking", "line: units", "invoice"),
        [
            (s["node"], s["carrier"], s["tracking"], _units(s["units"]), s["invoice"])
            for s in snapshot.get("shipments", ())
        ],
    )
    _print_cases_of(order["cases"])
    _rows_if_any(
        "Money",
        ("settlement", "type", "label", "amount"),
        [(m["settlement"], m["type"], m["label"], m["amount"]) for m in order["money"]],
    )


def print_list(found: list[dict[str, Any]]) -> None:
    rows(
        "Orders",
        ("key", "state", "total", "ship by (UTC)", "waits for"),
        [(o["key"], o["state"], o["total"], _time(str(o["ship_by"] or "")), o["waiting_for"]) for o in found],
    )


def _print_cases_of(order_cases: list[dict[str, Any]]) -> None:
    if open_cases := [case for case in order_cases if not case["resolved_at"]]:
        print_cases(open_cases)
    _rows_if_any(
        "Decided cases",
        ("kind", "opened (UTC)", "decided (UTC)", "decision", "reason"),
        [
            (c["kind"], _time(c["opened_at"]), _time(c["resolved_at"]), _decision(c), c["reason"])
            for c in order_cases
            if c["resolved_at"]
        ],
    )


def _rows_if_any(title: str, columns: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    if lines:
        rows(title, columns, lines)


def print_cases(open_cases: list[dict[str, Any]]) -> None:
    rows(
        "Open cases",
        ("case", "kind", "since (UTC)", "reason", "possible"),
        [(c["case_id"], c["kind"], _time(c["opened_at"]), c["reason"], ", ".join(c["allowed"])) for c in open_cases],
    )


async def cancel(deployment: Deployment, key: OrderKey, reason: str, actor: str) -> CancelOutcome:
    client = await deployment.temporal()
    handle = client.get_workflow_handle_for(OrderWorkflow.run, key.workflow_id)
    try:
        return await handle.execute_update(OrderWorkflow.cancel, CancelRequest(reason=reason, actor=actor))
    except WorkflowUpdateFailedError as error:
        fail(f"not cancelled: {error.cause}")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            fail(f"no running order {key}: it has ended, or it was never captured")
        raise


async def open_cases(
    deployment: Deployment, kind: CaseKind | None, channel: str | None, everything: bool
) -> list[ExceptionCase]:
    async with deployment.database() as database, database.session() as session:
        return await cases.find(session, open_only=not everything, kind=kind, channel=channel)


async def resolve(
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


def _line(line: dict[str, Any], snapshot: dict[str, Any]) -> tuple[object, ...]:
    counted = snapshot.get("quantities", {}).get("lines", {}).get(line["line_id"], {})
    buckets = ("open", "reserved", "released", "shipped", "cancelled")
    return (line["line_id"], line["sku"], line["title"], line["quantity"], *(counted.get(name) for name in buckets))


def _time(moment: str) -> str:
    return moment[:19].replace("T", " ")


def _units(units: dict[str, int]) -> str:
    return ", ".join(f"{line_id}: {count}" for line_id, count in units.items())


def _decision(case: dict[str, Any]) -> str:
    resolution = case["resolution"]
    if resolution is None:
        return "left alone: the order was cancelled"
    note = f": {resolution['note']}" if resolution["note"] else ""
    return f"{resolution['action']} by {resolution['actor']}{note}"


def _money(money: dict[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"
