"""Stock that has been told differently for long, as cases: opened once, closed when the systems agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.case import CaseKind, ExceptionCase
from models.inventory import OWNERS, WORDS, Standing
from models.order import OrderKey
from store import cases
from store.tables import CaseRow

MOST_CASES = 100
"""The largest first: a warehouse whose list is empty is one problem, not thousands."""
WORKFLOW_ID = "inventory"


async def sync(session: AsyncSession, old: Sequence[Standing]) -> int:
    """Cases for these mismatches, and only for them; how many there are."""
    largest = sorted(old, key=lambda each: (-each.mismatch.units, each.mismatch.subject))[:MOST_CASES]
    open_ones = [_case(each) for each in largest]
    for case in open_ones:
        await cases.upsert(session, case)
    over = update(CaseRow).where(
        col(CaseRow.kind) == CaseKind.INVENTORY_DIFFERS,
        col(CaseRow.resolved_at).is_(None),
        col(CaseRow.case_id).not_in([case.case_id for case in open_ones]),
    )
    await session.execute(over.values(resolved_at=func.now()), execution_options={"synchronize_session": False})
    return len(open_ones)


def _case(each: Standing) -> ExceptionCase:
    """The same mismatch is the same case; one that was over and comes back is another."""
    found = each.mismatch
    mark = sha256(f"{found.subject}:{found.verdict}:{_in_text(each.since)}".encode()).hexdigest()[:12]
    value = f", worth {found.value}" if found.value is not None else ""
    return ExceptionCase(
        case_id=f"inventory#{mark}",
        order_key=OrderKey(channel="inventory", account="stock", external_id=found.subject),
        workflow_id=WORKFLOW_ID,
        kind=CaseKind.INVENTORY_DIFFERS,
        step="reconcile",
        reason=f"{found.in_words}{value}, since {each.since:%Y-%m-%d %H:%M} UTC; {WORDS[found.verdict]}",
        detail={**found.model_dump(mode="json"), "since": _in_text(each.since)},
        owner=OWNERS.get(found.verdict, "channel"),
        opened_at=each.since,
        allowed=(),
    )


def _in_text(moment: datetime) -> str:
    return moment.isoformat()
