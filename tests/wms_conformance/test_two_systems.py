"""Orders over a real warehouse, and a real ERP beside it: two databases that agree until somebody miscounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client

from cli.erp import demo_goods
from connectors.erp.tryton.provider import TrytonErp
from connectors.ports import StockBook
from connectors.registry import SystemConnection
from connectors.wms.tryton.provider import TrytonWms
from models.case import CaseKind
from models.inventory import Verdict
from models.messages import OrderState
from models.order import Order
from store import stock
from store.database import Database
from store.stock import Level
from tests.erp_conformance.subjects.tryton import server as erp_server
from tests.wms_conformance.subjects import tryton as warehouse
from tests.wms_conformance.subjects.tryton import Keepers
from tests.workflows.acting import A_MOMENT, cancel, finish
from tests.workflows.test_inventory import open_cases, reconcile
from tests.workflows.test_order_rerouted import three_mats
from tests.workflows.world import Handle, World
from workflows import policy

pytestmark = [pytest.mark.erp, pytest.mark.timeout(600)]
NOTHING = timedelta(0)


@pytest.fixture
async def wms(keepers: Keepers) -> AsyncIterator[TrytonWms]:
    provider = TrytonWms(SystemConnection.model_validate(keepers.connection()))
    yield provider
    await provider.aclose()


@pytest.fixture
async def world(temporal_client: Client, database: Database, wms: TrytonWms) -> AsyncIterator[World]:
    """Orders whose goods leave a real warehouse; everything else is scripted."""
    async with running(World(temporal_client, database), wms=wms) as world:
        yield world


@asynccontextmanager
async def running(world: World, **systems: Any) -> AsyncIterator[World]:
    for name, system in systems.items():
        setattr(world, name, system)
    async with world:
        yield world


async def begun(world: World, keepers: Keepers, order: Order) -> Handle:
    """Its release is in the warehouse, to be picked."""
    handle = await world.start(order)
    await keepers.until_to_be_picked(f"{order.key}#BER-1")
    return handle


async def test_an_order_is_shipped_when_people_have_shipped_it_and_nobody_reported(
    world: World, keepers: Keepers
) -> None:
    order = three_mats()
    handle = await begun(world, keepers, order)
    name = f"{order.key}#BER-1"
    await keepers.note(name, "DHL: 00340434161094022115")
    await keepers.ship(name)
    assert not world.erp.count("post_shipment")
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.wait_for(lambda: world.erp.count("post_shipment") == 1)
    [parcel] = [posted for step, posted in world.erp.done if step == "post_shipment"]
    assert (parcel.carrier, parcel.tracking, parcel.units) == ("DHL", "00340434161094022115", {"1": 3})
    await world.pay(handle, order)
    assert (await world.end(handle)).state is OrderState.CLOSED


async def test_what_people_did_not_find_on_the_shelf_waits_for_stock_and_the_rest_is_shipped(
    world: World, keepers: Keepers
) -> None:
    order = three_mats()
    handle = await begun(world, keepers, order)
    await keepers.find_missing(f"{order.key}#BER-1", "MAT-FOAM", 2)
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    seen = await world.until(handle, lambda seen: "stock of 2 × MAT-FOAM" in (seen.waiting_for or ""))
    assert seen.quantities["1"].shipped == 1
    assert (await cancel(handle)).units == {"1": 2}
    assert (await finish(world, handle, order)).quantities["1"].cancelled == 2


async def test_a_cancellation_before_picking_stops_the_warehouse_and_after_it_is_too_late(
    world: World, keepers: Keepers
) -> None:
    early, late = three_mats(), three_mats()
    handle = await begun(world, keepers, early)
    assert (await cancel(handle)).units == {"1": 3}
    assert await keepers.releases(f"{early.key}#BER-1") == 0
    assert (await world.end(handle)).state is OrderState.CANCELLED
    handle = await begun(world, keepers, late)
    await keepers.ship(f"{late.key}#BER-1")
    outcome = await cancel(handle)
    assert (outcome.units, outcome.declined_units) == ({}, {"1": 3})
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    seen = await world.until(handle, lambda seen: seen.case is not None)
    assert seen.case is not None
    assert seen.case.kind is CaseKind.CANCEL_TOO_LATE, "the money that is not there is a question of the return"
    assert seen.quantities["1"].shipped == 3


async def test_warehouse_and_books_agree_after_an_order_and_a_miscount_is_named(
    temporal_client: Client, database: Database
) -> None:
    async with AsyncExitStack() as undo:
        keepers = await undo.enter_async_context(warehouse.server())
        wms = TrytonWms(SystemConnection.model_validate(keepers.connection()))
        undo.push_async_callback(wms.aclose)
        books = await undo.enter_async_context(erp_server())
        erp = TrytonErp(SystemConnection.model_validate(books.connection()))
        undo.push_async_callback(erp.aclose)
        world = await undo.enter_async_context(running(World(temporal_client, database), wms=wms, erp=erp))
        await stock_like(world, wms)
        assert isinstance(keepers, Keepers)
        order = three_mats()
        handle = await shipped(world, keepers, order)
        left = demo_goods().units - 3
        async with asyncio.timeout(60):
            while await mats_of(erp) != left:
                pass
        assert await mats_of(wms) == left
        report = await reconcile(world)
        assert (report.cells, report.agreed, report.repaired) == (report.cells, report.cells, 0)

        await keepers.miscount("MAT-FOAM", "BER-1", left - 7)
        report = await reconcile(world, patience=NOTHING)
        assert (report.cells - report.agreed, report.repaired) == (1, 1)
        assert (report.mismatches[Verdict.STORE_DIFFERS], report.mismatches[Verdict.ERP_DIFFERS]) == (1, 1)
        named = next(case.reason for case in await open_cases(world) if f"erp {left}" in case.reason)
        assert f"wms {left - 7}" in named
        assert "MAT-FOAM" in named
        assert "BER-1" in named
        await world.pay(handle, order)
        await world.end(handle)


async def shipped(world: World, keepers: Keepers, order: Order) -> Handle:
    handle = await begun(world, keepers, order)
    await keepers.ship(f"{order.key}#BER-1")
    await world.fast_forward(handle, policy.SILENT_NODE + A_MOMENT)
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    return handle


async def stock_like(world: World, wms: TrytonWms) -> None:
    """Our own numbers are the warehouse's, which has none of the goods that `World` sells besides."""
    told = [Level(item=each.item, node=each.node, on_hand=each.on_hand) for each in await wms.stock_levels() or ()]
    none = [Level(item=item, node="BER-1", on_hand=0) for item in ("TENT", "LAMP")]
    async with world.database.session() as session:
        await stock.set_levels(session, [*told, *none])


async def mats_of(system: StockBook) -> int:
    levels = await system.stock_levels() or ()
    return next(each.on_hand for each in levels if (each.item, each.node) == ("MAT-FOAM", "BER-1"))
