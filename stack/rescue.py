"""Moves running processes from the build that they are pinned to onto another one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionOptionsRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.service import RPCError, RPCStatusCode

from stack.build import DEPLOYMENT
from stack.errors import RolloutRefused

AT_ONCE = 20
"""Moves under way: a rescue must not slow the orders that are well."""
FAMILIES = 50
"""Processes whose children are asked for in one question."""
RUNNING = "ExecutionStatus = 'Running'"
PINNED = f"{RUNNING} AND TemporalWorkflowVersioningBehavior = 'Pinned'"
_VERSION = SearchAttributeKey.for_keyword("TemporalWorkerDeploymentVersion")


@dataclass(frozen=True, order=True)
class Pinned:
    """A running process, and the build it is pinned to."""

    workflow_id: str
    build: str


@dataclass(frozen=True)
class Moved:
    moved: int
    ended: int
    """Those that came to their end before they could be moved."""


def of_workflows(workflow_ids: Iterable[str]) -> str:
    """The query that finds these processes and their children: an order, and the fulfilments of its further nodes."""
    quoted = ("'" + text.replace("\\", "\\\\").replace("'", "''") + "'" for text in workflow_ids)
    return f"RootWorkflowId IN ({', '.join(quoted)})"


def on_build(build: str) -> str:
    return f"TemporalWorkerDeploymentVersion = '{DEPLOYMENT}:{build}'"


async def pinned(client: Client, query: str) -> list[Pinned]:
    """What a query of Temporal's finds among the running pinned processes, and their children.

    What was moved or begun within the last second may not show yet.
    """
    found = set(await _listed(client, query))
    parents = sorted(each.workflow_id for each in found)
    for start in range(0, len(parents), FAMILIES):
        found.update(await _listed(client, of_workflows(parents[start : start + FAMILIES])))
    return sorted(found)


async def move(client: Client, processes: Sequence[Pinned], build: str) -> Moved:
    """Pin them to a build. Each goes on there from where it stands; what it has done is replayed, not done again.

    Raises `RolloutRefused` when the build has no workers on a queue that is needed; to do it again does no harm.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(process: Pinned) -> bool:
        async with gate:
            return await _moved(client, process.workflow_id, build)

    moved = sum(await asyncio.gather(*(one(process) for process in processes)))
    return Moved(moved=moved, ended=len(processes) - moved)


async def _listed(client: Client, query: str) -> list[Pinned]:
    return [
        Pinned(each.id, each.typed_search_attributes.get(_VERSION, "").removeprefix(f"{DEPLOYMENT}:"))
        async for each in client.list_workflows(f"{PINNED} AND ({query})")
    ]


async def _moved(client: Client, workflow_id: str, build: str) -> bool:
    """False when it has ended."""
    version = WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build)
    override = VersioningOverride.PinnedOverride(
        behavior=VersioningOverride.PINNED_OVERRIDE_BEHAVIOR_PINNED, version=version
    )
    request = UpdateWorkflowExecutionOptionsRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id),
        workflow_execution_options=WorkflowExecutionOptions(versioning_override=VersioningOverride(pinned=override)),
        update_mask=FieldMask(paths=["versioning_override"]),
        identity=client.identity,
    )
    try:
        await client.workflow_service.update_workflow_execution_options(request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        if error.status is RPCStatusCode.FAILED_PRECONDITION:
            raise RolloutRefused(
                f"{workflow_id}: {error.message}: start the workers of build {build!r} first"
            ) from None
        raise
    return True
