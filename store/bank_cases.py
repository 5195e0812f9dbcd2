"""Payouts that the bank has not shown in time, as cases for finance: one each, closed when the money is there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.case import CaseKind, ExceptionCase
from models.order import OrderKey
from models.payouts import Payout
from store import bank_views, cases
from store.tables import CaseRow


async def sync(session: AsyncSession, overdue_after: timedelta) -> int:
    """Cases for the payouts that are missing, and for those only; how many there are."""
    now = datetime.now(UTC)
    missing = [_case(payout, now) for payout in await bank_views.overdue_payouts(session, overdue_after)]
    for case in missing:
        await cases.reopen(session, case)
    over = update(CaseRow).where(
        col(CaseRow.kind) == CaseKind.PAYOUT_MISSING,
        col(CaseRow.resolved_at).is_(None),
        col(CaseRow.case_id).not_in([case.case_id for case in missing]),
    )
    await session.execute(over.values(resolved_at=func.now()), execution_options={"synchronize_session": False})
    return len(missing)


def _case(payout: Payout, now: datetime) -> ExceptionCase:
    key = payout.key
    came = f"{payout.arrived} of it came" if payout.arrived else "nothing of it came"
    return ExceptionCase(
        case_id=f"bank/{key}#payout",
        order_key=OrderKey(channel=key.channel, account=key.account, external_id=f"settlement {key.settlement_id}"),
        workflow_id=f"bank/{key}",
        kind=CaseKind.PAYOUT_MISSING,
        step="settle",
        reason=f"{payout.amount} were sent on {payout.sent_on}, and {came}: ask the channel, or the bank",
        detail={"payout": str(payout.amount), "arrived": str(payout.arrived), "sent_on": payout.sent_on.isoformat()},
        owner="finance",
        opened_at=now,
        allowed=(),
    )
