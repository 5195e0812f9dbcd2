"""The deadlines of a running order: durable timers that act, and that show."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.case import Action, CaseKind
    from models.deadline import Deadline, DeadlineKind
    from workflows.office import Office

Condition = Callable[[], bool]
NONE_LEFT = timedelta()


class Deadlines:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._life = office.life
        self._kept: set[str] = set()

    def keep(
        self,
        kind: DeadlineKind,
        due: datetime,
        acts: str,
        until: Condition,
        act: Callable[[], Awaitable[None]],
        *,
        of: str = "",
    ) -> None:
        """Act when it is due, unless what is due has happened by then. It acts once.

        One that ran, or acted, before the workflow continued as new goes on with the due date that it had.
        """
        name = f"{kind}:{of}" if of else str(kind)
        known = self._life.deadlines.get(name)
        acting = known is not None and known.passed
        if name in self._kept or (known and known.acted) or (until() and not acting):
            return
        self._kept.add(name)
        if known is None or known.met:
            self._life.deadlines[name] = Deadline(kind=kind, due=due, acts=acts)
        self._office.spawn(self._run(name, until, act))

    def show(self, kind: DeadlineKind, due: datetime, acts: str) -> timedelta:
        """A deadline whose timer the caller waits with; how long until it is due."""
        known = self._life.deadlines.get(kind)
        if known is None or known.met or known.passed:
            known = self._life.deadlines[kind] = Deadline(kind=kind, due=due, acts=acts)
        return max(known.due - workflow.now(), NONE_LEFT)

    def is_met(self, kind: DeadlineKind) -> None:
        self._mark(kind, met=True)

    def has_passed(self, kind: DeadlineKind) -> None:
        self._mark(kind, passed=True, acted=True)

    def _mark(self, name: str, *, met: bool = False, passed: bool = False, acted: bool = False) -> None:
        marks = {"met": met, "passed": passed, "acted": acted}
        self._life.deadlines[name] = self._life.deadlines[name].model_copy(update=marks)

    async def case(self, kind: CaseKind, step: str, reason: str, until: Condition) -> None:
        """A case that ends by itself when what was due has happened; `retry` goes on waiting."""

        async def over() -> None:
            await workflow.wait_condition(until)
            self._office.desk.resume(step, "it has happened")

        watching = asyncio.create_task(over())
        try:
            await self._office.desk.settle(kind, step, reason, (Action.RETRY,), interruptible=False)
        finally:
            watching.cancel()

    async def _run(self, name: str, until: Condition, act: Callable[[], Awaitable[None]]) -> None:
        deadline = self._life.deadlines[name]
        try:
            await workflow.wait_condition(
                lambda: until() and not deadline.passed,
                timeout=max(deadline.due - workflow.now(), NONE_LEFT),
                timeout_summary=f"Deadline {deadline.kind.replace('_', ' ')}: then {deadline.acts}"[:200],
            )
        except TimeoutError:
            self._mark(name, passed=True)
            await act()
            self._mark(name, passed=True, acted=True)
        else:
            self._mark(name, met=True)
        self._kept.discard(name)
