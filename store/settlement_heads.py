"""The row of a settlement, and which lines are its own."""

from __future__ import annotations

from sqlalchemy import ColumnElement, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.settlement import SettlementKey
from store.tables import SettlementLineRow, SettlementRow


async def head(session: AsyncSession, key: SettlementKey) -> SettlementRow:
    identity = (key.channel, key.account, key.settlement_id)
    row = await session.get(SettlementRow, identity, populate_existing=True, with_for_update=True)
    if row is None:
        raise LookupError(f"there is no settlement {key}")
    return row


async def change(session: AsyncSession, key: SettlementKey, **values: object) -> None:
    where = (getattr(SettlementRow, name) == value for name, value in key.model_dump().items())
    changed = update(SettlementRow).where(*where).values(**values)
    await session.execute(changed, execution_options={"synchronize_session": False})


def lines_of(key: SettlementKey) -> tuple[ColumnElement[bool], ...]:
    return tuple(getattr(SettlementLineRow, name) == value for name, value in key.model_dump().items())
