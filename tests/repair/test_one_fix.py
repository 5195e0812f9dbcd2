"""One fix releases every order that waits for it."""

from __future__ import annotations

from temporalio.client import Client

from capture.deliveries import Deliveries
from capture.relay import Relay
from connectors.providers import FORMATS
from store import causes, tax_codes
from store.database import Database
from tests.repair.scene import Scene


def relay(client: Client, database: Database) -> Relay:
    return Relay(database, client, Deliveries(client, FORMATS))


async def test_a_corrected_tax_code_releases_every_order_that_waits_for_it(scene: Scene) -> None:
    wrong = await scene.park("tax", 25, field="tax_code:P999")
    other = await scene.park("tax", 1, field="tax_code:P998")
    await scene.until_open(26)
    async with scene.database.session() as session:
        await tax_codes.put(session, "TENT-4P", "P999", "ada")
    scene.agree(wrong)
    async with scene.database.session() as session:
        assert (await tax_codes.put(session, "TENT-4P", "P0000000", "ada")).told == 25
    while await relay(scene.client, scene.database).deliver_due():
        pass
    assert await scene.results(wrong) == ["done"] * 25
    assert [str(case.order_key) for case in await scene.until_open(1)] == other


async def test_a_connection_that_works_again_releases_its_orders(scene: Scene) -> None:
    keys = await scene.park("confirm", 5, field="connection:amazon/EU")
    await scene.until_open(5)
    scene.agree(keys)
    async with scene.database.session() as session:
        assert await causes.gone(session, "connection:amazon/EU", "the credential was renewed") == 5
    while await relay(scene.client, scene.database).deliver_due():
        pass
    assert await scene.results(keys) == ["done"] * 5
