"""What the parts of an order's workflow share: its one state, its case desk, its journal, its calls and its writes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from models.case import Action, CaseKind, Resolution
    from models.goods import Stage
    from models.life import OrderLife
    from workflows import amendments
    from workflows.calls import Calls, GivenUp
    from workflows.cases import Cancelled, CaseDesk, cancelled_by
    from workflows.journal import Journal
    from workflows.writes import Writes

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Office:
    """`life` is the only state; everything else here can be made anew from it after a continue-as-new."""

    def __init__(self, life: OrderLife, desk: CaseDesk, journal: Journal, calls: Calls, writes: Writes) -> None:
        self.life = life
        self.desk = desk
        self.journal = journal
        self.calls = calls
        self.writes = writes
        self.deciding = asyncio.Lock()
        """Held while units are planned, released or cancelled: two decisions about the same units take turns."""
        self.forward = True
        """False once the order takes no further step forward: what was begun has been answered, nothing more is."""
        self._news = 0
        self._tasks: list[asyncio.Task[None]] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the main course; whoever runs that looks at `broken`."""
        self._tasks = [task for task in self._tasks if not task.done() or task.exception()]
        self._tasks.append(asyncio.create_task(work))

    @property
    def broken(self) -> asyncio.Task[None] | None:
        """Work beside the main course that has failed: a defect, to be raised where it is seen."""
        return next((task for task in self._tasks if task.done() and task.exception()), None)

    def dismiss(self) -> None:
        """The order is over: nobody waits for anything any more."""
        for task in self._tasks:
            task.cancel()

    def wake(self) -> None:
        self._news += 1

    @property
    def heard(self) -> int:
        """How much news there has been: to be read before looking, and handed to `news` after it."""
        return self._news

    async def news(self, heard: int, until: datetime | None = None, summary: str = "") -> bool:
        """Wait for something that the main course may have to act on; False when `until` came first."""
        try:
            await workflow.wait_condition(
                lambda: self._news > heard or self.ended,
                timeout=until - workflow.now() if until else None,
                timeout_summary=summary or None,
            )
        except TimeoutError:
            return False
        return True

    @property
    def ended(self) -> bool:
        """True when the order is cancelled as a whole: the steps forward stop where they are."""
        return self.life.ended_by is not None

    def stop_if_ended(self) -> None:
        if self.life.ended_by:
            raise Cancelled(self.life.ended_by)

    async def outside(
        self,
        activity: Callable[[Any, Argument], Awaitable[Result]],
        argument: Argument,
        queue: str,
        summary: str,
    ) -> Result:
        """A call on the way forward. Raises `Cancelled` when the order ends meanwhile."""
        try:
            return await self.calls.outside(activity, argument, queue, summary, give_up=lambda: self.ended)
        except GivenUp:
            self.stop_if_ended()
            raise

    async def decide(self, kind: CaseKind, step: str, reason: str, allowed: tuple[Action, ...], **more: Any) -> Action:
        """Have a person decide; takes over an amendment. Raises `Cancelled` when that is the decision."""
        resolution = await self.desk.settle(kind, step, reason, allowed, **more)
        if resolution is None:
            self.stop_if_ended()
            return Action.RETRY
        if resolution.action is Action.CANCEL:
            raise cancelled_by(kind, resolution)
        if resolution.action is Action.AMEND:
            self.amend(resolution)
        return resolution.action

    def amend(self, resolution: Resolution) -> None:
        """Take over exactly the data that a person corrected."""
        amendment = resolution.amendment
        self.life.order = amendments.applied(self.life.order, amendment)
        self.life.amended = amendments.merged(self.life.amended, amendment)
        self.life.revision += 1
        self.plan_anew(skus=bool(amendment.sku))

    def plan_anew(self, *, skus: bool) -> None:
        """What no warehouse knows of yet is routed again; with `skus`, its items are looked up again before."""
        life = self.life
        life.enriched = life.enriched and not skus
        for part in life.at(Stage.PLANNED):
            life.put(part.without(part.picks).moved_to(Stage.ENDED))
            life.holds_too_much = True
        life.routing_wanted = True
        self.wake()

    async def side_by_side(self, *works: Coroutine[Any, Any, None]) -> None:
        """Do things that need nothing of each other. When one of them ends the order, the others are given up."""
        tasks = [asyncio.create_task(work) for work in works]
        await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            error = task.exception() if task.done() else None
            if isinstance(error, Cancelled) and not self.life.goods.anything_left:
                self.life.ended_by = error.request
        await workflow.wait(tasks)
        for task in tasks:
            task.result()

    async def changed(self) -> None:
        await self.journal.write(self.life.waiting_for)
        self.journal.show()

    async def ended_well(self) -> None:
        """The last record: the order waits for nothing any more."""
        await self.journal.write()
        self.journal.show()
