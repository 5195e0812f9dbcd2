"""Which build of our workers is current, which is tried out on a share of new orders, and which still have orders.

Temporal calls a build a *worker deployment version*. New processes begin on the current build, or, by chance, on the
ramping one; see docs/versioning.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.deployment.v1 import WorkerDeploymentInfo, WorkerDeploymentVersion
from temporalio.api.enums.v1 import RoutingConfigUpdateState, TaskQueueType, WorkerDeploymentVersionStatus
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    DescribeWorkerDeploymentVersionRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from tenacity import AsyncRetrying, RetryError, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from stack import rescue
from stack.build import DEPLOYMENT
from stack.errors import RolloutRefused

SPREAD_SECONDS = 30.0
"""How long a change may take to reach every task queue."""
REFUSALS = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT)

Summary = WorkerDeploymentInfo.WorkerDeploymentVersionSummary


@dataclass(frozen=True)
class Build:
    build: str
    status: str
    """`current`, `ramping`, `draining` (it goes on with the orders it has), `drained`, or `inactive` (never used)."""
    percent: float | None
    """Share of new orders, while it ramps."""
    since: datetime | None
    """Since when the status holds, where the server says so."""


class Rollout:
    def __init__(self, client: Client) -> None:
        self._client = client
        self._service = client.workflow_service

    async def builds(self) -> list[Build]:
        """Every build that the server knows, the newest first. One that is drained and has no workers is forgotten."""
        info = await self._described()
        if info is None:
            return []
        newest_first = sorted(info.version_summaries, key=lambda each: each.create_time.ToNanoseconds(), reverse=True)
        return [_build(each, info.routing_config.ramping_version_percentage) for each in newest_first]

    async def current(self) -> str | None:
        """None where no build is: then only workers without a build id get work."""
        info = await self._described()
        return (info and info.routing_config.current_deployment_version.build_id) or None

    async def workers(self, queue: str) -> dict[str, int]:
        """Build -> worker processes that asked for workflow tasks of a queue within the last five minutes."""
        answer = await self._service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
        seen = {(poller.deployment_options.build_id, poller.identity) for poller in answer.pollers}
        builds = [build for build, _ in seen]
        return {build: builds.count(build) for build in builds}

    async def queues(self, build: str) -> set[tuple[str, str]]:
        """Where the server has heard of workers of a build: task queue, and `workflow` or `activity`."""
        request = DescribeWorkerDeploymentVersionRequest(
            namespace=self._client.namespace,
            deployment_version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build),
        )
        try:
            answer = await self._service.describe_worker_deployment_version(request, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return set()
            raise
        return {(queue.name, _kind(queue.type)) for queue in answer.version_task_queues}

    async def set_current(self, build: str, *, before_its_workers: bool = False) -> None:
        """New orders begin on this build, and so does the next step of every process that is not pinned to one.

        `before_its_workers` lets it happen although none of them has asked for work yet. Raises `RolloutRefused`.
        """
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=self._client.namespace,
            deployment_name=DEPLOYMENT,
            build_id=build,
            identity=self._client.identity,
            allow_no_pollers=before_its_workers,
            ignore_missing_task_queues=before_its_workers,
        )
        with _refusals(build):
            await self._service.set_worker_deployment_current_version(request)
        await self._spread()

    async def ramp(self, build: str, percent: float) -> None:
        """So many of a hundred new orders begin on this build; 0 ends its ramp. Raises `RolloutRefused`."""
        ramping = await self._ramping()
        if not percent and ramping != build:
            if ramping:
                raise RolloutRefused(
                    f"build {build!r} does not ramp, but {ramping!r} does: end that ramp, if you mean it"
                )
            return
        request = SetWorkerDeploymentRampingVersionRequest(
            namespace=self._client.namespace,
            deployment_name=DEPLOYMENT,
            build_id=build if percent else "",
            percentage=percent,
            identity=self._client.identity,
        )
        with _refusals(build):
            await self._service.set_worker_deployment_ramping_version(request)
        await self._spread()

    async def elect_first(self, build: str) -> None:
        """Make the build current where none is, because nothing would be dispatched to its workers."""
        if build and not await self.current():
            await self.set_current(build, before_its_workers=True)

    async def _ramping(self) -> str:
        info = await self._described()
        return info.routing_config.ramping_deployment_version.build_id if info else ""

    async def _described(self) -> WorkerDeploymentInfo | None:
        request = DescribeWorkerDeploymentRequest(namespace=self._client.namespace, deployment_name=DEPLOYMENT)
        try:
            return (await self._service.describe_worker_deployment(request, retry=True)).worker_deployment_info
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _spread(self) -> None:
        """Wait until every task queue has heard of the change. Raises `RolloutRefused` when that takes too long."""

        async def under_way() -> bool:
            info = await self._described()
            state = info and info.routing_config_update_state
            return state == RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS

        patience = AsyncRetrying(
            retry=retry_if_result(bool), stop=stop_after_delay(SPREAD_SECONDS), wait=wait_fixed(0.1)
        )
        try:
            await patience(under_way)
        except RetryError:
            raise RolloutRefused(
                "decided, but not every task queue has heard of it yet: look again in a minute"
            ) from None


async def begin(address: str, namespace: str, build: str, *, alone: bool = False) -> None:
    """Make sure that workers of this build, once they start, get work.

    `alone` says that no others will run there. Elsewhere a build that is current stays so.
    """
    rollout = Rollout(await Client.connect(address, namespace=namespace))
    if not alone:
        await rollout.elect_first(build)
    elif build != (await rollout.current() or ""):
        await rollout.set_current(build, before_its_workers=True)


async def adopt(address: str, namespace: str, build: str) -> int:
    """Move what is pinned to other builds to this one, the only one that has workers; how many processes that were.

    Waits until its workers, which have just been started, are known.
    """
    client = await Client.connect(address, namespace=namespace)
    left = [each for each in await rescue.pinned(client, rescue.RUNNING) if each.build != build]
    patience = AsyncRetrying(
        retry=retry_if_exception_type(RolloutRefused),
        stop=stop_after_delay(SPREAD_SECONDS),
        wait=wait_fixed(0.2),
        reraise=True,
    )
    return (await patience(rescue.move, client, left, build)).moved


def _kind(queue_type: TaskQueueType.ValueType) -> str:
    return TaskQueueType.Name(queue_type).removeprefix("TASK_QUEUE_TYPE_").lower()


def _build(summary: Summary, ramp_percent: float) -> Build:
    name = WorkerDeploymentVersionStatus.Name(summary.status)
    status = name.removeprefix("WORKER_DEPLOYMENT_VERSION_STATUS_").lower()
    since = {
        "current": summary.current_since_time,
        "ramping": summary.ramping_since_time,
        "draining": summary.last_deactivation_time,
        "drained": summary.drainage_info.last_changed_time,
    }
    return Build(
        build=summary.deployment_version.build_id,
        status=status,
        percent=ramp_percent if status == "ramping" else None,
        since=_moment(since[status]) if status in since else None,
    )


def _moment(stamp: Timestamp) -> datetime | None:
    return stamp.ToDatetime(UTC) if stamp.ByteSize() else None


@contextmanager
def _refusals(build: str) -> Iterator[None]:
    try:
        yield
    except RPCError as error:
        if error.status not in REFUSALS:
            raise
        raise RolloutRefused(
            f"build {build!r}: {error.message}. Start its workers on every queue first"
            f" (ORDERYARD_BUILD_ID={build}), and see `versions` for the builds that there are"
        ) from None
