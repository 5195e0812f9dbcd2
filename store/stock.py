"""Stock by item and node: what the warehouse says it has, what leaves, and what comes back.

What is available never goes below zero, whoever writes at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.base import Model
from models.fulfilment import Shipment
from models.order import OrderKey
from models.systems import Condition, ReturnReceipt
from store import waiting
from store.stock_rows import by_place, first_time, locked, wait_for_turn
from store.tables import ReservationRow, StockLevel, StockMove


class BelowReserved(ValueError):
    """Less on hand than is reserved for orders already."""


class Level(Model):
    """Units of an item that a node has, reserved ones too."""

    item: str
    node: str
    on_hand: int


async def set_level(session: AsyncSession, item: str, node: str, on_hand: int) -> None:
    """What the warehouse says it has. Raises `BelowReserved` when orders hold more than that."""
    await set_levels(session, [Level(item=item, node=node, on_hand=on_hand)])


async def set_levels(session: AsyncSession, told: Iterable[Level]) -> None:
    """Several at once; those who wait for what has become available are told. Raises `BelowReserved`."""
    wanted = {(level.item, level.node): level.on_hand for level in told}
    if not wanted:
        return
    risen = set()
    for level in await _locked_places(session, wanted):
        on_hand = wanted[level.item, level.node]
        if on_hand < level.reserved:
            raise BelowReserved(
                f"stock of {level.item} at {level.node}: on_hand {on_hand} is below the {level.reserved} that orders "
                "have reserved; cancel or re-route orders first"
            )
        if on_hand > level.on_hand:
            risen.add(level.item)
        level.on_hand = on_hand
    await session.flush()
    await waiting.tell_of_new(session, risen)


async def take_in(session: AsyncSession, receipt: ReturnReceipt) -> bool:
    """What came back and may be sold again is on hand again. False when the receipt was counted before."""
    body = receipt.model_dump(mode="json")
    if not await first_time(session, "receipt", str(receipt.order_key or ""), receipt.receipt_id, body):
        return False
    back: dict[tuple[str, str], int] = {}
    for returned in receipt.items:
        if returned.condition is Condition.RESELL:
            place = (returned.item, receipt.node)
            back[place] = back.get(place, 0) + returned.quantity
    if back:
        for level in await _locked_places(session, back):
            level.on_hand += back[level.item, level.node]
        await session.flush()
        await waiting.tell_of_new(session, {item for item, _ in back})
    return True


async def _locked_places(session: AsyncSession, places: Iterable[tuple[str, str]]) -> list[StockLevel]:
    """The rows of items at nodes, locked; made where there are none yet."""
    ordered = sorted(places)
    rows = [{"item": item, "node": node} for item, node in ordered]
    await session.execute(insert(StockLevel).on_conflict_do_nothing(), rows)
    return await locked(session, tuple_(col(StockLevel.item), col(StockLevel.node)).in_(ordered))


_CONSUME = text("""
    WITH moved AS (
        INSERT INTO stock_move (order_key, shipment_id, item, node, quantity)
        SELECT :key, :shipment, item, node, units
        FROM jsonb_to_recordset(:moved) AS t (item text, node text, units int)
        ON CONFLICT DO NOTHING
        RETURNING item, node, quantity
    ), before AS (
        SELECT moved.item, moved.node, moved.quantity,
               CASE WHEN state = 'held' THEN least(moved.quantity, reservation.quantity - shipped) ELSE 0 END AS own
        FROM moved LEFT JOIN reservation
            ON order_key = :key AND reservation.item = moved.item AND reservation.node = moved.node
    ), counted AS (
        UPDATE reservation
        SET shipped = shipped + before.own,
            state = CASE WHEN shipped + before.own = reservation.quantity THEN 'shipped' ELSE state END
        FROM before
        WHERE order_key = :key AND reservation.item = before.item AND reservation.node = before.node AND before.own > 0
    ), left_over AS (
        UPDATE stock
        SET reserved = reserved - before.own,
            on_hand = greatest(on_hand - before.quantity, reserved - before.own)
        FROM before WHERE stock.item = before.item AND stock.node = before.node
    )
    SELECT count(*) FROM moved
""").bindparams(bindparam("moved", type_=JSONB))


async def consume(session: AsyncSession, order_key: OrderKey, shipment: Shipment) -> bool:
    """A shipment left its node: on-hand and reserved stock go down. False when it was counted before.

    Units that the order had not reserved there leave all the same, but never out of what others have reserved: the
    warehouse's next stock level says what is true.
    """
    await wait_for_turn(session, order_key)
    moved = by_place((shipment.node, pick) for pick in shipment.picks)
    items = {pick.item for pick in shipment.picks}
    await locked(session, col(StockLevel.node) == shipment.node, col(StockLevel.item).in_(items))
    parameters = {"key": str(order_key), "shipment": shipment.shipment_id, "moved": moved}
    return bool((await session.execute(_CONSUME, parameters)).scalar_one())


async def is_counted(session: AsyncSession, order_key: str, shipment_id: str) -> bool:
    """True when a shipment was taken out of stock before."""
    moves = select(col(StockMove.shipment_id)).filter_by(order_key=order_key, shipment_id=shipment_id).limit(1)
    return await session.scalar(moves) is not None


async def levels(session: AsyncSession) -> list[StockLevel]:
    found = select(StockLevel).order_by(col(StockLevel.item), col(StockLevel.node))
    return list(await session.scalars(found, execution_options={"populate_existing": True}))


async def reservations(session: AsyncSession, order_key: OrderKey) -> list[ReservationRow]:
    found = select(ReservationRow).where(col(ReservationRow.order_key) == str(order_key))
    return list(
        await session.scalars(
            found.order_by(col(ReservationRow.item), col(ReservationRow.node)),
            execution_options={"populate_existing": True},
        )
    )
