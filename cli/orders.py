"""What the store knows of orders, as data for tables and for JSON."""

from __future__ import annotations

from typing import Any

from cli.deployment import Deployment
from cli.output import fail
from models.messages import OrderState
from models.order import OrderKey
from models.refund_process import refund_workflow_id
from store import cases, orders, refunds, return_processes, settlements


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
    """State, timeline, cases, returns and money of one order, each process with its page in the Temporal UI."""
    async with deployment.database() as database, database.session() as session:
        row = await orders.get(session, key)
        if row is None:
            fail(f"no order {key}: `order list` shows those there are")
        history = await orders.transitions(session, key)
        money = await settlements.lines_of_order(session, key)
        its_cases = await cases.find(session, order_key=key, open_only=False)
        returns = await return_processes.find(session, order_key=key)
        paid_back = await refunds.of_order(session, key)
    return {
        "key": row.order_key,
        "state": row.state,
        "correlation_id": row.correlation_id,
        "order": row.payload,
        "snapshot": row.snapshot,
        "timeline": [each.model_dump(mode="json") for _, each in history],
        "cases": [case.model_dump(mode="json") for case in its_cases],
        "returns": [
            {
                "return": file.return_id,
                "rma": file.rma,
                "state": file.state,
                "units": file.wanted,
                "temporal": deployment.link(file.workflow_id),
            }
            for file in returns
        ],
        "refunds": [
            {
                "id": made.claim.request_id,
                "reason": made.claim.reason,
                "state": made.state,
                "total": str(made.total),
                "temporal": deployment.link(refund_workflow_id(made.claim)),
            }
            for made in paid_back
        ],
        "money": [
            {"settlement": line.settlement_id, "type": line.type, "label": line.label, "amount": str(line.amount)}
            for line in money
        ],
        "temporal": deployment.link(key.workflow_id),
    }
