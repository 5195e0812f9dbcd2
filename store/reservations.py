"""What orders hold of the stock: reserved by a decision, kept, given back, or found missing.

Every write waits for the order's other writes, then locks stock rows, and last the waiting lists of items: nobody
waits for somebody who waits for him.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.decision import decide
from models.fulfilment import Allocation, HeldPick, RoutingRequest, Shortfall, ShortfallKind
from models.order import OrderKey
from models.routing import Inputs, Shelves
from models.standings import useless
from store import locks, routing, waiting
from store.stock_rows import available, by_place, first_time, locked, wait_for_turn
from store.tables import AllocationRow, ReservationRow, StockLevel

Place = tuple[str, str]
"""(item, node)."""


async def reserve(session: AsyncSession, request: RoutingRequest) -> Allocation:
    """Decide by the rules in force and reserve, all or nothing unless the request says `partial`.

    The same decision of the order again gets the same answer, also when that was that everything is short.
    """
    await wait_for_turn(session, request.order_key)
    if decided := await allocation(session, request.order_key, request.decision):
        return decided
    inputs = await _inputs(session, request)
    made = decide(request, inputs.shelves, inputs.rules)
    await _take(session, made, inputs)
    if made.short and request.waiting_id:
        await waiting.wait(session, made, request.waiting_id)
    else:
        await waiting.leave(session, request.order_key)
    return made


async def allocation(session: AsyncSession, order_key: OrderKey, decision: int) -> Allocation | None:
    row = await session.get(AllocationRow, (str(order_key), decision), populate_existing=True)
    return Allocation.model_validate(row.body) if row else None


async def decisions(session: AsyncSession, order_key: OrderKey) -> list[AllocationRow]:
    """All decisions of an order, the first one first."""
    found = select(AllocationRow).where(col(AllocationRow.order_key) == str(order_key))
    return list(await session.scalars(found.order_by(col(AllocationRow.decision))))


async def _inputs(session: AsyncSession, request: RoutingRequest) -> Inputs:
    """What is decided from; the stock rows of the items are locked, and nodes of limited capacity are held."""
    rules, nodes = await routing.in_force(session, request.at)
    limited = [node for node in nodes if node.capacity is not None and useless(node, request) is None]
    await locks.hold(session, [f"capacity/{node.name}" for node in limited])
    levels = await locked(session, col(StockLevel.item).in_({pick.item for pick in request.picks}))
    load = await routing.load(session, {node.name: node.local_day(request.at) for node in limited})
    return Inputs(request=request, shelves=Shelves(nodes=nodes, stock=available(levels), load=load), rules=rules)


_TAKE = text("""
    WITH taken AS (
        SELECT * FROM jsonb_to_recordset(:taken) AS t (item text, node text, units int)
    ), reserved AS (
        UPDATE stock SET reserved = reserved + taken.units FROM taken
        WHERE stock.item = taken.item AND stock.node = taken.node
    ), held AS (
        INSERT INTO reservation (order_key, item, node, quantity)
        SELECT :key, item, node, units FROM taken
        ON CONFLICT (order_key, item, node) DO UPDATE SET
            quantity = excluded.quantity
                + CASE reservation.state WHEN 'held' THEN reservation.quantity ELSE reservation.shipped END,
            state = 'held'
    ), begun AS (
        INSERT INTO node_load (order_key, node, decision, day)
        SELECT :key, node, :decision, day FROM jsonb_to_recordset(:begun) AS t (node text, day date)
    )
    INSERT INTO allocation (order_key, decision, body, inputs) VALUES (:key, :decision, :body, :inputs)
""").bindparams(bindparam("body", type_=JSON), *(bindparam(name, type_=JSONB) for name in ("taken", "begun", "inputs")))


async def _take(session: AsyncSession, made: Allocation, inputs: Inputs) -> None:
    nodes = {node.name: node for node in inputs.shelves.every_node()}
    values = {
        "key": str(made.order_key),
        "decision": made.decision,
        "taken": by_place((plan.node, pick) for plan in made.nodes for pick in plan.picks),
        "begun": [
            {"node": plan.node, "day": nodes[plan.node].local_day(inputs.request.at).isoformat()} for plan in made.nodes
        ],
        "body": made.model_dump(mode="json"),
        "inputs": inputs.model_dump(mode="json"),
    }
    await session.execute(_TAKE, values)


async def give_back(session: AsyncSession, order_key: OrderKey) -> int:
    """Give back all that an order still holds, and wait for nothing; the number of units given back."""
    return await keep(session, order_key, (), waits=False)


async def keep(session: AsyncSession, order_key: OrderKey, held: Iterable[HeldPick], *, waits: bool = True) -> int:
    """Hold no more than this of what is held now; the number of units given back."""
    wanted: Counter[Place] = Counter()
    for pick in held:
        wanted[pick.item, pick.node] += pick.quantity
    await wait_for_turn(session, order_key)
    now = await _held(session, order_key)
    freed = {place: units - wanted[place] for place, units in now.items() if units > wanted[place]}
    await _free(session, order_key, freed, {})
    items = {item for item, _ in freed}
    await (waiting.tell(session, items) if waits else waiting.leave(session, order_key, items))
    return sum(freed.values())


async def count_short(session: AsyncSession, order_key: OrderKey, shortfall: Shortfall) -> bool:
    """A node will not ship these units: the order holds them there no longer. False when it was counted before.

    After a short pick the shelf has less than the books said, but never less than others have reserved.
    """
    await wait_for_turn(session, order_key)
    body = shortfall.model_dump(mode="json")
    if not await first_time(session, "shortfall", str(order_key), shortfall.report_id, body):
        return False
    missing: Counter[Place] = Counter()
    for pick in shortfall.picks:
        missing[pick.item, shortfall.node] += pick.quantity
    now = await _held(session, order_key)
    freed = {place: min(units, now.get(place, 0)) for place, units in missing.items()}
    lost = missing if shortfall.kind is ShortfallKind.SHORT_PICK else {}
    await _free(session, order_key, freed, lost)
    await waiting.tell(session, {item for item, _ in missing})
    return True


async def _held(session: AsyncSession, order_key: OrderKey) -> dict[Place, int]:
    found = await session.execute(
        select(
            col(ReservationRow.item),
            col(ReservationRow.node),
            col(ReservationRow.quantity) - col(ReservationRow.shipped),
        ).where(col(ReservationRow.order_key) == str(order_key), col(ReservationRow.state) == "held")
    )
    return {(item, node): units for item, node, units in found}


_FREE = text("""
    WITH freed AS (
        SELECT * FROM jsonb_to_recordset(:freed) AS t (item text, node text, units int, lost int)
    ), kept AS (
        UPDATE reservation SET
            state = CASE WHEN quantity - shipped = units THEN 'released' ELSE state END,
            quantity = CASE WHEN quantity - shipped = units THEN quantity ELSE quantity - units END
        FROM freed
        WHERE order_key = :key AND reservation.item = freed.item AND reservation.node = freed.node AND units > 0
    )
    UPDATE stock SET reserved = reserved - units, on_hand = greatest(on_hand - lost, reserved - units)
    FROM freed WHERE stock.item = freed.item AND stock.node = freed.node
""").bindparams(bindparam("freed", type_=JSONB))

_UNBURDEN = text("""
    DELETE FROM node_load WHERE order_key = :key AND node NOT IN (
        SELECT node FROM reservation WHERE order_key = :key AND (state = 'held' OR shipped > 0)
    )
""")


async def _free(
    session: AsyncSession, order_key: OrderKey, freed: Mapping[Place, int], lost: Mapping[Place, int]
) -> None:
    """Give back units of what the order holds, and write off what is lost."""
    places = sorted({*freed, *lost})
    if not places:
        return
    await locked(session, tuple_(col(StockLevel.item), col(StockLevel.node)).in_(places))
    rows: list[dict[str, Any]] = [
        {"item": item, "node": node, "units": freed.get((item, node), 0), "lost": lost.get((item, node), 0)}
        for item, node in places
    ]
    await session.execute(_FREE, {"key": str(order_key), "freed": rows})
    await session.execute(_UNBURDEN, {"key": str(order_key)})
