"""Statements, prices, ages and corrections of the inventory reconciliation, in a real database."""

from datetime import UTC, datetime, timedelta

import pytest

from models.catalogue import Component, ListingMap
from models.channel import Rejected, StockQuantity
from models.inventory import OF_LISTINGS, OF_PLACES, Asked, Cell, Mismatch, of_cell
from models.ledger import StockLevel
from models.money import Money
from store import catalogue, channel_stock, inventory, inventory_cases, stock
from store.database import Database

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def says(item: str, node: str, on_hand: int) -> StockLevel:
    return StockLevel(item=item, node=node, on_hand=on_hand, free=on_hand)


def differs(erp: int) -> Mismatch:
    [found] = of_cell(Cell(item="TENT", node="BER-1", store=5, wms=5, erp=erp), Asked(wms=True, erp=True), None)
    return found


async def map_sku(database: Database, sku: str, floor: str | None, *components: Component) -> None:
    listing = ListingMap(
        channel="shopify",
        account="*",
        sku=sku,
        valid_from=NOW - 24 * HOUR,
        components=components,
        floor=Money.of(floor, "EUR") if floor else None,
    )
    async with database.session() as session:
        await catalogue.put_listing(session, listing)


async def test_a_place_that_anybody_knows_is_a_cell_and_a_new_statement_replaces_the_old_one(
    database: Database,
) -> None:
    async with database.session() as session:
        await stock.set_level(session, "TENT", "BER-1", 5)
        await inventory.state(session, "wms", [says("OLD", "BER-1", 1)])
        await inventory.state(session, "wms", [says("TENT", "BER-1", 2), says("TENT", "BER-1", 3)])
        await inventory.state(session, "erp", [says("BOOK", "LEJ-2", 9)])
    async with database.session() as session:
        assert await inventory.cells(session) == [
            Cell(item="BOOK", node="LEJ-2", erp=9),
            Cell(item="TENT", node="BER-1", store=5, wms=5),
        ]


async def test_a_large_statement_is_kept_whole(database: Database) -> None:
    async with database.session() as session:
        await inventory.state(session, "wms", [says(f"I-{n}", "BER-1", n) for n in range(2 * inventory.BATCH + 1)])
    async with database.session() as session:
        assert len(await inventory.cells(session)) == 2 * inventory.BATCH + 1


async def test_an_item_is_worth_the_lowest_floor_of_what_is_that_item_alone(database: Database) -> None:
    await map_sku(database, "TENT-A", "199.00", Component(item="TENT"))
    await map_sku(database, "TENT-B", "189.00", Component(item="TENT"))
    await map_sku(database, "SOCKS-3", "9.00", Component(item="SOCK", quantity=3))
    await map_sku(database, "SET", "99.00", Component(item="MAT"), Component(item="LAMP"))
    await map_sku(database, "LAMP", None, Component(item="LAMP"))
    async with database.session() as session:
        assert await inventory.prices(session) == {"TENT": Money.of("189.00", "EUR")}


async def test_a_mismatch_keeps_its_age_while_it_stands_and_loses_it_when_it_is_over(database: Database) -> None:
    times = [NOW + HOUR * n for n in range(4)]
    async with database.session() as session:
        await inventory.keep(session, [differs(9)], times[0], OF_PLACES)
        [same] = await inventory.keep(session, [differs(9)], times[1], OF_PLACES)
        [other] = await inventory.keep(session, [differs(8)], times[2], OF_PLACES)
        assert [each.unchanged_since for each in await inventory.standing(session)] == [times[2]]
        await inventory.keep(session, [], times[3], OF_LISTINGS)
        assert len(await inventory.standing(session)) == 1
        await inventory.keep(session, [], times[3], OF_PLACES)
        assert await inventory.standing(session) == []
        [anew] = await inventory.keep(session, [differs(8)], times[3], OF_PLACES)
    assert (same.since, same.unchanged_since) == (times[0], times[0])
    assert (other.since, other.unchanged_since) == (times[0], times[2])
    assert anew.since == times[3]


@pytest.mark.parametrize("changed", [6, 4])
async def test_a_level_that_has_changed_since_the_comparison_is_not_taken_over(
    database: Database, changed: int
) -> None:
    compared = Cell(item="TENT", node="BER-1", store=5, wms=3)
    async with database.session() as session:
        await stock.set_level(session, "TENT", "BER-1", changed)
        assert not await inventory.take_over(session, compared, NOW)
        assert await inventory.corrections(session) == []
        [level] = await stock.levels(session)
    assert level.on_hand == changed


async def test_taken_over_twice_it_is_recorded_once(database: Database) -> None:
    compared = Cell(item="TENT", node="BER-1", store=5, wms=3)
    async with database.session() as session:
        await stock.set_level(session, "TENT", "BER-1", 5)
        assert await inventory.take_over(session, compared, NOW)
        assert not await inventory.take_over(session, compared, NOW)
        [moved] = await inventory.corrections(session)
    assert (moved.before, moved.after, moved.corrected_at) == (5, 3, NOW)


async def test_a_mismatch_that_comes_back_is_another_case(database: Database) -> None:
    async with database.session() as session:
        first = await inventory.keep(session, [differs(9)], NOW, OF_PLACES)
        assert await inventory_cases.sync(session, first) == 1
        assert await inventory_cases.sync(session, first) == 1
        await inventory.keep(session, [], NOW + HOUR, OF_PLACES)
        assert await inventory_cases.sync(session, []) == 0
        again = await inventory.keep(session, [differs(9)], NOW + 2 * HOUR, OF_PLACES)
        assert await inventory_cases.sync(session, again) == 1


async def test_what_a_channel_was_told_stands_beside_what_it_would_be_told(database: Database) -> None:
    await map_sku(database, "TENT-A", "199.00", Component(item="TENT"))
    await map_sku(database, "TENT-2", None, Component(item="TENT", quantity=2))
    async with database.session() as session:
        await stock.set_level(session, "TENT", "BER-1", 9)
        refused = [Rejected(key="TENT-A", code="unknown_sku", message="no such listing")]
        await channel_stock.told(session, "shopify", "main", [StockQuantity(sku="TENT-A", quantity=7)], refused)
        two, one = await channel_stock.compared(session, "shopify", "main", 2)
    assert (two.sku, two.told, two.sellable, two.floor) == ("TENT-2", None, 2, None)
    assert (one.sku, one.told, one.sellable, one.floor) == ("TENT-A", 7, 7, Money.of("199.00", "EUR"))
    assert one.problem == "unknown_sku: no such listing"
