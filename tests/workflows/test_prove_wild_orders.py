"""Acceptance: whatever is said to an order at whatever moment, what must hold holds (`make prove` says it to 1,000)."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import hypothesis
import pytest
from hypothesis.stateful import get_state_machine_test
from temporalio.client import Client

from store.database import Database
from tests.workflows.fleet import Fleet
from tests.workflows.wild_machine import WildMachine

STEPS = 12
TOGETHER = 8


def drive(world: Fleet, loop: asyncio.AbstractEventLoop, runs: int, seed: int) -> None:
    settings = hypothesis.settings(
        max_examples=runs,
        stateful_step_count=STEPS,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    factory: Any = partial(WildMachine, world, loop)  # All that is asked of it is to make a machine.
    test = get_state_machine_test(factory, settings=settings)
    hypothesis.seed(seed)(test)()


async def prove(client: Client, database: Database, runs: int, together: int) -> None:
    WildMachine.finished.clear()
    began = time.monotonic()
    async with Fleet(client, database) as world:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(together) as threads:
            driving = [
                loop.run_in_executor(threads, drive, world, loop, runs // together, seed) for seed in range(together)
            ]
            ended = await asyncio.gather(*driving, return_exceptions=True)
    failed = [each for each in ended if each is not None]
    told = dict(WildMachine.finished)
    print(f"\n{runs} orders, {told}, {len(failed)} failed, in {time.monotonic() - began:.0f} s")
    assert not failed, failed


@pytest.mark.timeout(400)
async def test_twenty_orders_that_are_told_anything_keep_what_must_hold(
    temporal_client: Client, database: Database
) -> None:
    await prove(temporal_client, database, runs=20, together=4)


@pytest.mark.prove
@pytest.mark.timeout(3600)
async def test_a_thousand_orders_that_are_told_anything_keep_what_must_hold(
    temporal_client: Client, database: Database
) -> None:
    await prove(temporal_client, database, runs=1000, together=TOGETHER)
