"""Acceptance: a compensation whose system is away for two days is done when it is back, and holds up nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.client import Client

from models.case import Action, CaseKind, Resolution
from models.messages import CancelRequest, OrderSnapshot, OrderState
from models.order import Order
from store import stock
from store.database import Database
from tests.workflows.fleet import ByOrder, Fleet
from tests.workflows.world import Handle, an_order, line, refused, taxed
from workflows.order import OrderWorkflow

TWO_DAYS = timedelta(days=2)
UNDO = {"erp": "cancel_order", "tax": "void", "channel": "cancel"}
RESTATE = {"erp": "change_order", "tax": "quote", "channel": "cancel"}


@pytest.fixture
async def fleet(temporal_client: Client, database: Database) -> AsyncIterator[Fleet]:
    async with Fleet(temporal_client, database) as world:
        yield world


def system(fleet: Fleet, name: str) -> ByOrder:
    return {"erp": fleet.erp, "tax": fleet.tax, "channel": fleet.channel}[name]


def done(fleet: Fleet, order: Order, operations: dict[str, str]) -> dict[str, int]:
    return {name: system(fleet, name).counts[str(order.key), what] for name, what in operations.items()}


async def reserved(fleet: Fleet, order: Order) -> int:
    async with fleet.database.session() as session:
        return sum(
            row.quantity - row.shipped for row in await stock.reservations(session, order.key) if row.state == "held"
        )


async def released(fleet: Fleet, order: Order) -> Handle:
    handle = await fleet.start(order)
    await fleet.until(handle, lambda seen: seen.released_at is not None)
    await fleet.wait_for(lambda: any(fleet.wms.unshipped(order)))
    return handle


@pytest.mark.parametrize("away", UNDO)
async def test_what_a_cancellation_undoes_waits_two_days_for_the_one_system_that_is_away(
    fleet: Fleet, away: str
) -> None:
    order = an_order(taxed(line("1", "MAT", 2, "34.50"), "6.55"))
    handle = await released(fleet, order)
    before = done(fleet, order, UNDO)
    system(fleet, away).away.add(UNDO[away])
    wish = CancelRequest(reason="no longer wanted", actor="buyer")
    assert (await handle.execute_update(OrderWorkflow.cancel, wish)).confirmed

    def only_it_is_behind(seen: OrderSnapshot) -> bool:
        return seen.untold == (away,) and seen.state is OrderState.CANCELLING

    await fleet.until(handle, only_it_is_behind)
    assert done(fleet, order, UNDO) == {**dict.fromkeys(UNDO, 1), away: 0}
    assert before == dict.fromkeys(UNDO, 0)
    assert await reserved(fleet, order) == 0
    await fleet.fast_forward(handle, TWO_DAYS)
    assert only_it_is_behind(await handle.query(OrderWorkflow.snapshot))
    await another_order_goes_on(fleet)
    system(fleet, away).away.clear()
    assert (await handle.result()).state is OrderState.CANCELLED
    assert done(fleet, order, UNDO) == dict.fromkeys(UNDO, 1)
    print(f"\n{away} away for 2 days: the others told at once, done once when it was back")


async def another_order_goes_on(fleet: Fleet) -> None:
    other = an_order(line("1", "BOTTLE", 1, "9.00"))
    handle = await released(fleet, other)
    for name, picks in list(fleet.wms.unshipped(other)):
        await fleet.wms.ship(name, picks)
    await fleet.until(handle, lambda seen: bool(seen.waiting_for and seen.waiting_for.startswith("settlement")))
    await fleet.pay(handle, other)
    assert (await handle.result()).state is OrderState.CLOSED


@pytest.mark.parametrize("away", RESTATE)
async def test_an_order_that_is_cancelled_in_part_goes_on_while_a_system_that_is_to_know_is_away(
    fleet: Fleet, away: str
) -> None:
    order = an_order(taxed(line("1", "MAT", 2, "34.50"), "6.55"))
    handle = await released(fleet, order)
    before = done(fleet, order, RESTATE)
    system(fleet, away).away.add(RESTATE[away])
    wish = CancelRequest(reason="one is enough", actor="buyer", units={"1": 1})
    assert (await handle.execute_update(OrderWorkflow.cancel, wish)).units == {"1": 1}
    await fleet.until(handle, lambda seen: seen.untold == (away,))
    fleet.channel.will_fail_for(order, "confirm", refused("tracking"))
    await fleet.wait_for(lambda: any(fleet.wms.unshipped(order)))
    for name, picks in list(fleet.wms.unshipped(order)):
        await fleet.wms.ship(name, picks)
    case = (await fleet.until_case(handle)).case
    assert case is not None
    assert case.kind is CaseKind.CHANNEL_DECLINED
    resolution = Resolution(case_id=case.case_id, action=Action.RETRY, actor="somebody")
    await handle.execute_update(OrderWorkflow.resolve, resolution)
    seen = await fleet.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert seen.untold == (away,)
    assert fleet.erp.counts[str(order.key), "post_invoice"] == 1
    await fleet.fast_forward(handle, TWO_DAYS)
    system(fleet, away).away.clear()
    ready = await fleet.until(handle, lambda seen: bool(seen.waiting_for and seen.waiting_for.startswith("settlement")))
    assert ready.untold == ()
    assert ready.expected is not None
    await fleet.pay(handle, order, ready.expected)
    assert (await handle.result()).state is OrderState.CLOSED
    assert done(fleet, order, RESTATE) == {name: number + 1 for name, number in before.items()}
    print(
        f"\n{away} away for 2 days: a part cancelled, the rest shipped, its case resolved, told once when it was back"
    )
