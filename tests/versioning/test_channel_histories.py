"""Processes that serve a channel change builds in the middle: their recorded histories must replay on today's code.

Record anew, with the change that explains why: `ORDERYARD_RECORD_HISTORIES=1 pytest tests/versioning`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHandle

from activities.channel import ChannelAccount, Reread
from models.audit import Finding, Verdict
from models.case import Action, CaseKind, Resolution
from models.order import OrderKey
from store import cases
from tests.capture.scene import payload
from tests.recorded import FOLDER, keep, recorded, replay
from tests.versioning.fleet import until
from tests.versioning.later import HastyChannelSync
from tests.workflows.test_replay import HISTORIES as OF_ORDERS
from tests.workflows.world import PATIENCE, World
from worker import CHANNEL_WORKFLOWS
from workflows import policy
from workflows.channel_audit import AuditRequest, ChannelAudit, DifferenceWorkflow
from workflows.channel_sync import ChannelSync, ReturnSync
from workflows.reread import RereadOrder
from workflows.settlement import LatePayments, SettlementSync
from workflows.stock_sync import StockSync

HISTORIES = FOLDER / "channels"
ACCOUNT = ChannelAccount(channel="shopify", account="main")
KEY = OrderKey(channel="shopify", account="main", external_id="6100000000001")

Begin = Callable[[World], Awaitable[WorkflowHandle[Any, Any]]]


async def begun(world: World, run: Any, argument: object) -> WorkflowHandle[Any, Any]:
    queue = policy.channel_queue("shopify")
    handle: WorkflowHandle[Any, Any] = await world.client.start_workflow(
        run, argument, id=f"channel/{uuid4()}", task_queue=queue
    )
    return handle


async def three_pages(world: World) -> WorkflowHandle[Any, Any]:
    for _ in range(3):
        world.channel.offer()
    return await begun(world, ChannelSync.run, ACCOUNT)


async def returns(world: World) -> WorkflowHandle[Any, Any]:
    return await begun(world, ReturnSync.run, ACCOUNT)


async def an_order_read_again(world: World) -> WorkflowHandle[Any, Any]:
    world.channel.orders[KEY.external_id] = payload(int(KEY.external_id))
    return await begun(world, RereadOrder.run, Reread(order_key=KEY, correlation_id=str(uuid4())))


async def settlements(world: World) -> WorkflowHandle[Any, Any]:
    return await begun(world, SettlementSync.run, ACCOUNT)


async def late_payments(world: World) -> WorkflowHandle[Any, Any]:
    return await begun(world, LatePayments.run, ACCOUNT)


async def stock_that_the_channel_takes_its_time_for(world: World) -> WorkflowHandle[Any, Any]:
    world.channel.takes_its_time = True
    return await begun(world, StockSync.run, ACCOUNT)


async def an_audit(world: World) -> WorkflowHandle[Any, Any]:
    world.channel.offer()
    return await begun(world, ChannelAudit.run, AuditRequest(account=ACCOUNT, hours=24))


async def a_difference_that_is_left_so(world: World) -> WorkflowHandle[Any, Any]:
    finding = Finding(order_key=KEY, verdict=Verdict.DIFFERS, subject="total", channel="2.00 EUR", ours="1.00 EUR")
    handle = await begun(world, DifferenceWorkflow.run, finding)

    async def open_cases() -> list[Any]:
        async with world.database.session() as session:
            return await cases.find(session, kind=CaseKind.CHANNEL_DIFFERS)

    (case,) = await until(open_cases, bool)
    await handle.execute_update("resolve", Resolution(case_id=case.case_id, action=Action.SKIP, actor="operator"))
    return handle


WALKS: dict[type, Begin] = {
    ChannelSync: three_pages,
    ReturnSync: returns,
    RereadOrder: an_order_read_again,
    SettlementSync: settlements,
    LatePayments: late_payments,
    StockSync: stock_that_the_channel_takes_its_time_for,
    ChannelAudit: an_audit,
    DifferenceWorkflow: a_difference_that_is_left_so,
}


def test_every_process_of_a_channel_has_a_recorded_history() -> None:
    assert set(CHANNEL_WORKFLOWS) == WALKS.keys()
    assert {path.stem for path in HISTORIES.glob("*.json")} == {kind.__name__ for kind in WALKS}


@pytest.mark.parametrize("kind", WALKS, ids=lambda kind: kind.__name__)
async def test_it_comes_to_its_end_and_its_recorded_history_replays(world: World, kind: type) -> None:
    handle = await WALKS[kind](world)
    async with asyncio.timeout(PATIENCE):
        await handle.result()
    path = HISTORIES / f"{kind.__name__}.json"
    await keep(handle, path)
    await replay(recorded(path), CHANNEL_WORKFLOWS)


async def test_a_change_that_would_break_a_walk_is_caught() -> None:
    with pytest.raises(workflow.NondeterminismError, match="TMPRL1100"):
        await replay(recorded(HISTORIES / "ChannelSync.json"), [HastyChannelSync])


def test_these_histories_are_not_taken_for_those_of_orders() -> None:
    assert not any(path.parent == HISTORIES for path in OF_ORDERS)
