"""Refunds, returns and replacements replay: what just ran, and what was recorded before.

Record anew, with the change that explains why:
`ORDERYARD_RECORD_HISTORIES=1 pytest tests/workflows/test_return_replay.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from connectors.errors import Declined
from models.case import Action
from models.return_process import Exchange, Ruling, opened_by, opened_by_goods
from models.returns import ReturnProcessState
from tests.recorded import FOLDER, keep, recorded, replay
from tests.workflows.returns_world import (
    a_sale,
    asked,
    case_of,
    claim_of,
    parcel,
    reaches,
    resolve,
    return_case,
    shipped,
    start_refund,
    start_return,
)
from tests.workflows.world import World, refused
from workflows import policy
from workflows.refund import RefundWorkflow
from workflows.replacement import ReplacementWorkflow
from workflows.returns import ReturnWorkflow

HISTORIES = FOLDER / "returns"
WORKFLOWS = [RefundWorkflow, ReturnWorkflow, ReplacementWorkflow]
Told = list[WorkflowHandle[Any, Any]]


async def refund_with_a_case(world: World) -> Told:
    world.channel.will_fail("refund", refused("amount"))
    world.erp.will_fail("post_credit_note", refused("date"))
    handle = await start_refund(world, claim_of(await shipped(world, a_sale())))
    for _ in range(2):
        await resolve(handle, await case_of(handle), Action.RETRY)
    await handle.result()
    return [handle]


async def refund_given_up(world: World) -> Told:
    world.channel.will_fail("refund", refused("amount"))
    handle = await start_refund(world, claim_of(await shipped(world, a_sale())))
    await resolve(handle, await case_of(handle), Action.CANCEL)
    await handle.result()
    return [handle]


async def return_in_two_parcels(world: World) -> Told:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order, 2), "c"))
    for number in (1, 2):
        await handle.signal(ReturnWorkflow.goods_received, parcel(f"B{number}", MAT_FOAM__resell=1))
    done = await handle.result()
    paid = done.refunds[0].claim.request_id.removeprefix(f"{order.key}#")
    return [handle, world.client.get_workflow_handle(f"refund/{order.key}/{paid}")]


async def return_that_lapses(world: World) -> Told:
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order), "c"))
    await reaches(handle, ReturnProcessState.APPROVED)
    await world.fast_forward(handle, policy.GOODS_BACK + timedelta(minutes=1))
    await handle.result()
    return [handle]


async def review_that_expires(world: World) -> Told:
    handle = await start_return(world, opened_by(asked(await shipped(world, a_sale()), 4), "c"))
    await return_case(handle)
    await world.fast_forward(handle, policy.RETURN_DECISION + timedelta(minutes=1))
    await handle.result()
    return [handle]


async def blind_return(world: World) -> Told:
    order = await shipped(world, a_sale())
    came = parcel(MAT_FOAM__resell=1, BOTTLE_1L__scrap=1)
    file = opened_by_goods(came, f"RMA-{order.key.external_id}")
    handle = await start_return(world, file, ("goods_received", came))
    await return_case(handle)
    await handle.execute_update(ReturnWorkflow.decide, Ruling(accepted=True, actor="anna", order_key=order.key))
    await resolve(handle, await return_case(handle), Action.SKIP)
    await handle.result()
    return [handle]


async def exchange(world: World) -> Told:
    no = Declined("left to the channel", code="unsupported")
    world.channel.will_fail("decide_return", no, no)
    order = await shipped(world, a_sale())
    handle = await start_return(world, opened_by(asked(order), "c"))
    await reaches(handle, ReturnProcessState.APPROVED)
    await handle.execute_update(ReturnWorkflow.exchange, Exchange(actor="anna"))
    await handle.signal(ReturnWorkflow.goods_received, parcel(MAT_FOAM__resell=1))
    done = await handle.result()
    assert done.replacement is not None
    await world.client.get_workflow_handle(done.replacement.workflow_id).terminate()
    return [handle, world.client.get_workflow_handle(f"replacement/{order.key}/1")]


STORIES: dict[str, Callable[[World], Awaitable[Told]]] = {
    story.__name__: story
    for story in (
        refund_with_a_case,
        refund_given_up,
        return_in_two_parcels,
        return_that_lapses,
        review_that_expires,
        blind_return,
        exchange,
    )
}


@pytest.mark.parametrize("story", STORIES)
async def test_what_just_ran_replays(world: World, story: str) -> None:
    for number, handle in enumerate(await STORIES[story](world)):
        history = await handle.fetch_history()
        await replay(history, WORKFLOWS)
        await keep(handle, HISTORIES / f"{story}-{number}.json")


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
async def test_what_was_recorded_replays(path: Path) -> None:
    await replay(recorded(path), WORKFLOWS)


def test_every_story_is_recorded() -> None:
    assert {path.stem.rpartition("-")[0] for path in HISTORIES.glob("*.json")} == set(STORIES)
