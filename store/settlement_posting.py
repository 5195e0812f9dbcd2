"""A settlement is posted in steps, each a transaction, so that it survives an end at any line: its lines are kept, its
orders are matched and told, its sum is proven again from what is in the store. Each step goes on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from models.base import Model
from models.money import Money
from models.settlement import SettlementKey, SettlementLine, SettlementResult, Statement
from store import locks, settlement_lines
from store.settlement_heads import change, head
from store.settlement_lines import WAITING
from store.settlement_sums import summed
from store.tables import SettlementRow

MANY_LINES = 1000
"""So many new rows change what the database's planner should know of the table."""


class Progress(Model):
    status: str
    kept: int
    lines: int
    revision: int
    event_id: int | None = None

    @property
    def posted(self) -> bool:
        return self.status == "posted"


async def begin(
    session: AsyncSession,
    statement: Statement,
    lines: int,
    *,
    rules_version: int = 0,
    event_id: int | None = None,
    entity: str = "",
) -> Progress:
    """Begin a settlement whose sum is proven, or go on with one: the first document of an id is the settlement."""
    key = statement.key
    await locks.hold(session, [f"settlement/{key}"])
    new = insert(SettlementRow).values(
        **key.model_dump(),
        currency=statement.currency,
        payout=statement.payout.amount,
        matched=0,
        residual=statement.payout.amount,
        result=_unmatched(statement, lines).model_dump(mode="json"),
        lines=lines,
        status="keeping" if lines else "matching",
        event_id=event_id,
        rules_version=rules_version,
        entity=entity,
        **{name: getattr(statement, name) for name in ("starts_at", "ends_at", "deposited_at")},
    )
    await session.execute(new.on_conflict_do_nothing())
    return await progress(session, key)


def _unmatched(statement: Statement, lines: int) -> SettlementResult:
    return SettlementResult(
        **statement.key.model_dump(),
        payout=statement.payout,
        matched=Money.zero(statement.currency),
        residual=statement.payout,
        residuals={WAITING: statement.payout},
        lines=lines,
    )


async def progress(session: AsyncSession, key: SettlementKey) -> Progress:
    row = await head(session, key)
    return Progress(status=row.status, kept=row.kept, lines=row.lines, revision=row.revision, event_id=row.event_id)


async def keep(session: AsyncSession, key: SettlementKey, lines: Sequence[SettlementLine]) -> None:
    """Keep the next lines, in the order of the document."""
    await settlement_lines.keep(session, key, lines)
    row = await head(session, key)
    kept = max(row.kept, max((line.number for line in lines), default=0))
    done = kept >= row.lines and row.status == "keeping"
    await change(session, key, kept=kept, status="matching" if done else row.status)
    if done and row.lines >= MANY_LINES:
        # Without fresh statistics the planner finds a line through all lines of its settlement: 60 s for 10,000.
        await session.execute(text("ANALYZE settlement_line"))


async def finish(session: AsyncSession, key: SettlementKey) -> SettlementResult:
    """The result, summed up from the lines in the store; nothing changes the second time."""
    row = await head(session, key)
    if row.status == "posted":
        return row.settlement_result()
    result = await summed(session, row)
    await change(
        session,
        key,
        status="posted",
        matched=result.matched.amount,
        residual=result.residual.amount,
        result=result.model_dump(mode="json"),
        posted_at=func.now(),
    )
    return result
