"""A life of thousands of events: the workflow continues as new again and again, and loses nothing of what is open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from models.case import Action, CaseKind
from models.deadline import DeadlineKind
from models.fulfilment import PickLine
from models.messages import OrderSnapshot, OrderState
from models.order import ChannelState, Order
from models.terms import SalesTerms
from stack.temporal import NAMESPACE, LocalTemporal, ensure_namespace, find_temporal
from store import cases
from store.database import Database
from tests.conftest import run_in_own_loop
from tests.workflows.acting import A_MOMENT, cancel, case_of, decide, finish, held, mats, released, tell
from tests.workflows.conftest import KEPT, record
from tests.workflows.world import Handle, World, an_order, eur, line, refused
from workflows import policy

EVENTS_OF_A_RUN = 200
EVENTS_OF_A_LIFE = 2_000


@pytest.fixture(scope="module")
def restless_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTemporal]:
    """A server that asks for a new run after a few events, and not only after thousands."""
    home = tmp_path_factory.mktemp("restless")
    program = run_in_own_loop(find_temporal(home / "bin"))
    settings = {"limit.historyCount.suggestContinueAsNew": str(EVENTS_OF_A_RUN)}
    with LocalTemporal(
        home, program=program, in_memory=True, time_skipping=True, usual_ports=False, settings=settings
    ) as server:
        run_in_own_loop(ensure_namespace(server.address))
        yield server


@pytest.fixture
async def world(
    restless_server: LocalTemporal, database: Database, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    client = await Client.connect(restless_server.address, namespace=NAMESPACE, data_converter=pydantic_data_converter)
    async with World(client, database) as world:
        yield world
        if request.node.originalname in KEPT:
            await record(world, request.node.name)


class Chatter:
    """A channel that goes on telling of newer versions of an order in which nothing has changed."""

    def __init__(self, world: World, handle: Handle, order: Order) -> None:
        self._world, self._handle, self._order = world, handle, order
        self._told = 0

    async def until_renewed(self, times: int = 1) -> None:
        """Talk until the order has continued as new so many times."""
        first = await self._run_id()
        seen = {first}
        while len(seen) <= times:
            for _ in range(20):
                self._told += 1
                newer = self._order.version + timedelta(hours=self._told)
                await tell(self._handle, self._order, version=newer)
            seen.add(await self._run_id())

    async def _run_id(self) -> str:
        return (await self._handle.describe()).run_id

    async def lengths(self) -> list[int]:
        """Events of every run of the order, the first run last."""
        query = f"WorkflowId = '{self._handle.id}'"
        return [run.history_length async for run in self._world.client.list_workflows(query)]


def later(order: Order) -> Order:
    """The order in a version that is newer than all that was told before."""
    return order.model_copy(update={"version": order.version + timedelta(hours=20_000)})


def deadline(seen: OrderSnapshot, kind: DeadlineKind) -> object:
    return next(each.due for each in seen.deadlines if each.kind is kind)


async def test_an_order_lives_through_two_thousand_events_and_loses_nothing(world: World) -> None:
    world.channel.will_fail("confirm", *(refused("carrier") for _ in range(50)))
    order = an_order(line("1", "MAT", 3, "30.00"), line("2", "BOTTLE", 2, "9.00"))
    handle = await released(world, order)
    await world.wait_for(lambda: len(world.wms.releases) == 2)
    await world.wms.ship(f"{order.key}#BER-1", (mats(1),))
    await world.pay(handle, order, eur("50.00"), "S1")
    before = await world.until(handle, lambda seen: bool(seen.cases) and not seen.untold)

    chatter = Chatter(world, handle, order)
    await chatter.until_renewed(times=EVENTS_OF_A_LIFE // EVENTS_OF_A_RUN)
    after = await world.until(handle, lambda seen: bool(seen.cases))

    lengths = await chatter.lengths()
    assert len(lengths) > EVENTS_OF_A_LIFE // EVENTS_OF_A_RUN
    assert sum(lengths) >= EVENTS_OF_A_LIFE
    assert [case.case_id for case in after.cases] == [case.case_id for case in before.cases]
    assert after.quantities == before.quantities
    assert after.received == eur("50.00")
    assert deadline(after, DeadlineKind.SHIP_BY) == deadline(before, DeadlineKind.SHIP_BY)
    assert deadline(after, DeadlineKind.CONFIRM_BY) == deadline(before, DeadlineKind.CONFIRM_BY)

    await decide(world, handle, CaseKind.CHANNEL_DECLINED, Action.SKIP)
    assert (await cancel(handle, l1=1)).units == {"1": 1}
    again = f"{order.key}#BER-1.2"
    await world.wait_for(lambda: again in world.wms.releases)
    world.channel.forget_trouble("confirm")
    await world.wms.ship(again)
    await world.wms.ship(f"{order.key}#LEJ-2")
    seen = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert seen.expected == eur("78.00")
    await world.pay(handle, order, eur("28.00"), "S2")
    ended = await world.end(handle)
    assert (ended.state, ended.cases, len(ended.shipments)) == (OrderState.CLOSED, (), 3)
    assert (world.erp.count("create_order"), world.fraud.count("assess")) == (1, 1)
    assert sorted(world.wms.releases) == sorted([f"{order.key}#BER-1", again, f"{order.key}#LEJ-2"])


async def test_a_deadline_that_has_acted_keeps_its_case_and_acts_no_second_time(world: World) -> None:
    order = an_order()
    handle = await released(world, order)
    await world.fast_forward(handle, policy.SHIP_BY_DEFAULT + policy.SILENT_NODE + A_MOMENT)
    late = await case_of(world, handle, CaseKind.NOT_SHIPPED_IN_TIME)
    await Chatter(world, handle, order).until_renewed(times=2)
    assert (await case_of(world, handle, CaseKind.NOT_SHIPPED_IN_TIME)).case_id == late.case_id
    await decide(world, handle, CaseKind.NOT_SHIPPED_IN_TIME, Action.RETRY)
    await world.until(handle, lambda seen: not seen.cases)
    await Chatter(world, handle, later(order)).until_renewed()
    assert (await world.until(handle, lambda seen: True)).cases == ()
    await world.wms.ship(f"{order.key}#BER-1")
    await finish(world, handle, order)


async def test_a_deadline_that_was_running_is_due_when_it_was_due_before(world: World) -> None:
    world.sells_on(SalesTerms(promise=timedelta(days=2)))
    order = an_order(line("1", "MAT", 101, "1.00"))
    handle = await world.start(order)
    before = await world.until(handle, lambda seen: seen.state is OrderState.BACK_ORDERED)
    await world.fast_forward(handle, timedelta(days=1))
    await Chatter(world, handle, order).until_renewed()
    after = await world.until(handle, lambda seen: bool(seen.deadlines))
    assert deadline(after, DeadlineKind.BACK_ORDER) == deadline(before, DeadlineKind.BACK_ORDER)
    await world.fast_forward(handle, timedelta(days=1) + A_MOMENT)
    await decide(world, handle, CaseKind.OUT_OF_STOCK, Action.CANCEL)
    assert (await world.end(handle)).state is OrderState.CANCELLED


async def test_a_hold_and_its_case_go_on_in_the_next_run(world: World) -> None:
    order = an_order()
    handle = await held(world, order)
    before = await case_of(world, handle, CaseKind.OPERATOR_HOLD)
    await Chatter(world, handle, order).until_renewed()
    assert await case_of(world, handle, CaseKind.OPERATOR_HOLD) == before
    await decide(world, handle, CaseKind.OPERATOR_HOLD, Action.SKIP)
    await finish(world, handle, order)
    assert world.fraud.count("assess") == world.erp.count("create_order") == 1


async def test_a_parcel_whose_steps_are_half_done_is_not_handled_twice(world: World) -> None:
    world.erp.will_fail("post_invoice", refused("units"))
    order = an_order(line("1", "SET", 1, "99.00"))
    handle = await released(world, order)
    name = f"{order.key}#BER-1"
    tent, lamps = (
        PickLine(line_id="1", item="TENT", quantity=1),
        PickLine(line_id="1", item="LAMP", per_unit=2, quantity=2),
    )
    await world.wms.ship(name, (tent,))
    await world.until(handle, lambda seen: len(seen.shipments) == 1)
    await Chatter(world, handle, order).until_renewed()
    await world.wms.ship(name, (lamps,))
    await case_of(world, handle, CaseKind.ERP_DECLINED)
    await world.until(handle, lambda seen: world.channel.count("confirm") == 1)
    await Chatter(world, handle, later(order)).until_renewed()
    ended = await finish(world, handle, order)
    assert world.channel.count("confirm") == world.erp.count("post_invoice") == 1
    assert [parcel.units for parcel in ended.shipments] == [{}, {"1": 1}]
    assert (await world.free("TENT"), await world.free("LAMP")) == (99, 98)


async def test_an_unpaid_order_and_an_overdue_settlement_wait_no_longer_than_they_should(world: World) -> None:
    order = an_order(state=ChannelState.PENDING)
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.ON_HOLD)
    await world.fast_forward(handle, policy.PAYMENT_WINDOW - A_MOMENT)
    chatter = Chatter(world, handle, order)
    await chatter.until_renewed()
    await world.fast_forward(handle, 2 * A_MOMENT)
    await decide(world, handle, CaseKind.PAYMENT_OVERDUE, Action.RETRY)
    await tell(handle, order, hours=9_999, state=ChannelState.OPEN)
    await world.until(
        handle, lambda seen: seen.state is OrderState.SHIPPED and "settlement" in (seen.waiting_for or "")
    )
    await world.fast_forward(handle, policy.SETTLEMENT_WINDOW + A_MOMENT)
    overdue = await case_of(world, handle, CaseKind.SETTLEMENT_OVERDUE)
    paid = later(order).model_copy(update={"state": ChannelState.OPEN})
    await Chatter(world, handle, paid).until_renewed()
    assert (await case_of(world, handle, CaseKind.SETTLEMENT_OVERDUE)).case_id == overdue.case_id
    await decide(world, handle, CaseKind.SETTLEMENT_OVERDUE, Action.SKIP)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_a_case_whose_call_goes_well_in_the_next_run_is_over(world: World) -> None:
    world.channel.will_fail("confirm", refused("carrier"))
    order = an_order()
    handle = await world.start(order)
    case = await case_of(world, handle, CaseKind.CHANNEL_DECLINED)
    await Chatter(world, handle, order).until_renewed()
    await world.until(handle, lambda seen: not seen.cases)
    async with world.database.session() as session:
        kept = await cases.get(session, case.case_id)
    assert kept is not None
    assert kept.resolution is not None
    assert (kept.resolution.actor, kept.resolution.note) == ("orderyard", "done meanwhile")
    await finish(world, handle, order)
    assert world.channel.count("confirm") == 1


async def test_a_decision_that_comes_as_the_next_run_begins_is_not_lost(world: World) -> None:
    order = an_order(cancel_requested="ordered twice")
    handle = await world.start(order)
    await case_of(world, handle, CaseKind.CANCEL_REQUESTED)
    await Chatter(world, handle, order).until_renewed()
    await decide(world, handle, CaseKind.CANCEL_REQUESTED, Action.SKIP)
    await finish(world, handle, order)
    assert world.channel.count("cancel") == 0
