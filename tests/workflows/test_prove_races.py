"""Acceptance: a cancellation raced against each step leaves no effect after it and no reservation behind."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest
from temporalio.client import Client

from store.database import Database
from tests.workflows.fleet import Fleet
from tests.workflows.race import STEPS, Race

TOGETHER = 25


async def prove(client: Client, database: Database, times: int) -> None:
    began, ended = time.monotonic(), Counter[str]()
    async with Fleet(client, database) as world:
        turn = asyncio.Semaphore(TOGETHER)

        async def one(step: str, number: int) -> None:
            async with turn:
                race = Race(world, step, number)
                wild = await race.run()
                ended[f"{step}: {wild.final_state}"] += 1

        await asyncio.gather(*(one(step, number) for number in range(times) for step in STEPS))
    races = sum(ended.values())
    print(
        f"\n{races} races against {len(STEPS)} steps in {time.monotonic() - began:.0f} s: 0 effects after, 0 reserved"
    )
    for what, number in sorted(ended.items()):
        print(f"  {what} {number}")
    assert races == times * len(STEPS)


@pytest.mark.timeout(400)
async def test_a_cancellation_raced_twice_against_each_step_leaves_nothing(
    temporal_client: Client, database: Database
) -> None:
    await prove(temporal_client, database, times=2)


@pytest.mark.prove
@pytest.mark.timeout(3600)
async def test_a_cancellation_raced_25_times_against_each_step_leaves_nothing(
    temporal_client: Client, database: Database
) -> None:
    await prove(temporal_client, database, times=25)
