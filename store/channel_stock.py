"""What each channel may sell, and what it was told last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.channel import Rejected, StockQuantity
from models.inventory import Listed
from store.tables import ChannelStockRow

_SELLABLE = """
    WITH in_force AS (
        SELECT DISTINCT ON (sku) sku, components, floor FROM listing_map
        WHERE channel = :channel AND account IN (:account, '*') AND valid_from <= now()
        ORDER BY sku, (account = :account) DESC, valid_from DESC, version DESC
    ), available AS (
        SELECT item, sum(on_hand - reserved) AS units FROM stock GROUP BY item
    ), sellable AS (
        SELECT sku, greatest(0, min(coalesce(units, 0) / (component->>'quantity')::int) - :buffer) AS quantity
        FROM in_force, jsonb_array_elements(components) AS component
        LEFT JOIN available ON available.item = component->>'item'
        GROUP BY sku
    )
"""
_NEWS = text(
    f"""
    {_SELLABLE}
    SELECT sellable.sku, floor(sellable.quantity)::int AS quantity
    FROM sellable LEFT JOIN channel_stock AS told
        ON told.channel = :channel AND told.account = :account AND told.sku = sellable.sku
    WHERE told.quantity IS DISTINCT FROM floor(sellable.quantity)::int
    ORDER BY told.told_at NULLS FIRST, sellable.sku
    LIMIT :limit
"""  # noqa: S608 - both parts are written above
)
_COMPARED = text(
    f"""
    {_SELLABLE}
    SELECT sellable.sku, floor(sellable.quantity)::int AS sellable, told.quantity AS told, told.problem, in_force.floor
    FROM sellable JOIN in_force ON in_force.sku = sellable.sku LEFT JOIN channel_stock AS told
        ON told.channel = :channel AND told.account = :account AND told.sku = sellable.sku
    ORDER BY sellable.sku
"""  # noqa: S608 - both parts are written above
)


async def news(session: AsyncSession, channel: str, account: str, buffer: int, limit: int) -> list[StockQuantity]:
    """SKUs whose sellable quantity is not what the channel was told, those told longest ago first.

    Sellable is what all nodes together have available of the scarcest component, less the buffer, in units of the SKU.
    """
    asked = {"channel": channel, "account": account, "buffer": buffer, "limit": limit}
    found = await session.execute(_NEWS, asked)
    return [StockQuantity(sku=row.sku, quantity=row.quantity) for row in found]


async def compared(session: AsyncSession, channel: str, account: str, buffer: int) -> list[Listed]:
    """Every SKU of the account: what it was told, and what it would be told now."""
    found = await session.execute(_COMPARED, {"channel": channel, "account": account, "buffer": buffer})
    return [Listed(channel=channel, account=account, **row) for row in found.mappings()]


async def told(
    session: AsyncSession, channel: str, account: str, quantities: Sequence[StockQuantity], rejected: Sequence[Rejected]
) -> None:
    """The channel has these quantities now; a rejected one is not sent again before it changes."""
    problems = {each.key: f"{each.code}: {each.message}" for each in rejected}
    rows = [
        {
            "channel": channel,
            "account": account,
            "sku": each.sku,
            "quantity": each.quantity,
            "problem": problems.get(each.sku),
        }
        for each in sorted(quantities, key=lambda each: each.sku)
    ]
    new = insert(ChannelStockRow)
    changed = {
        "quantity": new.excluded.quantity,
        "problem": new.excluded.problem,
        "told_at": func.now(),
    }
    await session.execute(new.on_conflict_do_update(index_elements=["channel", "account", "sku"], set_=changed), rows)


async def find(
    session: AsyncSession, channel: str | None = None, *, problems_only: bool = False
) -> list[ChannelStockRow]:
    found = select(ChannelStockRow).order_by(
        col(ChannelStockRow.channel), col(ChannelStockRow.account), col(ChannelStockRow.sku)
    )
    if channel is not None:
        found = found.where(col(ChannelStockRow.channel) == channel)
    if problems_only:
        found = found.where(col(ChannelStockRow.problem).is_not(None))
    return list(await session.scalars(found, execution_options={"populate_existing": True}))
