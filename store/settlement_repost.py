"""A settlement is opened again and matched under other rules: nothing of its lines is read a second time."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.matching import Fault
from models.settlement import LineType, SettlementKey
from models.settlement_rules import RuleSet
from store.settlement_heads import change, head, lines_of
from store.settlement_lines import BY_LINE, WAITING
from store.tables import SettlementLineRow

_ROW = SettlementLineRow
_NO_RESULT = {"synchronize_session": False}


async def reopen(session: AsyncSession, key: SettlementKey, rules: RuleSet) -> int:
    """Undo its matching, give each label its new type; returns the new revision. Again under the same rules changes
    nothing while it is not posted. Its journal has to be reversed before."""
    row = await head(session, key)
    if row.status != "posted":
        return row.revision
    await _classify(session, key, rules)
    await _unmatch(session, key)
    await change(
        session,
        key,
        status="matching",
        matched_to=None,
        paid_to=None,
        journal=None,
        revision=row.revision + 1,
        rules_version=rules.version,
        matched=0,
        residual=row.payout,
    )
    return row.revision + 1


async def _classify(session: AsyncSession, key: SettlementKey, rules: RuleSet) -> None:
    """Labels of one type are changed together; there are few of them, whatever the number of lines."""
    distinct = select(col(_ROW.labels), col(_ROW.type)).where(*lines_of(key)).distinct()
    for labels, before in (await session.execute(distinct)).all():
        if len(labels) < min(len(rules.labels), 2):
            continue  # Kept before labels were kept one by one: it stays what it was understood as then.
        now = rules.type_of(labels)
        if now.value != before:
            changed = update(_ROW).where(*lines_of(key), col(_ROW.labels) == labels).values(type=now.value)
            await session.execute(changed, execution_options=_NO_RESULT)


async def _unmatch(session: AsyncSession, key: SettlementKey) -> None:
    fresh = {"matched": False, "matched_amount": 0, "residual_amount": col(_ROW.amount), "rule": "", "order_key": None}
    fresh |= {"corrected_amount": 0}
    waiting = update(_ROW).where(*lines_of(key), col(_ROW.external_order_id).is_not(None))
    await session.execute(waiting.values(**fresh, residual=WAITING, fault=None), execution_options=_NO_RESULT)
    alone = [*lines_of(key), col(_ROW.external_order_id).is_(None)]
    named = func.coalesce(func.nullif(col(_ROW.label), ""), "(no label)")
    for kind in LineType:
        fault = {LineType.UNKNOWN: Fault.UNKNOWN_LABEL, LineType.RESERVE: Fault.RESERVE}.get(kind, Fault.NO_ORDER)
        of_kind = update(_ROW).where(*alone, col(_ROW.type) == kind.value)
        await session.execute(of_kind.values(**fresh, residual=named, fault=fault.value), execution_options=_NO_RESULT)
    # The entries of those that were given up are reversed: what is still open of them is in the next journal.
    given_up = update(_ROW).where(*lines_of(key), col(_ROW.written_off_on).is_not(None))
    await session.execute(given_up.values(written_off_on=None), execution_options=_NO_RESULT)
    paired = update(_ROW).where(*alone, col(_ROW.settled_by).startswith(BY_LINE))
    await session.execute(paired.values(settled_by=None), execution_options=_NO_RESULT)
    # What its lines had corrected in earlier settlements is open again.
    corrected = update(_ROW).where(
        col(_ROW.channel) == key.channel,
        col(_ROW.account) == key.account,
        col(_ROW.settled_by).startswith(f"{BY_LINE}{key.settlement_id}#", autoescape=True),
    )
    await session.execute(corrected.values(settled_by=None), execution_options=_NO_RESULT)
