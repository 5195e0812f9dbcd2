"""The ledger of refunds: what was paid is never paid back twice, whoever refunds at the same time.

It asks the registry and not the order's workflow, so that an order that has ended is refunded like any other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channel import RefundReason
from models.messages import RefundCounted, ReturnCounted
from models.money import Money
from models.order import OrderKey
from models.refundable import NotRefundable, Standing, lines_of
from models.refunds import Refund, RefundClaim, RefundState
from store import locks, outbox
from store.orders import UnknownOrder
from store.tables import OrderRow, RefundRow, ReturnCountRow

REFUND_COUNTED = "refund_counted"
GOODS_RETURNED = "goods_returned"
BACK_OR_NEVER_LEFT = frozenset({RefundReason.RETURNED, RefundReason.CANCELLED})


async def reserve(session: AsyncSession, claim: RefundClaim) -> Refund:
    """Take a claim into the ledger, or refuse it with the reason. The same claim again gets the same answer.

    Raises `UnknownOrder`.
    """
    await locks.hold(session, [_lock(claim.order_key)])
    if known := await get(session, claim.request_id):
        return known
    row = await session.get(OrderRow, str(claim.order_key), populate_existing=True)
    if row is None:
        raise UnknownOrder(claim.order_key)
    refund = _judged(row, await standing(session, row), claim)
    session.add(_row(refund))
    await session.flush()
    return refund


def _judged(row: OrderRow, known: Standing, claim: RefundClaim) -> Refund:
    order = row.order()
    try:
        lines = lines_of(order, known, claim)
    except NotRefundable as reason:
        nothing = Money.zero(order.currency)
        return Refund(claim=claim, state=RefundState.REFUSED, total=nothing, refused=str(reason))
    total = Money.total((line.total for line in lines), order.currency)
    return Refund(claim=claim, state=RefundState.RESERVED, lines=lines, total=total)


async def standing(session: AsyncSession, row: OrderRow) -> Standing:
    """What limits the order's refunds besides its own figures."""
    snapshot = row.order_snapshot()
    counted = snapshot.quantities.lines if snapshot else {}
    return Standing(
        refunds=tuple(await of_order(session, row.order().key)),
        cancelled={line_id: line.cancelled for line_id, line in counted.items() if line.cancelled},
        returned=await returned(session, row.order().key),
    )


async def finish(session: AsyncSession, request_id: str) -> bool:
    """The money has gone back, and the order's workflow is told; False when that was said before."""
    row = await _moved(session, request_id, RefundState.DONE)
    if row is None:
        return False
    refund = row.refund()
    await outbox.add(session, refund.claim.order_key.workflow_id, REFUND_COUNTED, _counted(refund))
    return True


async def free(session: AsyncSession, request_id: str, why: str) -> bool:
    """Give a reserved refund up: it counts no more. False when it is done, or was given up before."""
    row = await _moved(session, request_id, RefundState.REFUSED)
    if row is None:
        return False
    row.body = {**row.body, "refused": why}
    await session.flush()
    return True


async def get(session: AsyncSession, request_id: str) -> Refund | None:
    row = await session.get(RefundRow, request_id, populate_existing=True)
    return row.refund() if row else None


async def done(session: AsyncSession) -> list[Refund]:
    """All that were paid back."""
    found = select(RefundRow).where(col(RefundRow.state) == RefundState.DONE.value)
    return [row.refund() for row in await session.scalars(found)]


async def of_order(session: AsyncSession, key: OrderKey) -> list[Refund]:
    """The order's refunds, the oldest first."""
    found = select(RefundRow).where(col(RefundRow.order_key) == str(key))
    rows = await session.scalars(
        found.order_by(col(RefundRow.created_at), col(RefundRow.request_id)),
        execution_options={"populate_existing": True},
    )
    return [row.refund() for row in rows]


async def count_returned(
    session: AsyncSession, key: OrderKey, return_id: str, receipt_id: str, units: Mapping[str, int]
) -> bool:
    """Count units that came back with a receipt, and tell the order's workflow; False when they are counted already."""
    if not units:
        return False
    await locks.hold(session, [_lock(key)])
    named = {"order_key": str(key), "return_id": return_id, "receipt_id": receipt_id}
    rows = [{**named, "line_id": line_id, "units": count} for line_id, count in units.items()]
    added = insert(ReturnCountRow).values(rows).on_conflict_do_nothing().returning(col(ReturnCountRow.line_id))
    new = set(await session.scalars(added))
    if new:
        told = {line_id: count for line_id, count in units.items() if line_id in new}
        await outbox.add(session, key.workflow_id, GOODS_RETURNED, ReturnCounted(return_id=receipt_id, units=told))
    return bool(new)


async def returned(session: AsyncSession, key: OrderKey, *, without: str = "") -> dict[str, int]:
    """Channel line id -> units that came back, but for those of one return."""
    found = select(ReturnCountRow).where(col(ReturnCountRow.order_key) == str(key))
    units: Counter[str] = Counter()
    for row in await session.scalars(found):
        units[row.line_id] += row.units if row.return_id != without else 0
    return dict(units)


async def _moved(session: AsyncSession, request_id: str, state: RefundState) -> RefundRow | None:
    """The row, when it was reserved until now."""
    reserved = (col(RefundRow.request_id) == request_id, col(RefundRow.state) == RefundState.RESERVED)
    moved = update(RefundRow).where(*reserved).values(state=state.value, updated_at=func.now()).returning(RefundRow)
    return (await session.scalars(moved, execution_options={"populate_existing": True})).one_or_none()


def _row(refund: Refund) -> RefundRow:
    content: dict[str, Any] = {
        "request_id": refund.claim.request_id,
        "order_key": str(refund.claim.order_key),
        "state": refund.state.value,
        "currency": refund.total.currency,
        "total": refund.total.amount,
        "reason": refund.claim.reason.value,
        "actor": refund.claim.actor,
        "body": refund.model_dump(mode="json"),
    }
    return RefundRow(**content)


def _counted(refund: Refund) -> RefundCounted:
    claim = refund.claim
    return RefundCounted(
        refund_id=claim.request_id,
        total=refund.paid,
        receivable=refund.receivable,
        units={line.line_id: line.units for line in refund.lines if line.units},
        goodwill=claim.reason not in BACK_OR_NEVER_LEFT,
        reason=claim.note or claim.reason.value,
    )


def _lock(key: OrderKey) -> str:
    return f"refund/{key}"
