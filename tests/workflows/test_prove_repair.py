"""Acceptance: parked orders of five causes are repaired by query, go on where they stopped, and do no step twice."""

from __future__ import annotations

import asyncio
import time

import pytest
from temporalio.client import Client

from models.repair import Outcome
from store import cases
from store.database import Database
from tests.workflows.fleet import Fleet
from tests.workflows.parked_orders import CAUSES, Parked


async def prove(client: Client, database: Database, of_each: int) -> None:
    began = time.monotonic()
    async with Fleet(client, database) as world:
        world.wms.manual = False
        groups = [Parked(world, cause, of_each) for cause in CAUSES]
        await asyncio.gather(*(group.park() for group in groups))
        print(f"\n{of_each * len(groups)} orders parked by {len(groups)} causes")
        for group in groups:
            await group.put_the_cause_right()
            found, outcomes = await group.repair()
            print(f"  {group.cause.kind} at {group.cause.step}: dry run {found}, {group.cause.action}: {outcomes}")
            assert (found, outcomes) == (of_each, {Outcome.APPLIED: of_each})
        await asyncio.gather(*(group.go_to_their_end() for group in groups))
        begun = sum([await group.steps() for group in groups], start=type(await groups[0].steps())())
        twice = sum(group.done_twice for group in groups)
        async with database.session() as session:
            left = len(await cases.find(session))
        print(f"steps begun: {dict(begun)}")
        print(f"{twice} steps done twice, {left} cases left, all closed, in {time.monotonic() - began:.0f} s")
        assert (twice, left) == (0, 0)


async def test_ten_parked_orders_of_five_causes_are_repaired_by_query(
    temporal_client: Client, database: Database
) -> None:
    await prove(temporal_client, database, of_each=2)


@pytest.mark.prove
@pytest.mark.timeout(1800)
async def test_a_hundred_parked_orders_of_five_causes_are_repaired_by_query(
    temporal_client: Client, database: Database
) -> None:
    await prove(temporal_client, database, of_each=20)
