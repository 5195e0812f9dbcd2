"""Tax codes are part of the catalogue, and a corrected one lets the orders go on that wait for it."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from models.catalogue import Component, ListingMap
from store import cases, catalogue, tax_codes
from store.database import Database
from store.tables import OutboxMessage
from tests.store.examples import NOON, a_listing
from tests.store.test_cases import a_case


async def codes(database: Database, *skus: str) -> dict[str, str]:
    async with database.session() as session:
        return await tax_codes.of_skus(session, "amazon", "EU", skus, NOON)


async def put(database: Database, item: str, code: str) -> tax_codes.CodeSet:
    async with database.session() as session:
        return await tax_codes.put(session, item, code, "ada")


async def test_a_sku_has_the_code_of_its_item_unless_it_has_its_own(database: Database) -> None:
    async with database.session() as session:
        await catalogue.put_listing(session, a_listing("TENT", "TENT-4P"))
    assert await codes(database, "TENT", "UNMAPPED") == {}
    await put(database, "TENT-4P", "P0000000")
    assert await codes(database, "TENT", "UNMAPPED") == {"TENT": "P0000000"}
    await put(database, "TENT", "PC040100")
    assert await codes(database, "TENT") == {"TENT": "PC040100"}


async def test_a_bundle_is_taxed_as_the_item_that_carries_most_of_its_price(database: Database) -> None:
    parts = (Component(item="LAMP", share=Decimal(1)), Component(item="TENT-4P", share=Decimal(7)))
    listing = ListingMap(channel="amazon", account="EU", sku="SET", valid_from=NOON, components=parts)
    async with database.session() as session:
        await catalogue.put_listing(session, listing)
    await put(database, "LAMP", "PC040100")
    assert await codes(database, "SET") == {}
    await put(database, "TENT-4P", "PF050001")
    assert await codes(database, "SET") == {"SET": "PF050001"}


async def test_a_corrected_code_tells_the_orders_that_wait_for_it_in_the_same_transaction(database: Database) -> None:
    assert (await put(database, "TENT-4P", "P9")).previous is None
    async with database.session() as session:
        for number, subject in enumerate(("tax_code:P9", "tax_code:P8", "sku:TENT"), start=1):
            await cases.upsert(session, a_case(f"C-{number}", workflow_id=f"order/{number}", subject=subject))
    done = await put(database, "TENT-4P", "P0000000")
    assert (done.previous, done.told) == ("P9", 1)
    # LAMP had no code: which default was declined is the engine's secret, so every tax case is tried.
    assert (await put(database, "LAMP", "PC040100")).told == 2
    async with database.session() as session:
        told = [(row.workflow_id, row.message) for row in await session.scalars(select(OutboxMessage))]
    assert sorted(told) == [("order/1", "cause_gone"), ("order/1", "cause_gone"), ("order/2", "cause_gone")]
