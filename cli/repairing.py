"""What the commands of `repair` do: plan, start, watch and stop."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from cli.deployment import Deployment
from cli.output import fail
from models.case import Action, Amendment, ExceptionCase
from models.case_query import CaseQuery
from models.order import Address
from models.repair import Outcome, Repair, RepairItem, RepairRun, StopRepair, obstacle
from store import case_search, orders, repairs
from store.database import Database
from workflows import policy
from workflows.repair import RepairWorkflow


@dataclass(frozen=True)
class Wish:
    """What an operator typed."""

    query: str
    action: Action | None
    amendment: Amendment
    note: str
    actor: str
    pace: int


@dataclass(frozen=True)
class DryRun:
    cases: list[ExceptionCase]
    action: Action | None
    against: dict[str, str]
    """Case id -> why the action is not possible."""
    repair: Repair | None
    """The plan that is kept; None when no action was given, or no reason, or nobody's name."""

    @property
    def possible(self) -> int:
        return len(self.cases) - len(self.against)

    def counts(self, name: str) -> list[tuple[str, int]]:
        read: dict[str, Callable[[ExceptionCase], str]] = {
            "case": lambda case: case.kind.value,
            "channel": lambda case: case.order_key.channel,
            "step": lambda case: case.step,
            "owner": lambda case: case.owner,
        }
        return Counter(read[name](case) for case in self.cases).most_common()

    def obstacles(self) -> list[tuple[str, int]]:
        return Counter(self.against.values()).most_common()

    def as_json(self) -> dict[str, Any]:
        return {
            "count": len(self.cases),
            **{f"by_{name}": dict(self.counts(name)) for name in ("case", "channel", "step", "owner")},
            "action": self.action,
            "possible": self.possible if self.action else None,
            "not_possible": dict(self.obstacles()),
            "repair_id": self.repair.repair_id if self.repair else None,
            "cases": [case.model_dump(mode="json") for case in self.cases],
        }


async def dry_run(deployment: Deployment, query: CaseQuery, wish: Wish) -> DryRun:
    """Find the cases, and keep them as a plan when it is said what to do, why, and by whom."""
    async with deployment.database() as database:
        return await planned(database, query, wish)


async def planned(database: Database, query: CaseQuery, wish: Wish) -> DryRun:
    async with database.session() as session:
        found = await case_search.matching(session, query)
        against: dict[str, str] = {}
        for case in found if wish.action else ():
            row = await orders.get(session, case.order_key) if wish.amendment.sku else None
            assert wish.action is not None
            if why := obstacle(case, wish.action, wish.amendment, row.order() if row else None):
                against[case.case_id] = why
        repair = _repair(wish)
        if repair:
            await repairs.plan(session, repair, _items(found, against))
    return DryRun(found, wish.action, against, repair)


async def applied(deployment: Deployment, repair_id: str, *, wait: bool) -> tuple[Repair, dict[str, int]]:
    async with deployment.database() as database:
        await start(database, await deployment.temporal(), repair_id, wait=wait)
        async with database.session() as session:
            repair = await repairs.get(session, repair_id)
            assert repair is not None
            return repair, await repairs.outcomes(session, repair_id)


async def start(database: Database, client: Client, repair_id: str, *, wait: bool) -> None:
    """Start a planned repair, or go on with a stopped one; one that is running or done is left as it is."""
    async with database.session() as session:
        repair = await repairs.get(session, repair_id)
        if repair is None:
            fail(f"no repair {repair_id}: `repair list` shows those there are")
        if not await repairs.started(session, repair_id):
            return
    run = RepairRun(repair_id=repair_id, kind=repair.kind, per_second=repair.per_second)
    handle = await client.start_workflow(
        RepairWorkflow.run,
        run,
        id=repair.workflow_id,
        task_queue=policy.REPAIR_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"{repair.action or 'correct'} by {repair.actor}: {repair.query}"[:200],
        static_details=repair.note,
    )
    if wait:
        await handle.result()


async def listed(deployment: Deployment) -> list[dict[str, Any]]:
    async with deployment.database() as database, database.session() as session:
        return [
            {**repair.model_dump(mode="json"), "outcomes": await repairs.outcomes(session, repair.repair_id)}
            for repair in await repairs.find(session)
        ]


async def shown(deployment: Deployment, repair_id: str) -> tuple[Repair, list[RepairItem]]:
    async with deployment.database() as database, database.session() as session:
        repair = await repairs.get(session, repair_id)
        if repair is None:
            fail(f"no repair {repair_id}: `repair list` shows those there are")
        return repair, await repairs.items(session, repair_id)


async def stop(deployment: Deployment, repair_id: str, actor: str) -> None:
    client = await deployment.temporal()
    handle = client.get_workflow_handle_for(RepairWorkflow.run, f"repair/{repair_id}")
    try:
        await handle.signal(RepairWorkflow.stop, StopRepair(actor=actor))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            fail(f"repair {repair_id} does not run: `repair show {repair_id}` says what became of it")
        raise


def new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"


def unknown_fields(text: str) -> list[str]:
    """Fields of an amendment's JSON that would be ignored."""
    given = json.loads(text)
    address = given.get("ship_to") or {}
    return sorted(set(given) - set(Amendment.model_fields)) + sorted(
        f"ship_to.{name}" for name in set(address) - set(Address.model_fields)
    )


def _repair(wish: Wish) -> Repair | None:
    if not (wish.action and wish.note.strip() and wish.actor.strip()):
        return None
    return Repair(
        repair_id=new_id(),
        query=wish.query,
        action=wish.action,
        amendment=wish.amendment,
        note=wish.note,
        actor=wish.actor,
        per_second=wish.pace,
    )


def _items(cases: list[ExceptionCase], against: dict[str, str]) -> list[RepairItem]:
    return [
        RepairItem(
            number=number,
            target=case.case_id,
            order_key=str(case.order_key),
            workflow_id=case.workflow_id,
            outcome=Outcome.REFUSED if case.case_id in against else None,
            reason=against.get(case.case_id, ""),
            done_at=datetime.now(UTC) if case.case_id in against else None,
        )
        for number, case in enumerate(cases, start=1)
    ]
