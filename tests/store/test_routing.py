"""Nodes and rules are kept, and each version stays what it was."""

from datetime import timedelta

import pytest

from models.nodes import Node
from models.routing import DEFAULT_RULES, Criterion, RoutingRules
from store import routing
from store.database import Database
from tests.store.examples import NOON

NEAR = RoutingRules(name="near", criteria=(Criterion.NEAREST,), in_force_from=NOON)
CHEAP = RoutingRules(name="cheap", criteria=(Criterion.COST,), in_force_from=NOON + timedelta(days=1))


async def apply(database: Database, rules: RoutingRules) -> tuple[RoutingRules, bool]:
    async with database.session() as session:
        return await routing.put_rules(session, rules, "kim")


async def label_at(database: Database, days: float) -> str:
    async with database.session() as session:
        return (await routing.rules_at(session, NOON + timedelta(days=days))).label


async def test_rules_are_in_force_from_their_time_until_the_next_version(database: Database) -> None:
    assert await label_at(database, 0) == DEFAULT_RULES.label == "fewest-parcels-0"
    assert [(await apply(database, rules))[0].version for rules in (NEAR, CHEAP)] == [1, 2]
    assert [await label_at(database, days) for days in (-0.1, 0, 0.9, 1, 99)] == [
        "fewest-parcels-0",
        "near-1",
        "near-1",
        "cheap-2",
        "cheap-2",
    ]
    async with database.session() as session:
        assert [(row.version, row.applied_by) for row in await routing.versions(session)] == [(2, "kim"), (1, "kim")]


async def test_the_same_rules_again_are_no_new_version(database: Database) -> None:
    first, added = await apply(database, NEAR)
    assert added
    assert await apply(database, NEAR) == (first, False)
    assert await apply(database, NEAR.model_copy(update={"in_force_from": None})) == (first, False)
    later = NEAR.model_copy(update={"in_force_from": NOON + timedelta(hours=1)})
    assert (await apply(database, later))[0].version == 2


async def test_rules_that_an_earlier_version_would_replace_are_refused(database: Database) -> None:
    await apply(database, CHEAP)
    with pytest.raises(ValueError, match=r"2026-11-20 12:00 UTC is before that of version 1, 2026-11-21 12:00 UTC"):
        await apply(database, NEAR)


async def test_a_node_is_changed_by_its_name_and_others_stay(database: Database) -> None:
    async with database.session() as session:
        await routing.put_nodes(session, [Node(name="B"), Node(name="A", capacity=3)])
        await routing.put_nodes(session, [Node(name="A", capacity=4)])
        await routing.put_nodes(session, [])
    async with database.session() as session:
        assert await routing.nodes(session) == [Node(name="A", capacity=4), Node(name="B")]
