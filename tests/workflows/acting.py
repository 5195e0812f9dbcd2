"""What people say to a running order, for the tests: cancel, change, hold, decide."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateHandle, WorkflowUpdateStage

from models.case import Action, Amendment, CaseKind, ExceptionCase, Resolution
from models.fulfilment import PickLine
from models.messages import (
    CancelOutcome,
    CancelRequest,
    ChangeRequest,
    ChannelUpdate,
    HoldRequest,
    OrderSnapshot,
    OrderState,
)
from models.order import Order
from tests.workflows.world import PURCHASED, Handle, World
from workflows.order import OrderWorkflow

A_MOMENT = timedelta(minutes=1)


def now() -> datetime:
    return datetime.now(UTC)


def mats(units: int) -> PickLine:
    return PickLine(line_id="1", item="MAT-FOAM", quantity=units)


def wish(units: Mapping[str, int]) -> CancelRequest:
    named = {name.removeprefix("l"): count for name, count in units.items()}
    return CancelRequest(reason="no longer wanted", actor="operator", units=named)


async def cancel(handle: Handle, **units: int) -> CancelOutcome:
    """`cancel(handle, l1=2)` gives up two units of line 1; without units, all that has not left."""
    return await handle.execute_update(OrderWorkflow.cancel, wish(units))


async def begin_cancel(handle: Handle, **units: int) -> WorkflowUpdateHandle[CancelOutcome]:
    """Returns as soon as the workflow has the request; `result()` waits for its decision."""
    return await handle.start_update(OrderWorkflow.cancel, wish(units), wait_for_stage=WorkflowUpdateStage.ACCEPTED)


async def change(handle: Handle, **what: Any) -> None:
    await handle.execute_update(OrderWorkflow.change, ChangeRequest(actor="operator", reason="as asked", **what))


async def refusal(handle: Handle, **what: Any) -> str:
    """Why a change is refused."""
    try:
        await change(handle, **what)
    except WorkflowUpdateFailedError as error:
        return str(error.cause)
    raise AssertionError(f"{what} was not refused")


async def hold(handle: Handle, **more: Any) -> None:
    await handle.execute_update(OrderWorkflow.hold, HoldRequest(reason="ask the buyer", actor="operator", **more))


async def case_of(world: World, handle: Handle, kind: CaseKind) -> ExceptionCase:
    seen = await world.until(handle, lambda seen: any(case.kind is kind for case in seen.cases))
    return next(case for case in seen.cases if case.kind is kind)


async def decide(
    world: World, handle: Handle, kind: CaseKind, action: Action, amendment: Amendment | None = None
) -> ExceptionCase:
    case = await case_of(world, handle, kind)
    resolution = Resolution(case_id=case.case_id, action=action, actor="test", amendment=amendment or Amendment())
    await handle.execute_update(OrderWorkflow.resolve, resolution)
    return case


async def tell(handle: Handle, order: Order, hours: int = 1, **changes: Any) -> Order:
    """The channel has a newer version, so many hours after the purchase."""
    newer = order.model_copy(update={"version": PURCHASED + timedelta(hours=hours), **changes})
    await handle.signal(OrderWorkflow.channel_changed, ChannelUpdate(order=newer))
    return newer


async def held(world: World, order: Order) -> Handle:
    """An order that is reserved and posted, and that an operator keeps from being released."""
    gate = world.fraud.hold("assess")
    handle = await world.start(order)
    await world.wait_for(lambda: "assess" in world.fraud.entered)
    await hold(handle)
    gate.set()
    await case_of(world, handle, CaseKind.OPERATOR_HOLD)
    return handle


async def released(world: World, order: Order) -> Handle:
    """An order whose warehouses have it, and ship nothing by themselves."""
    world.wms.manual = True
    handle = await world.start(order)
    await world.until(handle, lambda seen: seen.state is OrderState.RELEASED)
    await world.wait_for(lambda: bool(world.wms.releases))
    return handle


async def finish(world: World, handle: Handle, order: Order) -> OrderSnapshot:
    """Everything has left and is paid as it stands."""
    seen = await world.until(handle, lambda seen: seen.state is OrderState.SHIPPED)
    await world.pay(handle, order, seen.expected)
    ended = await world.end(handle)
    assert ended.state is OrderState.CLOSED
    assert ended.untold == ()
    return ended
