"""Why a proof failed: which orders are stuck, where, what they wait for, and what the processes said last."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from cli.run import AT_REST, Run
from models.messages import FINAL_STATES
from store import inbox, orders, outbox
from store.tables import OrderRow

MOST_ORDERS = 8
LAST_LINES = 15
LAST_EVENTS = 6


async def story(run: Run, data_dir: Path, headline: str) -> str:
    parts = [headline, f"effects: {await run.effects()}", await _capture(run)]
    parts += [part async for part in _orders(run)]
    return "\n\n".join([*parts, *_logs(data_dir)])


async def _capture(run: Run) -> str:
    async with run.database.session() as session:
        events, messages = await inbox.counts(session), await outbox.waiting(session)
    return f"sold {await run.sold()}, captured {await run.captured()}; inbox {events}; outbox waiting {messages}"


async def _orders(run: Run) -> AsyncIterator[str]:
    """Orders that are not at rest; when all are, those that have not ended."""
    async with run.database.session() as session:
        rows = await orders.find(session, limit=1_000_000)
    moving = [row for row in rows if row.state not in AT_REST]
    stuck = moving or [row for row in rows if row.state not in FINAL_STATES]
    yield f"{len(stuck)} of {len(rows)} orders are stuck" + (", the first of them:" if stuck else "")
    for row in stuck[:MOST_ORDERS]:
        yield f"{row.order_key}: {row.state}; {await _engine(run, row)}\n{json.dumps(row.snapshot, indent=1)}"


async def _engine(run: Run, row: OrderRow) -> str:
    """What Temporal says that the workflow waits for."""
    try:
        handle = run.client.get_workflow_handle(row.workflow_id)
        described, history = await handle.describe(), await handle.fetch_history()
    except RPCError as error:
        return f"Temporal: {error.message}"
    raw = described.raw_description
    waits = [
        f"{each.activity_type.name} attempt {each.attempt}: {each.last_failure.message or 'no failure yet'}"
        for each in raw.pending_activities
    ]
    task = f"workflow task attempt {raw.pending_workflow_task.attempt}" if raw.HasField("pending_workflow_task") else ""
    status = described.status.name if described.status else "unknown"
    last = [f"{event.event_id} {EventType.Name(event.event_type)}" for event in history.events[-LAST_EVENTS:]]
    return "; ".join([f"workflow {status}", task, *waits, f"last events {last}"])


def _logs(data_dir: Path) -> list[str]:
    return [_log(path) for path in sorted(data_dir.rglob("*.log"))]


def _log(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join([f"the last lines of {path.name}:", *(line[:400] for line in lines)])
