"""A whole order, and a return, over a warehouse that only people and Tryton work in: the watch hears of both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import Client, ScheduleHandle, ScheduleOverlapPolicy

from cli import schedules
from connectors.registry import Connections, SystemConnection
from connectors.wms import documents
from connectors.wms.tryton.provider import TrytonWms
from models.messages import OrderState
from models.order import Order
from models.return_process import ReturnFile, opened_by
from models.returns import ReturnProcessState
from models.systems import Condition
from sandbox.core import SandboxOptions
from sandbox.twins import Twins
from store import return_processes
from store.database import Database
from tests.capture.scene import event_of, keep, relaying, until, webhook
from tests.wms_conformance.subjects.tryton import Keepers
from tests.workflows.returns_world import a_sale, asked, reaches, shipped, start_return
from tests.workflows.test_order_rerouted import three_mats
from tests.workflows.world import World

pytestmark = [pytest.mark.erp, pytest.mark.timeout(600)]
LOOK_SECONDS = 10.0
"""Everything that follows from a look, as long as the machine is not overrun."""


@pytest.fixture
async def world(temporal_client: Client, database: Database, keepers: Keepers) -> AsyncIterator[World]:
    """Orders whose goods leave a real warehouse, and a relay; everything else is scripted."""
    async with AsyncExitStack() as undo:
        world = World(temporal_client, database)
        wms = TrytonWms(SystemConnection.model_validate(keepers.connection()))
        undo.push_async_callback(wms.aclose)
        world.wms = wms  # type: ignore[assignment]
        await undo.enter_async_context(world)
        await undo.enter_async_context(relaying(database, world.client))
        yield world


@pytest.fixture
async def watch(world: World, keepers: Keepers) -> AsyncIterator[ScheduleHandle]:
    """As `schedules apply` makes it; its first look is over."""
    twins = Twins(SandboxOptions())
    connections = Connections.model_validate({**twins.connections(), "wms": keepers.connection()})
    twins.sandbox.shelf.close()
    assert [each["schedule"] for each in await schedules.apply_warehouse(world.client, connections)] == ["warehouse"]
    handle = world.client.get_schedule_handle("warehouse")
    yield handle
    await handle.delete()


async def look(watch: ScheduleHandle) -> None:
    await watch.trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)


async def told_again(world: World, order: Order) -> None:
    """The same parcel, posted to the gateway by something beside Tryton."""
    [known] = await world.wms.shipments(f"{order.key}#BER-1", "c")
    report = documents.shipment_report(order.key.workflow_id, known)
    event = webhook(json.dumps(report).encode(), channel="wms", source="wms", topic="shipment")
    kept = await keep(world.database, event)
    ended = await until(lambda: event_of(world.database, kept), lambda seen: seen.status != "received")
    assert (ended.status, ended.outcome) == ("delivered", f"told {order.key.workflow_id}")


async def test_an_order_that_a_person_ships_in_tryton_is_shipped_within_seconds_of_the_next_look(
    world: World, keepers: Keepers, watch: ScheduleHandle
) -> None:
    order = three_mats()
    name = f"{order.key}#BER-1"
    handle = await world.start(order)
    await keepers.until_to_be_picked(name)
    await keepers.note(name, "DHL: 00340434161094022115")
    await keepers.ship(name)
    began = datetime.now(UTC)
    await look(watch)
    seen = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    took = datetime.now(UTC) - began
    print(f"\nshipped {took.total_seconds():.1f} s after the look began")
    assert took < timedelta(seconds=LOOK_SECONDS)
    [parcel] = seen.shipments
    assert (parcel.carrier, parcel.tracking, parcel.units) == ("DHL", "00340434161094022115", {"1": 3})
    await told_again(world, order)
    await look(watch)
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED
    assert world.erp.count("post_shipment") == world.erp.count("post_invoice") == 1


async def test_a_return_that_people_take_in_in_tryton_ends_the_waiting_for_it(
    world: World, keepers: Keepers, watch: ScheduleHandle
) -> None:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, rma="RMA-1001"), "c"))
    await reaches(handle, ReturnProcessState.APPROVED)
    number = await keepers.take_back("RMA-1001", ("MAT-FOAM", 1, "shelf"))
    began = datetime.now(UTC)
    await look(watch)
    file = await handle.result()
    took = datetime.now(UTC) - began
    print(f"\nreturned, credited and paid back {took.total_seconds():.1f} s after the look began")
    assert took < timedelta(seconds=LOOK_SECONDS)
    assert file.state is ReturnProcessState.CLOSED
    [parcel] = file.parcels
    assert (parcel.units, parcel.receipt.node) == ({"1": 1}, "BER-1")
    assert parcel.receipt.receipt_id.endswith(number)
    assert [item.condition for item in parcel.receipt.items] == [Condition.RESELL]
    assert world.erp.count("receive_return") == world.erp.count("post_credit_note") == 1


async def test_goods_with_nothing_written_on_them_are_a_blind_return_that_waits_for_a_person(
    world: World, keepers: Keepers, watch: ScheduleHandle
) -> None:
    number = await keepers.take_back("", ("MAT-FOAM", 1, "waste"))
    await look(watch)

    async def blind() -> list[ReturnFile]:
        async with world.database.session() as session:
            return await return_processes.find(session, state=ReturnProcessState.REVIEW)

    reviewed = await until(blind, lambda files: any(file.return_id == number for file in files))
    [file] = [each for each in reviewed if each.return_id == number]
    assert (file.channel, file.account, file.order_key) == ("blind", "BER-1", None)
    assert [item.condition for receipt in file.waiting for item in receipt.items] == [Condition.SCRAP]
    for each in reviewed:
        # The one that another test had announced is blind to this test's database, too.
        await world.client.get_workflow_handle(each.workflow_id).terminate()
