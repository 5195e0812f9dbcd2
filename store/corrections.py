"""Orders by the mapping that read them, and their correction when a newer mapping reads them differently."""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.messages import Correction
from models.order import Order, OrderKey
from store import outbox
from store.tables import OrderRow

MAPPING_CORRECTED = "mapping_corrected"


async def read_by(
    session: AsyncSession, channel: str, mapping_version: int, *, after: str = "", limit: int = 200
) -> list[OrderRow]:
    """A page of the orders that this version of the channel's mapping read, by key."""
    found = select(OrderRow).where(
        col(OrderRow.channel) == channel,
        col(OrderRow.mapping_version) == mapping_version,
        col(OrderRow.order_key) > after,
    )
    return list(await session.scalars(found.order_by(col(OrderRow.order_key)).limit(limit)))


async def hold(session: AsyncSession, key: OrderKey) -> OrderRow | None:
    """The order's row, locked: no version of it is delivered until the transaction ends."""
    found = select(OrderRow).where(col(OrderRow.order_key) == str(key)).with_for_update()
    return (await session.scalars(found, execution_options={"populate_existing": True})).one_or_none()


async def stamp(session: AsyncSession, key: OrderKey, mapping_version: int) -> None:
    """Note that the newer mapping reads the order as it stands."""
    row = update(OrderRow).where(col(OrderRow.order_key) == str(key))
    await session.execute(
        row.values(mapping_version=mapping_version, updated_at=func.now()),
        execution_options={"synchronize_session": False},
    )


async def correct(session: AsyncSession, row: OrderRow, order: Order, mapping_version: int, actor: str) -> None:
    """Keep the order as the newer mapping reads it, and tell its workflow when the transaction is committed."""
    corrected = update(OrderRow).where(col(OrderRow.order_key) == row.order_key)
    await session.execute(
        corrected.values(
            mapping_version=mapping_version,
            payload=order.model_dump(mode="json"),
            currency=order.currency,
            total=order.total.amount,
            purchased_at=order.purchased_at,
            ship_by=order.ship_by,
            updated_at=func.now(),
        ),
        execution_options={"synchronize_session": False},
    )
    told = Correction(order=order, mapping_version=mapping_version, actor=actor)
    await outbox.add(session, row.workflow_id, MAPPING_CORRECTED, told)
