"""Who makes the first build current: nothing is dispatched to workers with a build before one is."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client

from models.messages import OrderState
from stack import prepare
from stack.build import VERSION
from stack.errors import RolloutRefused
from stack.rescue import RUNNING, pinned
from stack.rollout import Rollout, adopt, begin
from stack.temporal import LocalTemporal
from tests.versioning.fleet import NEW, OLD, Fleet, builds_in, contradictions, until
from tests.versioning.later import PatchedOrderWorkflow
from tests.workflows.world import an_order


async def test_the_first_build_becomes_current_before_it_has_workers_and_stays_so(client: Client) -> None:
    rollout = Rollout(client)
    address, namespace = client.service_client.config.target_host, client.namespace
    assert (await rollout.builds(), await rollout.current()) == ([], None)
    for build in (OLD, NEW):
        await begin(address, namespace, build)
        assert await rollout.current() == OLD
    (only,) = await rollout.builds()
    assert (only.build, only.status, only.percent) == (OLD, "current", None)
    assert only.since is not None


async def test_workers_without_a_build_need_no_current_one(client: Client) -> None:
    for alone in (False, True):
        await begin(client.service_client.config.target_host, client.namespace, "", alone=alone)
    assert await Rollout(client).builds() == []


async def test_a_deployment_is_prepared_for_the_build_it_names_or_for_this_version(
    client: Client, database_url: str
) -> None:
    needed = {
        "ORDERYARD_DATABASE_URL": database_url,
        "ORDERYARD_TEMPORAL_ADDRESS": client.service_client.config.target_host,
        "ORDERYARD_TEMPORAL_NAMESPACE": client.namespace,
    }
    await prepare.prepare(needed)
    assert await Rollout(client).current() == VERSION
    await prepare.prepare(needed | {"ORDERYARD_BUILD_ID": NEW})
    assert await Rollout(client).current() == VERSION


async def test_orders_that_began_on_workers_without_a_build_go_on_with_the_first_current_one(fleet: Fleet) -> None:
    world = fleet.world
    world.wms.manual = True
    handle = await world.start(an_order())
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    await world.wms.ship(next(iter(world.wms.releases)))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert await builds_in(handle) == ["", OLD]
    assert await contradictions(handle) == []


async def test_where_one_worker_runs_everything_goes_on_with_its_build(
    fleet: Fleet, temporal_server: LocalTemporal
) -> None:
    """As when the local stack is started again after an update."""
    world, namespace = fleet.world, fleet.world.client.namespace
    world.wms.manual = True
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    handle = await world.start(an_order())
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    await until(lambda: pinned(world.client, RUNNING), bool)
    await fleet.stop(OLD)

    await begin(temporal_server.address, namespace, NEW, alone=True)
    assert await fleet.rollout.current() == NEW
    moving = asyncio.create_task(adopt(temporal_server.address, namespace, NEW))
    await fleet.start(NEW, PatchedOrderWorkflow)
    assert await moving == 1

    await world.wms.ship(next(iter(world.wms.releases)))
    await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    assert await builds_in(handle) == [OLD, NEW]
    assert await contradictions(handle) == []
    assert await adopt(temporal_server.address, namespace, NEW) == 0


async def test_a_build_without_workers_is_refused_with_what_to_do(fleet: Fleet) -> None:
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    with pytest.raises(RolloutRefused, match=r"build '9\.9': .*not found.*Start its workers on every queue first"):
        await fleet.rollout.set_current("9.9")
    with pytest.raises(RolloutRefused, match=r"build '9\.9'"):
        await fleet.rollout.ramp("9.9", 10)
    assert await fleet.rollout.current() == OLD
