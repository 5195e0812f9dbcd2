"""What an operator wishes of a running order: to be cancelled, held or changed. The order's process decides."""

from __future__ import annotations

from typing import Any

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from cli.deployment import Deployment
from cli.output import fail
from models.base import Model
from models.messages import CancelOutcome, CancelRequest, CancelStatus, ChangeRequest, HoldRequest
from models.order import OrderKey
from workflows.order import OrderWorkflow

EXIT_CODES = {CancelStatus.CONFIRMED: 0, CancelStatus.DECLINED: 1}
IN_DOUBT = 3
"""Exit code while nobody can say yet whether it is cancelled."""


async def cancel(deployment: Deployment, key: OrderKey, request: CancelRequest) -> CancelOutcome:
    outcome: CancelOutcome = await _send(deployment, key, OrderWorkflow.cancel, request, "not cancelled")
    return outcome


async def hold(deployment: Deployment, key: OrderKey, request: HoldRequest) -> None:
    await _send(deployment, key, OrderWorkflow.hold, request, "not held")


async def change(deployment: Deployment, key: OrderKey, request: ChangeRequest) -> None:
    await _send(deployment, key, OrderWorkflow.change, request, "not changed")


async def _send(deployment: Deployment, key: OrderKey, update: Any, request: Model, refused: str) -> Any:
    client = await deployment.temporal()
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle_for(OrderWorkflow.run, key.workflow_id)
    try:
        return await handle.execute_update(update, request)
    except WorkflowUpdateFailedError as error:
        fail(f"{refused}: {error.cause}")
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            fail(f"no running order {key}: it has ended, or it was never captured; `order show {key}` says which")
        raise


def exit_code(outcome: CancelOutcome) -> int:
    return EXIT_CODES.get(outcome.status, IN_DOUBT)


def in_words(key: OrderKey, outcome: CancelOutcome) -> list[str]:
    """What became of a wish to cancel, a line each."""
    said = {CancelStatus.CONFIRMED: "cancelled", CancelStatus.DECLINED: "declined", CancelStatus.IN_DOUBT: "in doubt"}
    lines = [f"{said.get(outcome.status, outcome.status)}: {outcome.reason}"]
    if outcome.units:
        lines.append(f"cancelled units: {_units(outcome.units)}")
    if outcome.declined_units:
        lines.append(f"too late for: {_units(outcome.declined_units)}")
    if outcome.return_offered:
        lines.append(f"the buyer is offered a return: `returns request {key} --line LINE=UNITS` opens one")
    if outcome.status is CancelStatus.IN_DOUBT:
        lines.append(f"`order show {key}` says what came of it")
    return lines


def _units(units: dict[str, int]) -> str:
    return ", ".join(f"{count} of line {line_id}" for line_id, count in units.items())
