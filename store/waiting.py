"""Orders that wait for stock, and who of them is told when some arrives.

Told are those that the stock can serve, in the order in which they began to wait: each is routed, by the rules, on what
those before it would leave. An order that was told is counted among those before until it asks again or gives up; if it
does neither for a while, it waits again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from models.decision import decide
from models.fulfilment import Allocation, RoutingRequest
from models.messages import StockArrived
from models.nodes import Node
from models.order import OrderKey
from models.routing import Inputs, RoutingRules, Shelves
from store import locks, outbox, routing, stock_rows
from store.tables import AllocationRow, StockLevel, StockWait

Shelf = dict[str, dict[str, int]]
"""Node -> item -> units available."""

STOCK_ARRIVED = "stock_arrived"

PATIENCE = timedelta(minutes=15)
"""An order that was told and has not asked again by then may be told again."""

PAGE = 100
"""Orders that are looked at in one go."""


async def wait(session: AsyncSession, made: Allocation, workflow_id: str) -> None:
    """Put an order on the list of its short items. One that waited for an item before keeps its place there.

    The last write of a transaction: locks on items are taken after those on stock rows, by everybody.
    """
    key, short = str(made.order_key), {pick.item for pick in made.short}
    await _hold(session, short | await _items_of(session, key))
    former = delete(StockWait).where(col(StockWait.order_key) == key)
    rows = await session.execute(former.returning(col(StockWait.item), col(StockWait.since)))
    since = dict(rows.all())
    waiting = {"order_key": key, "decision": made.decision, "workflow_id": workflow_id}
    now = func.clock_timestamp()
    for item in sorted(short):
        await session.execute(insert(StockWait).values(**waiting, item=item, since=since.get(item, now)))
    await _tell(session, short | since.keys())


async def leave(session: AsyncSession, order_key: OrderKey, freed: Collection[str] = ()) -> None:
    """The order waits for nothing any more. What it was told of, or has freed, is told to others."""
    items = await _items_of(session, str(order_key))
    if not items:
        await tell(session, freed)
        return
    await _hold(session, items | {*freed})
    await session.execute(delete(StockWait).where(col(StockWait.order_key) == str(order_key)))
    await _tell(session, items | {*freed})


async def tell(session: AsyncSession, items: Collection[str]) -> None:
    """Units of these items, whose stock rows are locked by this transaction, may have become available."""
    if items and await _anybody(session, items):
        await _hold(session, items)
        await _tell(session, items)


async def tell_of_new(session: AsyncSession, items: Collection[str]) -> None:
    """Like `tell`, where there was no row to lock: an order may be about to wait without having seen the new one."""
    if items:
        await _hold(session, items)
        await _tell(session, items)


async def waiting(session: AsyncSession, item: str | None = None) -> list[StockWait]:
    """Who waits, the longest first."""
    found = select(StockWait).order_by(col(StockWait.since), col(StockWait.order_key), col(StockWait.item))
    if item is not None:
        found = found.where(col(StockWait.item) == item)
    return list(await session.scalars(found, execution_options={"populate_existing": True}))


async def _tell(session: AsyncSession, items: Collection[str]) -> None:
    shelf: Shelf = {}
    known: set[str] = set()
    told: list[Row[Any]] = []
    rules, nodes = await routing.in_force(session, (await session.execute(select(func.now()))).scalar_one())
    async for row in _in_turn(session, items):
        request = _still_wanted(Inputs.model_validate(row.inputs), Allocation.model_validate(row.body))
        if unknown := {*items, *(pick.item for pick in request.picks)} - known:
            await _look(session, unknown, shelf)
            known |= unknown
        if not any(units for node in shelf.values() for item, units in node.items() if item in items):
            break
        if _serve(request, nodes, shelf, rules) and not row.told:
            told.append(row)
    await _send(session, told, items)


def _serve(request: RoutingRequest, nodes: tuple[Node, ...], shelf: Shelf, rules: RoutingRules) -> bool:
    """Take from the shelf what the order would get now; False when that is nothing."""
    made = decide(request, Shelves(nodes=nodes, stock=shelf), rules)
    for plan in made.nodes:
        for pick in plan.picks:
            shelf[plan.node][pick.item] -= pick.quantity
    return bool(made.nodes)


def _still_wanted(inputs: Inputs, made: Allocation) -> RoutingRequest:
    """What the decision left open: the short rest, or everything when nothing was reserved."""
    return inputs.request.model_copy(update={"picks": made.short}) if made.nodes else inputs.request


async def _in_turn(session: AsyncSession, items: Collection[str]) -> AsyncIterator[Row[Any]]:
    """Orders that wait for any of the items, the longest waiting first; nobody joins or leaves meanwhile.

    A page at a time: a few units that arrive are taken by the first of thousands that wait.
    """
    queue, offset = _queue(items), 0
    while page := (await session.execute(queue.limit(PAGE).offset(offset))).all():
        for row in page:
            yield row
        offset += len(page)


def _queue(items: Collection[str]) -> Select[Any]:
    """What each of them asked for and got, and whether it was told a short while ago."""
    place = func.min(col(StockWait.since)).label("place")
    told = func.coalesce(func.bool_or(col(StockWait.told_at) > func.now() - PATIENCE), False).label("told")
    return (
        select(col(StockWait.order_key), place, told, col(AllocationRow.body), col(AllocationRow.inputs))
        .join(
            AllocationRow,
            and_(
                col(AllocationRow.order_key) == col(StockWait.order_key),
                col(AllocationRow.decision) == col(StockWait.decision),
            ),
        )
        .where(col(StockWait.item).in_(items))
        .group_by(col(StockWait.order_key), col(AllocationRow.order_key), col(AllocationRow.decision))
        .order_by(place, col(StockWait.order_key))
    )


async def _send(session: AsyncSession, told: Sequence[Row[Any]], items: Collection[str]) -> None:
    """One message an order, in turn, about the first of the items that it waits for."""
    if not told:
        return
    marked = update(StockWait).where(col(StockWait.order_key).in_([row.order_key for row in told]))
    rows = await session.execute(
        marked.values(told_at=func.now()).returning(
            col(StockWait.order_key), col(StockWait.item), col(StockWait.workflow_id)
        ),
        execution_options={"synchronize_session": False},
    )
    arrived: dict[str, tuple[str, str]] = {}
    for key, item, workflow_id in sorted(rows):
        if item in items:
            arrived.setdefault(key, (item, workflow_id))
    await outbox.add_all(session, [_message(*arrived[row.order_key]) for row in told])


def _message(item: str, workflow_id: str) -> outbox.Message:
    payload = StockArrived(item=item).model_dump(mode="json")
    return outbox.Message(workflow_id=workflow_id, message=STOCK_ARRIVED, payload=payload)


async def _look(session: AsyncSession, items: Collection[str], shelf: Shelf) -> None:
    """Put what there is of further items on the shelf."""
    levels = select(StockLevel).where(col(StockLevel.item).in_(items))
    found = await session.scalars(levels, execution_options={"populate_existing": True})
    for node, units in stock_rows.available(found).items():
        shelf.setdefault(node, {}).update(units)


async def _items_of(session: AsyncSession, order_key: str) -> set[str]:
    return {*await session.scalars(select(col(StockWait.item)).where(col(StockWait.order_key) == order_key))}


async def _anybody(session: AsyncSession, items: Collection[str]) -> bool:
    anybody = select(col(StockWait.item)).where(col(StockWait.item).in_(items)).limit(1)
    return await session.scalar(anybody) is not None


async def _hold(session: AsyncSession, items: Iterable[str]) -> None:
    """Beginning to wait for an item and telling of it exclude each other."""
    await locks.hold(session, [f"stock_wait/{item}" for item in items])
