"""Decisions that were made before routing rules are read after them, and the other way round."""

import asyncio
import json
from typing import Any

import psycopg
from alembic import command

from models.fulfilment import Allocation, PickLine
from store import reservations
from store.database import Database
from store.migrate import configuration, upgrade
from tests.store.examples import a_key, a_pick, a_request
from tests.store.test_migrations import empty_url as empty_url
from tests.store.test_stock import supply

PICKS = [
    {"line_id": "L1", "item": "TENT", "per_unit": 1, "quantity": 2},
    {"line_id": "L1", "item": "PEG", "per_unit": 8, "quantity": 16},
]
FORMER = {
    "order_key": a_key().model_dump(),
    "nodes": [{"node": "A", "units": {"L1": 2}, "picks": PICKS}],
    "short": {},
    "rule": "whole-order-then-line-v1",
    "reason": "A has everything",
}


def bodies(url: str) -> list[tuple[str, Any]]:
    with psycopg.connect(url) as connection:
        return list(connection.execute("SELECT order_key, body FROM allocation ORDER BY order_key"))


async def test_a_decision_of_old_is_read_and_a_new_one_goes_back_as_an_old_one(empty_url: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(empty_url), "0002")
    with psycopg.connect(empty_url) as connection:
        connection.execute("INSERT INTO stock (item, node, on_hand, reserved) VALUES ('TENT', 'A', 2, 2)")
        connection.execute(
            "INSERT INTO reservation (order_key, item, node, quantity) VALUES (%s, 'TENT', 'A', 2)", [str(a_key())]
        )
        connection.execute(
            "INSERT INTO allocation (order_key, body) VALUES (%s, %s)", [str(a_key()), json.dumps(FORMER)]
        )
    await upgrade(empty_url)
    database = Database(empty_url)
    async with database.session() as session:
        read = await reservations.allocation(session, a_key(), 1)
        assert read is not None
        assert (read.decision, read.short, read.rule) == (1, (), "whole-order-then-line-v1")
        assert [plan.picks for plan in read.nodes] == [tuple(PickLine.model_validate(each) for each in PICKS)]
        assert await reservations.give_back(session, a_key()) == 2
    await supply(database, MAT_A=9, TENT_A=1)
    async with database.session() as session:
        asked = a_request(a_pick("MAT", 6, "L2", 3), a_pick("TENT", 2, "L1"), number=2, partial=True)
        assert (await reservations.reserve(session, asked)).short == (a_pick("TENT", 1, "L1"),)
    async with database.session() as session:
        await reservations.reserve(session, a_request(a_pick("NONE"), number=2, decision=2))
    await database.aclose()
    await asyncio.to_thread(command.downgrade, configuration(empty_url), "0002")
    [(key, body)] = bodies(empty_url)
    assert (key, body["short"], body["nodes"][0]["units"]) == (str(a_key(2)), {}, {"L1": 1, "L2": 2})
    await upgrade(empty_url)
    assert Allocation.model_validate(bodies(empty_url)[0][1]).decision == 1
