"""Settlement lines as rows, and back: what is read, what it is matched to, what stays over and under which name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.matching import Booked, Fault, LineRef, Verdict, without_order
from models.money import Money
from models.order import OrderKey
from models.settlement import LineType, SettlementKey, SettlementLine
from store.tables import SettlementLineRow

WAITING = "not matched yet"
_NAMED_BY_LABEL = frozenset({Fault.UNKNOWN_LABEL, Fault.NO_ORDER})
BY_LINE = "line "
"""How `settled_by` begins when a later line has corrected a residual."""


async def keep(session: AsyncSession, key: SettlementKey, lines: Sequence[SettlementLine]) -> None:
    """Keep lines as they are read; one that is there stays as it is. Those of an order wait for the matching."""
    if lines:
        rows = [{**key.model_dump(), **_fresh(line)} for line in lines]
        await session.execute(insert(SettlementLineRow).on_conflict_do_nothing(), rows)


def _fresh(line: SettlementLine) -> dict[str, Any]:
    return {
        **line.model_dump(exclude={"amount", "order_id", "type", "labels"}),
        "type": line.type.value,
        "labels": list(line.labels) or [line.label],
        "amount": line.amount.amount,
        "currency": line.amount.currency,
        "external_order_id": line.order_id,
        **_unmatched(line),
    }


def _unmatched(line: SettlementLine) -> dict[str, Any]:
    verdict = without_order(line, known=True)
    fault = verdict.fault if verdict and line.order_id is None else None
    return {
        "order_key": None,
        "matched": False,
        "residual": residual_name(line, fault) if fault else WAITING,
        "matched_amount": 0,
        "residual_amount": line.amount.amount,
        "fault": fault.value if fault else None,
        "rule": "",
        "settled_by": None,
        "corrected_amount": 0,
    }


async def answer(
    session: AsyncSession,
    key: SettlementKey,
    order_key: OrderKey | None,
    answered: Sequence[tuple[SettlementLine, Verdict]],
) -> None:
    """Write the verdicts on lines of one order, or of none that is known."""
    await answer_all(session, key, [(order_key, line, verdict) for line, verdict in answered])


async def answer_all(
    session: AsyncSession,
    key: SettlementKey,
    answered: Sequence[tuple[OrderKey | None, SettlementLine, Verdict]],
) -> None:
    if not answered:
        return
    table = SettlementLineRow.__table__  # type: ignore[attr-defined]
    changed = (
        "order_key",
        "matched",
        "residual",
        "matched_amount",
        "residual_amount",
        "fault",
        "rule",
        "corrected_amount",
    )
    statement = (
        update(table)
        .where(*(table.c[name] == value for name, value in key.model_dump().items()), table.c.number == bindparam("n"))
        .values({name: bindparam(f"new_{name}") for name in changed})
    )
    values = [{"n": line.number, **_prefixed(_answered(order, line, verdict))} for order, line, verdict in answered]
    await (await session.connection()).execute(statement, values)


def _answered(order_key: OrderKey | None, line: SettlementLine, verdict: Verdict) -> dict[str, Any]:
    return {
        "order_key": str(order_key) if order_key else None,
        "matched": verdict.fault is None,
        "residual": residual_name(line, verdict.fault) if verdict.fault else None,
        "matched_amount": verdict.matched.amount,
        "residual_amount": verdict.residual.amount,
        "fault": verdict.fault.value if verdict.fault else None,
        "rule": verdict.rule,
        "corrected_amount": verdict.corrected.amount if verdict.corrected else 0,
    }


def _prefixed(values: dict[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in values.items()}


async def settle(session: AsyncSession, channel: str, account: str, ref: LineRef, by: LineRef) -> None:
    """A later line corrects the residual of an earlier one."""
    done = update(SettlementLineRow).where(
        col(SettlementLineRow.channel) == channel,
        col(SettlementLineRow.account) == account,
        col(SettlementLineRow.settlement_id) == ref.settlement_id,
        col(SettlementLineRow.number) == ref.number,
    )
    await session.execute(done.values(settled_by=f"{BY_LINE}{by}"), execution_options={"synchronize_session": False})


def residual_name(line: SettlementLine, fault: Fault) -> str:
    if fault in _NAMED_BY_LABEL or (fault is Fault.RESERVE and line.order_id is None):
        return line.label or "(no label)"
    if fault is Fault.UNKNOWN_ORDER:
        return f"unknown order {line.order_id}"
    return f"{fault.value.replace('_', ' ')}: {line.label}"


def line_of(row: SettlementLineRow) -> SettlementLine:
    return SettlementLine(
        number=row.number,
        type=LineType(row.type),
        label=row.label,
        labels=tuple(row.labels),
        amount=Money.of(row.amount, row.currency),
        order_id=row.external_order_id,
        line_id=row.line_id,
        sku=row.sku,
        quantity=row.quantity,
        marketplace=row.marketplace,
        posted_at=row.posted_at,
    )


def booked_of(row: SettlementLineRow) -> Booked:
    """A residual that a later line has corrected nets with it; one that was written off is gone."""
    line = line_of(row)
    corrected = bool(row.settled_by and row.settled_by.startswith(BY_LINE)) and line.type is not LineType.COMMISSION
    return Booked(
        ref=LineRef(settlement_id=row.settlement_id, number=row.number),
        line=line,
        matched=line.amount if corrected else Money.of(row.matched_amount, row.currency),
        residual=Money.of(0 if row.settled_by else row.residual_amount, row.currency),
        fault=Fault(row.fault) if row.fault else None,
    )
