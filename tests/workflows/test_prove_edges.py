"""Acceptance: every deadline, hold and window acts at its moment and not before it, whatever the clocks on the wall do.

The clock of each process is moved forward by the server itself (time skipping).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionStatus

from models.messages import ChannelUpdate, OrderState
from models.order import ChannelState, Order
from store.database import Database
from tests.workflows.chosen_edges import AT_A_CHOSEN_MOMENT
from tests.workflows.edges import SOON, Begin, Edge, is_over, is_released
from tests.workflows.fleet import Fleet
from tests.workflows.parked_orders import until
from tests.workflows.waiting_edges import AFTER_A_WHILE, payment, promise, settlement, ship_by
from tests.workflows.world import Handle
from workflows.order import OrderWorkflow

BEFORE = timedelta(seconds=10)
LATE = timedelta(seconds=20)
"""A timer fires a little after its moment; on a busy machine, of a wait of many parts, this is much."""
NEXT = timedelta(minutes=30)
NEAR = timedelta(minutes=1)
CLOCK_CHANGES = {
    "the last minute of the year": datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC),
    "the first second of the year": datetime(2027, 1, 1, tzinfo=UTC),
    "clocks go forward in the US (east)": datetime(2027, 3, 14, 7, tzinfo=UTC),
    "the hour that Berlin leaves out": datetime(2027, 3, 28, 1, tzinfo=UTC),
    "a moment before it": datetime(2027, 3, 28, 0, 59, 59, tzinfo=UTC),
    "the hour that Berlin has twice": datetime(2027, 10, 31, 1, tzinfo=UTC),
    "the first time of that hour": datetime(2027, 10, 31, 0, 30, tzinfo=UTC),
    "the leap day": datetime(2028, 2, 29, tzinfo=UTC),
}


@pytest.fixture
async def fleet(temporal_client: Client, database: Database) -> AsyncIterator[Fleet]:
    async with Fleet(temporal_client, database) as world:
        yield world


async def prove(fleet: Fleet, begins: Sequence[tuple[Begin, str, datetime]]) -> None:
    edges = [(await begin(fleet, due), when) for begin, when, due in begins]
    turn = asyncio.Semaphore(12)

    async def one(edge: Edge, when: str) -> str:
        async with turn:
            return await _acts_at_its_moment(fleet, edge, when)

    rows = await asyncio.gather(*(one(*each) for each in edges))
    print("\n" + "\n".join(rows))
    print(f"{len(rows)} edges: none acted {BEFORE.seconds} s before, all acted at their moment")


async def _acts_at_its_moment(fleet: Fleet, edge: Edge, when: str) -> str:
    timer, due = await _timer(edge)
    if edge.skips:
        await fleet.fast_forward_to(edge.handle, due - BEFORE)
    assert not await edge.acted(), f"{edge.name} acted before {due}"
    before = await fleet.time_of(edge.handle)
    assert before < due, f"{edge.name}: looked too late, at {before}: nothing is proven"
    if edge.skips:
        await fleet.fast_forward_to(edge.handle, due + edge.slack)
    await until(edge.acted, 60, f"{edge.name} to act at {due}")
    fired = await _fired(edge, timer)
    assert timedelta() <= fired - due < LATE + edge.slack, f"{edge.name}: due {due}, acted {fired}"
    return f"  {edge.name:24} due {due:%Y-%m-%d %H:%M:%S}, not by {before:%H:%M:%S}, acted {fired:%H:%M:%S.%f} {when}"


async def _timer(edge: Edge) -> tuple[int, datetime]:
    """The timer that was set for it, and when it fires. An order may say a moment earlier that it waits: a write to the
    store lies between."""
    if not edge.own_timer:
        return 0, edge.due

    async def is_set() -> bool:
        return any(abs(due - edge.due) < NEAR for _, due in await _timers(edge))

    await until(is_set, 60, f"{edge.name} to have a timer that fires at {edge.due}")
    return min(await _timers(edge), key=lambda timer: abs(timer[1] - edge.due))


async def _timers(edge: Edge) -> list[tuple[int, datetime]]:
    return [
        (event.event_id, event.event_time.ToDatetime(UTC) + _length(event))
        for event in (await edge.handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED
    ]


def _length(event: HistoryEvent) -> timedelta:
    return event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()


async def _fired(edge: Edge, timer: int) -> datetime:
    """By the history; what has no timer of its own was done in the task that an earlier timer began."""
    fired: list[tuple[int, datetime]] = [
        (event.timer_fired_event_attributes.started_event_id, event.event_time.ToDatetime(UTC))
        for event in (await edge.handle.fetch_history()).events
        if event.event_type == EventType.EVENT_TYPE_TIMER_FIRED
    ]
    return dict(fired).get(timer, fired[-1][1])


def soon() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + SOON


@pytest.mark.timeout(400)
async def test_every_deadline_hold_and_window_acts_at_its_moment_and_not_before(fleet: Fleet) -> None:
    moments = [(begin, "", soon()) for begin in (*AT_A_CHOSEN_MOMENT, *AFTER_A_WHILE)]
    await prove(fleet, moments)


async def test_a_hold_over_the_end_of_the_year_and_over_a_change_of_clocks_ends_at_its_moment(fleet: Fleet) -> None:
    chosen = [(AT_A_CHOSEN_MOMENT[0], when, CLOCK_CHANGES[when]) for when in list(CLOCK_CHANGES)[1:4:2]]
    await prove(fleet, chosen)


async def channel_has_the_money(fleet: Fleet, handle: Handle, order: Order) -> None:
    paid = order.model_copy(update={"state": ChannelState.OPEN, "version": order.version + timedelta(days=1)})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=paid))
    await fleet.until(handle, is_released)


async def stock_comes(fleet: Fleet, handle: Handle, order: Order) -> None:
    await fleet.put_stock(order.lines[0].sku, "BER-1", 5)
    await fleet.until(handle, is_released)


async def parcel_leaves(fleet: Fleet, handle: Handle, order: Order) -> None:
    for name, picks in list(fleet.wms.unshipped(order)):
        await fleet.wms.ship(name, picks)
    await fleet.until(handle, is_over(OrderState.SHIPPED))


async def money_comes(fleet: Fleet, handle: Handle, order: Order) -> None:
    await fleet.pay(handle, order)
    await fleet.until(handle, is_over(OrderState.CLOSED))


@pytest.mark.parametrize(
    ("begin", "comes"),
    [
        (payment, channel_has_the_money),
        (promise, stock_comes),
        (ship_by, parcel_leaves),
        (settlement, money_comes),
    ],
)
async def test_what_comes_a_moment_before_its_deadline_is_in_time(
    fleet: Fleet, begin: Begin, comes: Callable[[Fleet, Handle, Order], Awaitable[None]]
) -> None:
    edge = await begin(fleet, soon())
    order = next(order for order in fleet.started if order.key.workflow_id == edge.handle.id)
    _, due = await _timer(edge)
    await fleet.fast_forward_to(edge.handle, due - BEFORE)
    await comes(fleet, edge.handle, order)
    if (await edge.handle.describe()).status is WorkflowExecutionStatus.RUNNING:
        await fleet.fast_forward_to(edge.handle, due + NEXT)
    assert not await edge.acted(), f"{edge.name} acted although it was met"
    print(f"\n  {edge.name}: met {BEFORE.seconds} s before {due:%Y-%m-%d %H:%M:%S}, and it did not act")


@pytest.mark.prove
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("begin", AT_A_CHOSEN_MOMENT, ids=lambda begin: begin.__name__)
async def test_no_end_of_a_year_and_no_change_of_clocks_moves_a_deadline(fleet: Fleet, begin: Begin) -> None:
    await prove(fleet, [(begin, when, due) for when, due in CLOCK_CHANGES.items()])
