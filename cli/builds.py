"""What runs on which build, counted by Temporal."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Any

from temporalio.client import Client

from stack.rescue import RUNNING, on_build
from stack.rollout import Build, Rollout
from workflows import policy

ORDERS = f"{RUNNING} AND WorkflowType = 'OrderWorkflow'"
OTHERS = f"{RUNNING} AND WorkflowType != 'OrderWorkflow'"
STUMBLING = "TemporalReportedProblems IS NOT NULL"
"""Set by the server after five workflow tasks in a row went wrong, which takes about a minute."""
NO_BUILD = "TemporalWorkerDeploymentVersion IS NULL"
UNVERSIONED = Build("", "no build", None, None)


@dataclass(frozen=True)
class Load:
    """A build, and what it has to do now."""

    build: Build
    orders: int
    stumbling: int
    """Orders that its code cannot carry on."""
    others: int
    """Fulfilments of further nodes, polls, settlements, rereads, audits …"""
    workers: int

    def as_json(self) -> dict[str, Any]:
        counts = {"orders": self.orders, "stumbling": self.stumbling, "others": self.others, "workers": self.workers}
        return asdict(self.build) | counts


async def loads(client: Client) -> list[Load]:
    """Every build, the newest first; last, where there are any, the processes that no worker with a build has taken."""
    rollout = Rollout(client)
    builds, workers = await asyncio.gather(rollout.builds(), rollout.workers(policy.ORDERS_QUEUE))
    found = await asyncio.gather(*(_load(client, build, workers) for build in (*builds, UNVERSIONED)))
    without = found.pop()
    return [*found, without] if without.orders or without.others or without.workers else found


async def _load(client: Client, build: Build, workers: dict[str, int]) -> Load:
    where = on_build(build.build) if build.build else NO_BUILD
    questions = (f"{ORDERS} AND {where}", f"{ORDERS} AND {where} AND {STUMBLING}", f"{OTHERS} AND {where}")
    counts = await asyncio.gather(*(client.count_workflows(question) for question in questions))
    orders, stumbling, others = (each.count for each in counts)
    return Load(build, orders, stumbling, others, workers.get(build.build, 0))
