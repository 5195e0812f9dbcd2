"""The gate before a rescue: recorded and running orders tell whether a build may take them over."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio import workflow

from cli.replays import REPLAYED, replayed
from stack.rescue import RUNNING
from tests.recorded import recorded, replay, workflow_type
from tests.versioning.fleet import OLD, Fleet, until
from tests.versioning.later import CarelessOrderWorkflow, PatchedOrderWorkflow
from tests.workflows.test_replay import HISTORIES
from tests.workflows.world import an_order
from workflows.order import OrderWorkflow

OF_ORDERS = [path for path in HISTORIES if workflow_type(path) == "OrderWorkflow"]


@pytest.mark.parametrize("path", OF_ORDERS, ids=lambda path: path.stem)
async def test_a_change_behind_patched_replays_every_recorded_order(path: Path) -> None:
    await replay(recorded(path), [PatchedOrderWorkflow])


@pytest.mark.parametrize("path", OF_ORDERS, ids=lambda path: path.stem)
async def test_the_same_change_without_patched_is_caught_by_every_recorded_order(path: Path) -> None:
    with pytest.raises(workflow.NondeterminismError, match="TMPRL1100"):
        await replay(recorded(path), [CarelessOrderWorkflow])


async def test_running_orders_tell_before_a_rescue_which_of_them_it_would_break(fleet: Fleet) -> None:
    world = fleet.world
    world.wms.manual = True
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    handle = await world.start(an_order())
    await world.until(handle, lambda seen: seen.state == "released")
    client = world.client
    await until(lambda: replayed(client, RUNNING), lambda found: found.count == 1)
    for code, broken in ((OrderWorkflow, False), (PatchedOrderWorkflow, False), (CarelessOrderWorkflow, True)):
        found = await replayed(client, RUNNING, [code])
        assert (found.count, bool(found.broken)) == (1, broken)
    assert found.broken.keys() == {handle.id}
    assert "TMPRL1100" in found.broken[handle.id]
    assert OrderWorkflow in REPLAYED
