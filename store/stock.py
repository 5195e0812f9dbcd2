"""Stock and reservations: what is available never goes below zero, whoever reserves at the same time.

Every write for an order waits for the order's other writes first, and then locks its stock rows in the order of item
and node, so that no two of them wait for each other. (The rows alone are not enough: what an order holds may grow
between looking and locking.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.catalogue import ComponentLine
from models.fulfilment import Allocation, PickLine, Shipment
from models.order import OrderKey
from store import locks
from store.allocation import Stock, allocate
from store.tables import AllocationRow, ReservationRow, StockLevel, StockMove


class BelowReserved(ValueError):
    """Less on hand than is reserved for orders already."""


async def set_level(session: AsyncSession, item: str, node: str, on_hand: int) -> None:
    """What the warehouse says it has. Raises `BelowReserved` when orders hold more than that."""
    await session.execute(insert(StockLevel).values(item=item, node=node).on_conflict_do_nothing())
    level = (await _locked(session, col(StockLevel.item) == item, col(StockLevel.node) == node))[0]
    if on_hand < level.reserved:
        raise BelowReserved(
            f"stock of {item} at {node}: on_hand {on_hand} is below the {level.reserved} that orders have reserved; "
            "cancel or re-route orders first"
        )
    level.on_hand = on_hand
    await session.flush()


async def reserve(
    session: AsyncSession, order_key: OrderKey, needs: Sequence[ComponentLine], units: Mapping[str, int]
) -> Allocation:
    """Decide and reserve for `units` (order line id -> units of the line), all or nothing.

    An order that holds an allocation gets the same one again. When it is `short`, nothing is reserved or remembered.
    """
    await _wait_for_turn(session, order_key)
    items = {need.item for need in needs if units.get(need.line_id)}
    levels = await _locked(session, col(StockLevel.item).in_(items))
    # Only now: an attempt for the same order that ran at the same time has let go of the rows.
    if decided := await allocation(session, order_key):
        return decided
    made = allocate(order_key, needs, units, _available(levels))
    if not made.short:
        await _take(session, made)
    return made


async def allocation(session: AsyncSession, order_key: OrderKey) -> Allocation | None:
    """The allocation that an order holds."""
    row = await session.get(AllocationRow, str(order_key), populate_existing=True)
    return Allocation.model_validate(row.body) if row else None


_TAKE = text("""
    WITH taken AS (
        SELECT * FROM jsonb_to_recordset(:taken) AS t (item text, node text, units int)
    ), reserved AS (
        UPDATE stock SET reserved = reserved + taken.units FROM taken
        WHERE stock.item = taken.item AND stock.node = taken.node
    ), held AS (
        INSERT INTO reservation (order_key, item, node, quantity)
        SELECT :key, item, node, units FROM taken
        ON CONFLICT (order_key, item, node)
        DO UPDATE SET quantity = reservation.shipped + excluded.quantity, state = 'held'
    )
    INSERT INTO allocation (order_key, body) VALUES (:key, :body)
""").bindparams(bindparam("taken", type_=JSONB), bindparam("body", type_=JSONB))


async def _take(session: AsyncSession, made: Allocation) -> None:
    taken = _by_place((plan.node, pick) for plan in made.nodes for pick in plan.picks)
    body = made.model_dump(mode="json")
    await session.execute(_TAKE, {"taken": taken, "key": str(made.order_key), "body": body})


_RELEASE = text("""
    WITH freed AS (
        UPDATE reservation SET state = 'released' WHERE order_key = :key AND state = 'held'
        RETURNING item, node, quantity - shipped AS units
    ), forgotten AS (
        DELETE FROM allocation WHERE order_key = :key
    ), given_back AS (
        UPDATE stock SET reserved = reserved - freed.units FROM freed
        WHERE stock.item = freed.item AND stock.node = freed.node
    )
    SELECT coalesce(sum(units), 0) FROM freed
""")


async def release_reservation(session: AsyncSession, order_key: OrderKey) -> int:
    """Give back what an order still holds, and forget its allocation; the number of units given back."""
    await _wait_for_turn(session, order_key)
    held = select(col(ReservationRow.item), col(ReservationRow.node)).where(
        col(ReservationRow.order_key) == str(order_key), col(ReservationRow.state) == "held"
    )
    await _locked(session, tuple_(col(StockLevel.item), col(StockLevel.node)).in_(held))
    return int((await session.execute(_RELEASE, {"key": str(order_key)})).scalar_one())


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
    await _wait_for_turn(session, order_key)
    moved = _by_place((shipment.node, pick) for pick in shipment.picks)
    items = {pick.item for pick in shipment.picks}
    await _locked(session, col(StockLevel.node) == shipment.node, col(StockLevel.item).in_(items))
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


async def _wait_for_turn(session: AsyncSession, order_key: OrderKey) -> None:
    """Until the end of the transaction no other reserves, ships or gives back for this order."""
    await locks.hold(session, [f"stock/{order_key}"])


async def _locked(session: AsyncSession, *where: Any) -> list[StockLevel]:
    """Stock rows, locked until the transaction ends, and as they are once they are locked."""
    found = select(StockLevel).where(*where).order_by(col(StockLevel.item), col(StockLevel.node)).with_for_update()
    return list(await session.scalars(found, execution_options={"populate_existing": True}))


def _available(levels: Iterable[StockLevel]) -> Stock:
    return {(level.item, level.node): level.available for level in levels}


def _by_place(picks: Iterable[tuple[str, PickLine]]) -> list[dict[str, Any]]:
    """Units by item and node: two lines of an order may need the same item."""
    units: Counter[tuple[str, str]] = Counter()
    for node, pick in picks:
        units[pick.item, node] += pick.quantity
    return [{"item": item, "node": node, "units": count} for (item, node), count in sorted(units.items())]
