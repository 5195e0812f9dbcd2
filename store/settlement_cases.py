"""Money of a settlement that is not explained, as cases: one for each fault and label, closed when nothing is open."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.case import CaseKind, ExceptionCase
from models.matching import WORDS, Fault
from models.order import OrderKey
from models.settlement import SettlementKey
from models.settlement_books import EXPLAINED
from store import cases
from store.settlement_heads import lines_of
from store.tables import CaseRow, SettlementLineRow

MOST_CASES = 100
"""Of one settlement, the largest first: a file of which nothing is understood is one problem, not thousands."""
_ROW = SettlementLineRow
JOURNAL, PAYMENT = "journal", "payment"
"""Marks of the cases of what the ERP refuses: they are open until it takes it."""


async def sync(session: AsyncSession, key: SettlementKey) -> int:
    """Cases for what is open, and only for that; how many there are."""
    now = datetime.now(UTC)
    fault, label = col(_ROW.fault), col(_ROW.label)
    total = func.sum(col(_ROW.residual_amount))
    groups = (
        select(fault, label, func.min(col(_ROW.currency)), total, func.count(), func.min(col(_ROW.number)))
        .where(*lines_of(key), fault.not_in([each.value for each in EXPLAINED]), col(_ROW.settled_by).is_(None))
        .where(col(_ROW.residual_amount) != 0)
        .group_by(fault, label)
        .order_by(func.abs(total).desc(), label)
        .limit(MOST_CASES)
    )
    open_ones = [
        _case(key, Fault(str(kind)), str(name), f"{amount} {currency}", lines, first, now)
        for kind, name, currency, amount, lines, first in await session.execute(groups)
    ]
    for case in open_ones:
        await cases.reopen(session, case)
    refused = [_case_id(key, mark) for mark in (JOURNAL, PAYMENT)]
    await _close_others(session, key, [*refused, *(case.case_id for case in open_ones)])
    return len(open_ones)


async def declined(session: AsyncSession, key: SettlementKey, reason: str) -> None:
    """The ERP refuses the journal."""
    await _refused(session, key, JOURNAL, reason, f"correct it there, then `settlements repost {key}`")


async def taken(session: AsyncSession, key: SettlementKey, mark: str) -> None:
    """The ERP has it now: `JOURNAL`, or all of the settlement's `PAYMENT`s."""
    over = update(CaseRow).where(col(CaseRow.case_id) == _case_id(key, mark), col(CaseRow.resolved_at).is_(None))
    await session.execute(over.values(resolved_at=func.now()), execution_options={"synchronize_session": False})


async def is_declined(session: AsyncSession, key: SettlementKey) -> bool:
    found = select(col(CaseRow.case_id)).where(
        col(CaseRow.case_id) == _case_id(key, JOURNAL), col(CaseRow.resolved_at).is_(None)
    )
    return await session.scalar(found) is not None


async def payment_declined(session: AsyncSession, key: SettlementKey, reason: str) -> None:
    """The ERP refuses an order's payment: the schedule `payments` posts it again."""
    await _refused(session, key, PAYMENT, reason, "correct it there; it is tried again within the hour")


async def _refused(session: AsyncSession, key: SettlementKey, mark: str, reason: str, remedy: str) -> None:
    case = _plain(key, mark, f"the ERP does not book it: {reason}; {remedy}", {}, datetime.now(UTC))
    await cases.reopen(session, case)


async def _close_others(session: AsyncSession, key: SettlementKey, still: list[str]) -> None:
    over = update(CaseRow).where(
        col(CaseRow.workflow_id) == workflow_id(key),
        col(CaseRow.kind) == CaseKind.SETTLEMENT_RESIDUAL,
        col(CaseRow.resolved_at).is_(None),
        col(CaseRow.case_id).not_in(still),
    )
    await session.execute(over.values(resolved_at=func.now()), execution_options={"synchronize_session": False})


def workflow_id(key: SettlementKey) -> str:
    return f"settlement/{key}"


def _case_id(key: SettlementKey, mark: str) -> str:
    return f"settlement/{key}#{mark}"


def _case(
    key: SettlementKey, fault: Fault, label: str, amount: str, lines: int, first: int, now: datetime
) -> ExceptionCase:
    mark = sha256(f"{fault}:{label}".encode()).hexdigest()[:12]
    remedy = f"`settlements explain {key}#{first}` says why"
    if fault is Fault.UNKNOWN_LABEL:
        remedy = "say what it means in a new version of the channel's rules (`settlements rules --apply`), then repost"
    detail: dict[str, object] = {
        "fault": fault.value,
        "label": label,
        "amount": amount,
        "lines": lines,
        "first_line": first,
    }
    reason = f"{amount} in {lines} lines {label!r}: {WORDS[fault]}; {remedy}"
    return _plain(key, mark, reason, detail, now)


def _plain(key: SettlementKey, mark: str, reason: str, detail: dict[str, object], now: datetime) -> ExceptionCase:
    order_key = OrderKey(channel=key.channel, account=key.account, external_id=f"settlement {key.settlement_id}")
    return ExceptionCase(
        case_id=_case_id(key, mark),
        order_key=order_key,
        workflow_id=workflow_id(key),
        kind=CaseKind.SETTLEMENT_RESIDUAL,
        step="settle",
        reason=reason,
        detail=detail,
        owner="finance",
        opened_at=now,
        allowed=(),
    )
