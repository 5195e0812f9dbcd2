"""Planted differences of every kind: each found, none invented; what is safe is repaired once, the rest is a case."""

from datetime import timedelta
from uuid import uuid4

import pytest

from activities.channel import ChannelAccount
from models.case import CaseKind, ExceptionCase
from models.catalogue import Component
from models.channel import Rejected, StockQuantity
from models.inventory import InventoryReport, Verdict
from models.ledger import StockLevel
from store import cases, channel_stock, inventory, stock
from tests.recorded import FOLDER, RECORDING, keep, recorded, replay
from tests.workflows.world import World, an_order, line
from workflows import policy
from workflows.inventory import InventoryReconciliation, ReconciliationRequest
from workflows.stock_sync import StockSync

NOTHING = timedelta(0)
DAY = timedelta(days=1)
HISTORY = FOLDER / "inventory" / "repaired.json"


def levels(**changes: int | None) -> tuple[StockLevel, ...]:
    """The 100 of each item that `World` has, with other numbers for some; None: the system does not know it."""
    places = {"MAT_FOAM": "BER-1", "BOTTLE_1L": "LEJ-2", "TENT": "BER-1", "LAMP": "BER-1", "NEW": "BER-1"}
    units: dict[str, int | None] = {"NEW": None} | dict.fromkeys(list(places)[:4], 100) | changes
    return tuple(
        StockLevel(node=places[name], item=name.replace("_", "-"), on_hand=count, free=count)
        for name, count in units.items()
        if count is not None
    )


async def reconcile(world: World, grace: timedelta = NOTHING, patience: timedelta = DAY) -> InventoryReport:
    """Until the channels that it tells again have been told: the next test's are told under the same id."""
    report = await world.client.execute_workflow(
        InventoryReconciliation.run,
        ReconciliationRequest(grace=grace, patience=patience),
        id=f"inventory/{uuid4()}",
        task_queue=policy.INVENTORY_QUEUE,
    )
    for channel, account in report.publish:
        await world.client.get_workflow_handle(f"stock-again/{channel}/{account}").result()
    return report


async def tell(world: World) -> None:
    await world.client.execute_workflow(
        StockSync.run,
        ChannelAccount(channel="shopify", account="main"),
        id=f"stock/{uuid4()}",
        task_queue=policy.channel_queue("shopify"),
    )


async def open_cases(world: World) -> list[ExceptionCase]:
    async with world.database.session() as session:
        return await cases.find(session, kind=CaseKind.INVENTORY_DIFFERS)


async def on_hand(world: World, item: str) -> int:
    async with world.database.session() as session:
        return next(level.on_hand for level in await stock.levels(session) if level.item == item)


@pytest.fixture
async def calm(world: World) -> World:
    """Everybody says the same, and the channel was told."""
    world.wms.stock = world.erp.stock = levels()
    await tell(world)
    return world


async def test_where_all_agree_nothing_is_found_repaired_or_asked(calm: World) -> None:
    report = await reconcile(calm, patience=NOTHING)
    assert (report.cells, report.agreed, report.listings, report.listings_agreed) == (4, 4, 3, 3)
    assert (report.mismatches, report.repaired, report.cases, report.publish) == ({}, 0, 0, ())
    assert str(report.accuracy) == "1.0000"
    assert calm.channel.count("set_stock") == 1


async def test_each_planted_difference_is_found_and_none_is_invented(calm: World) -> None:
    calm.wms.stock = levels(MAT_FOAM=97, BOTTLE_1L=None, NEW=6)
    calm.erp.stock = levels(MAT_FOAM=97, BOTTLE_1L=0, TENT=88, NEW=6)
    quantities = [StockQuantity(sku="MAT", quantity=99), StockQuantity(sku="SET", quantity=48)]
    refused = [Rejected(key="SET", code="unknown_sku", message="no such listing")]
    async with calm.database.session() as session:
        await channel_stock.told(session, "shopify", "main", quantities, refused)
        await channel_stock.told(session, "shopify", "main", [StockQuantity(sku="BOTTLE", quantity=1)], [])
    await calm.map_sku("TENT-ONLY", Component(item="TENT"))
    report = await reconcile(calm, grace=DAY)
    async with calm.database.session() as session:
        found = {(each.mismatch.subject, each.mismatch.verdict) for each in await inventory.standing(session)}
    assert found == {
        ("MAT-FOAM@BER-1", Verdict.STORE_DIFFERS),
        ("BOTTLE-1L@LEJ-2", Verdict.UNKNOWN_TO_WMS),
        ("NEW@BER-1", Verdict.UNKNOWN_TO_US),
        ("TENT@BER-1", Verdict.ERP_DIFFERS),
        ("shopify/main/MAT", Verdict.TOLD_TOO_MUCH),
        ("shopify/main/BOTTLE", Verdict.TOLD_TOO_LITTLE),
        ("shopify/main/SET", Verdict.CHANNEL_REFUSES),
        ("shopify/main/TENT-ONLY", Verdict.NEVER_TOLD),
    }
    assert (report.cells, report.agreed, str(report.accuracy)) == (5, 1, "0.2000")
    # Younger than the grace: shown, and nothing is done.
    assert (report.repaired, report.cases, report.publish) == (0, 0, ())


async def test_a_level_that_nobody_holds_is_taken_over_from_the_warehouse_once(calm: World) -> None:
    calm.wms.stock = calm.erp.stock = levels(MAT_FOAM=97)
    first, second = await reconcile(calm), await reconcile(calm)
    assert (first.repaired, second.repaired) == (1, 0)
    # The channel was told what followed from the old level.
    assert first.mismatches == {Verdict.STORE_DIFFERS: 1, Verdict.TOLD_TOO_MUCH: 1}
    assert first.publish == (("shopify", "main"),)
    assert await on_hand(calm, "MAT-FOAM") == 97
    async with calm.database.session() as session:
        [moved] = await inventory.corrections(session)
    assert (moved.item, moved.node, moved.before, moved.after) == ("MAT-FOAM", "BER-1", 100, 97)
    assert await open_cases(calm) == []


async def test_what_an_order_holds_is_not_touched_and_becomes_a_case_in_words(calm: World) -> None:
    calm.wms.manual = True
    await calm.start(an_order(line("1", "MAT", 1, "34.50")))
    await calm.wait_for(lambda: bool(calm.wms.releases))
    calm.wms.stock = calm.erp.stock = levels(MAT_FOAM=97)
    report = await reconcile(calm, patience=NOTHING)
    assert report.repaired == 0
    assert await on_hand(calm, "MAT-FOAM") == 100
    told = [case for case in await open_cases(calm) if case.order_key.external_id == "MAT-FOAM@BER-1"]
    assert [case.owner for case in told] == ["warehouse"]
    assert "store 100, wms 97, erp 97" in told[0].reason


async def test_books_that_differ_are_one_case_for_finance_until_they_agree(calm: World) -> None:
    calm.erp.stock = levels(TENT=88)
    await reconcile(calm)
    assert await open_cases(calm) == []  # Not old enough.
    await reconcile(calm, patience=NOTHING)
    [case] = await open_cases(calm)
    await reconcile(calm, patience=NOTHING)
    assert await open_cases(calm) == [case]
    assert (case.owner, case.allowed) == ("finance", ())
    assert "TENT@BER-1: erp differs by 12 (store 100, wms 100, erp 88), since " in case.reason
    assert await on_hand(calm, "TENT") == 100
    calm.erp.stock = levels()
    await reconcile(calm, patience=NOTHING)
    assert await open_cases(calm) == []


async def test_a_channel_that_may_sell_too_much_is_told_again(calm: World) -> None:
    async with calm.database.session() as session:
        await channel_stock.told(session, "shopify", "main", [StockQuantity(sku="MAT", quantity=500)], [])
    report = await reconcile(calm)
    assert report.publish == (("shopify", "main"),)
    [_, again] = [update for name, update in calm.channel.done if name == "set_stock"]
    assert {each.sku: each.quantity for each in again.quantities} == {"MAT": 98}
    assert (await reconcile(calm)).publish == ()


async def test_systems_that_cannot_say_are_left_out_and_it_is_said(calm: World) -> None:
    calm.wms.stock = calm.erp.stock = None
    report = await reconcile(calm, patience=NOTHING)
    assert (report.asked.wms, report.asked.erp) == (False, False)
    assert (report.cells, report.agreed, report.mismatches) == (4, 4, {})


async def test_a_difference_keeps_its_age_and_a_new_one_begins_anew(calm: World) -> None:
    calm.erp.stock = levels(TENT=88)
    await reconcile(calm)
    async with calm.database.session() as session:
        [first] = await inventory.standing(session)
    calm.erp.stock = levels(TENT=87, LAMP=1)
    await reconcile(calm)
    async with calm.database.session() as session:
        by_subject = {each.mismatch.subject: each for each in await inventory.standing(session)}
    tent, lamp = by_subject["TENT@BER-1"], by_subject["LAMP@BER-1"]
    assert tent.since == first.since < tent.unchanged_since == lamp.since


async def test_a_reconciliation_that_repairs_and_tells_a_channel_again_replays(calm: World) -> None:
    calm.wms.stock = calm.erp.stock = levels(MAT_FOAM=97)
    await reconcile(calm)
    if RECORDING:
        [run] = [each async for each in calm.client.list_workflows("WorkflowType = 'InventoryReconciliation'", limit=1)]
        await keep(calm.client.get_workflow_handle(run.id), HISTORY)
    await replay(recorded(HISTORY), [InventoryReconciliation])
