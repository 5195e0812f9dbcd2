"""`starter.py versions` as an operator uses it for a roll-out, a ramp, a roll-back and a rescue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.messages import OrderState
from models.order import Order
from stack.temporal import LocalTemporal
from tests.cli.command import Ended, Shell, shell
from tests.versioning.fleet import NEW, OLD, Fleet, build_of, builds_in, doubled, until
from tests.versioning.later import CarelessOrderWorkflow
from tests.workflows.world import Handle, World, an_order
from workflows.order import OrderWorkflow


class Operator:
    """Runs commands in another process while the world's workers go on in this one."""

    def __init__(self, commands: Shell) -> None:
        self._commands = commands

    async def run(self, *arguments: str) -> Ended:
        return await asyncio.to_thread(self._commands.run, "versions", *arguments)

    async def builds(self) -> dict[str, dict[str, Any]]:
        done = await self.run("--json")
        assert (done.code, done.err) == (0, "")
        return {each["build"]: each for each in done.json()}


@pytest.fixture
async def operator(world: World, database_url: str, temporal_server: LocalTemporal) -> AsyncIterator[Operator]:
    settings = {
        "ORDERYARD_DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal_server.address,
        "TEMPORAL_NAMESPACE": world.client.namespace,
    }
    with shell(**settings) as commands:
        yield Operator(commands)


async def test_a_roll_out_is_seen_ramped_taken_back_and_finished(fleet: Fleet, operator: Operator) -> None:
    world = fleet.world
    world.wms.manual = True
    await fleet.start(OLD)
    assert "1.0 is current" in (await operator.run("set-current", OLD)).out
    await begun(world)
    await until(operator.builds, lambda seen: seen[OLD]["orders"] == 1)

    await fleet.start(NEW)
    assert (await operator.run("ramp", NEW, "25")).out == "25 % of new orders begin on 2.0\n"
    seen = await operator.builds()
    assert (seen[OLD]["status"], seen[NEW]["status"], seen[NEW]["percent"]) == ("current", "ramping", 25.0)
    assert "ramping 25 %" in (await operator.run()).out
    mistaken = await operator.run("ramp", OLD, "0")
    assert (mistaken.code, "'1.0' does not ramp, but '2.0' does" in mistaken.err) == (1, True)
    for _ in range(2):
        assert "no ramp" in (await operator.run("ramp", NEW, "0")).out
    assert (await operator.builds())[NEW]["status"] in ("draining", "drained")

    assert "2.0 is current" in (await operator.run("set-current", NEW)).out
    await begun(world)
    seen = await until(operator.builds, lambda seen: seen[NEW]["orders"] == 1)
    assert (seen[OLD]["status"], seen[OLD]["orders"], seen[OLD]["stumbling"]) == ("draining", 1, 0)
    assert (seen[NEW]["status"], seen[NEW]["since"] is not None, seen[NEW]["workers"]) == ("current", True, 1)


async def test_a_rescue_says_first_how_many_it_would_move(fleet: Fleet, operator: Operator) -> None:
    world = fleet.world
    world.wms.manual = True
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    (first, order), (second, _) = await begun(world), await begun(world)
    await fleet.start(NEW)
    await fleet.rollout.set_current(NEW)
    await fleet.stop(OLD)
    await until(operator.builds, lambda seen: seen[OLD]["orders"] == 2)

    checked = await operator.run("check", str(order.key))
    assert (checked.code, checked.out) == (0, "1 running processes replayed, 0 would break\n")
    by_query = await operator.run("rescue", "--query", "OrderState = 'released'", "--dry-run")
    assert by_query.out.splitlines()[0] == "2 to be moved to 2.0: 2 from 1.0"
    unasked = await operator.run("rescue", str(order.key))
    assert (unasked.code, "Move them?" in unasked.out, await build_of(first)) == (1, True, OLD)
    moved = await operator.run("rescue", str(order.key), "--yes")
    assert "moved 1 to 2.0; 0 had ended before" in moved.out

    for fulfilment_id in list(world.wms.releases):
        await world.wms.ship(fulfilment_id)
    await world.until(first, lambda seen: seen.state is OrderState.SHIPPED)
    assert (await builds_in(first), await builds_in(second)) == ([OLD, NEW], [OLD])
    assert doubled(world) == {}


async def test_a_check_that_finds_a_contradiction_says_which_order_and_fails(fleet: Fleet, operator: Operator) -> None:
    """Here the installation is the older one: it cannot take over what a later build has begun."""
    world = fleet.world
    world.wms.manual = True
    await fleet.start(NEW, CarelessOrderWorkflow)
    await fleet.rollout.set_current(NEW)
    handle, _ = await begun(world)
    checked = await until(lambda: operator.run("check"), lambda done: not done.out.startswith("0 "))
    assert checked.code == 1
    assert checked.out.startswith("1 running processes replayed, 1 would break\n")
    assert handle.id in checked.out


async def test_what_cannot_be_meant_is_refused_with_a_remedy(fleet: Fleet, operator: Operator) -> None:
    await fleet.start(OLD)
    await fleet.rollout.set_current(OLD)
    cases = [
        (("set-current", "9.9"), 1, "build '9.9'"),
        (("ramp", "9.9", "10"), 1, "Start its workers on every queue first"),
        (("ramp", OLD, "101"), 2, "less than or equal to 100"),
        (("rescue",), 2, "name orders by their keys, or by --query"),
        (("rescue", "1"), 2, "write channel/account/external-id"),
        (("rescue", "--query", "Colour = 'red'"), 2, "--query: "),
        (("rescue", "shopify/main/1", "--to", "9.9"), 1, "no worker of build '9.9'"),
    ]
    for arguments, code, told in cases:
        done = await operator.run(*arguments)
        assert (arguments, done.code) == (arguments, code)
        assert told in done.err


async def begun(world: World) -> tuple[Handle, Order]:
    order = an_order()
    await world.start(order)
    handle = world.client.get_workflow_handle_for(OrderWorkflow.run, order.key.workflow_id)
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    await until(lambda: build_of(handle), bool)
    return handle, order
