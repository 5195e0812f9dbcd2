"""Every deadline, hold and window of an order and a return: what it waits for, and how one sees that it has acted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from models.case import CaseKind
from models.catalogue import Component
from models.messages import OrderSnapshot, OrderState
from models.order import Order
from tests.workflows.fleet import Fleet
from tests.workflows.wild_order import an_id
from tests.workflows.world import Handle, an_order, line
from workflows.order import OrderWorkflow

SOON = timedelta(hours=5)
WINDOW = timedelta(hours=6)


@dataclass(frozen=True)
class Edge:
    """Something that is to act at a moment: not before it, and at it."""

    name: str
    handle: Any
    due: datetime
    """As it is told; the timer that was set is its own witness."""
    acted: Callable[[], Awaitable[bool]]
    own_timer: bool = True
    """False: one of several waits in a row, of which the last is not set yet."""
    slack: timedelta = timedelta()
    """How late it may be by its nature: what is looked at once an hour."""
    skips: bool = True
    """False: short enough to be waited for."""


Begin = Callable[[Fleet, datetime], Awaitable[Edge]]


def order_edge(name: str, handle: Handle, due: datetime, acted: Callable[[OrderSnapshot], bool]) -> Edge:
    async def has_acted() -> bool:
        return acted(await handle.query(OrderWorkflow.snapshot))

    return Edge(name, handle, due, has_acted)


def opens(kind: CaseKind) -> Callable[[OrderSnapshot], bool]:
    return lambda seen: any(case.kind is kind for case in seen.cases)


def is_over(state: OrderState) -> Callable[[OrderSnapshot], bool]:
    return lambda seen: seen.state is state


def is_released(seen: OrderSnapshot) -> bool:
    return seen.released_at is not None


def now() -> datetime:
    return datetime.now(UTC)


async def in_case(fleet: Fleet, order: Order, kind: CaseKind) -> tuple[Handle, datetime]:
    """An order that waits in a case of this kind, and when that expires."""
    handle = await fleet.start(order)
    case = (await fleet.until_case(handle)).case
    assert case is not None
    assert case.kind is kind
    assert case.expires_at is not None
    return handle, case.expires_at


async def released(fleet: Fleet, order: Order) -> Handle:
    handle = await fleet.start(order)
    await fleet.until(handle, is_released)
    await fleet.wait_for(lambda: any(fleet.wms.unshipped(order)))
    return handle


async def shipped_out(fleet: Fleet, order: Order) -> Handle:
    handle = await released(fleet, order)
    for name, picks in list(fleet.wms.unshipped(order)):
        await fleet.wms.ship(name, picks)
    return handle


async def unstocked(fleet: Fleet, **changes: Any) -> Handle:
    sku = f"rare-{an_id()}"
    await fleet.map_sku(sku, Component(item=sku))
    order = an_order(line("1", sku, 1, "34.50"), **changes)
    handle = await fleet.start(order)
    await fleet.until(handle, lambda seen: seen.state is OrderState.BACK_ORDERED)
    return handle
