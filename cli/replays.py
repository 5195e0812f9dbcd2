"""The replay gate on what really runs: would the code of this installation break an order that is under way?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Replayer

from stack.rescue import RUNNING
from workflows.follow_up import FollowUpWorkflow
from workflows.order import OrderWorkflow
from workflows.refund import RefundWorkflow
from workflows.replacement import ReplacementWorkflow
from workflows.returns import ReturnWorkflow

REPLAYED: Sequence[type] = (OrderWorkflow, FollowUpWorkflow, RefundWorkflow, ReturnWorkflow, ReplacementWorkflow)


@dataclass(frozen=True)
class Replays:
    count: int
    broken: dict[str, str]
    """Workflow id -> how its history contradicts the code."""


async def replayed(client: Client, query: str, workflows: Sequence[type] = REPLAYED) -> Replays:
    """Replays the histories of the running orders that a query of Temporal's finds; changes nothing."""
    # The SDK writes its own warnings to standard output, where they would stand in the middle of our JSON.
    quiet = Runtime(telemetry=TelemetryConfig(logging=None))
    replayer = Replayer(workflows=workflows, data_converter=pydantic_data_converter, runtime=quiet)
    types = ", ".join(f"'{each.__name__}'" for each in REPLAYED)
    found = client.list_workflows(f"{RUNNING} AND WorkflowType IN ({types}) AND ({query})")
    count, broken = 0, {}
    async with replayer.workflow_replay_iterator(found.map_histories()) as results:
        async for result in results:
            count += 1
            if result.replay_failure:
                broken[result.history.workflow_id] = str(result.replay_failure)
    return Replays(count=count, broken=broken)
