"""What buyers send back: the newest version of each return that a channel told of."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.order import OrderKey
from models.returns import ChannelReturn
from store.tables import ReturnRow


async def keep(session: AsyncSession, told: ChannelReturn, correlation_id: UUID, raw_event_id: int | None) -> bool:
    """Keep a version; False when this or a newer one is known. A return keeps the correlation id it came with."""
    key = told.order_key
    identity = {"channel": key.channel, "account": key.account, "return_id": told.return_id}
    content = {
        "order_key": str(key),
        "state": told.state.value,
        "version": told.version,
        "payload": told.model_dump(mode="json"),
        "raw_event_id": raw_event_id,
    }
    new = insert(ReturnRow).values(**identity, **content, correlation_id=correlation_id)
    kept = new.on_conflict_do_update(
        index_elements=list(identity),
        set_={**content, "updated_at": func.now()},
        where=col(ReturnRow.version) < new.excluded.version,
    )
    return (await session.execute(kept.returning(col(ReturnRow.return_id)))).first() is not None


async def get(session: AsyncSession, channel: str, account: str, return_id: str) -> ReturnRow | None:
    return await session.get(ReturnRow, (channel, account, return_id), populate_existing=True)


async def of_order(session: AsyncSession, key: OrderKey) -> list[ReturnRow]:
    """The returns of an order, in the order of their arrival."""
    found = select(ReturnRow).where(col(ReturnRow.order_key) == str(key))
    return list(await session.scalars(found.order_by(col(ReturnRow.received_at), col(ReturnRow.return_id))))
