"""What is said of an order after its process has ended: never lost, always somebody's turn."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from models.case import Action, CaseKind, ExceptionCase, Resolution
    from models.messages import LateEvent
    from models.order import OrderKey
    from workflows.cases import CaseDesk, never
    from workflows.writes import Writes


@workflow.defn
class FollowUpWorkflow:
    """A case for each late event; ends when all are decided. A later event begins a new one."""

    @workflow.init
    def __init__(self, order_key: OrderKey) -> None:
        self._desk = CaseDesk(order_key, Writes(), self._changed, never)
        self._events: list[LateEvent] = []
        self._known: set[str] = set()

    @workflow.run
    async def run(self, order_key: OrderKey) -> int:
        """Returns how many events there were."""
        while self._events:
            event = self._events[0]
            reason = f"{order_key} had ended when this came: {event.told}. skip when it is dealt with"
            await self._desk.settle(
                CaseKind.LATE_EVENT, event.event_id, reason, (Action.SKIP,), event=event.kind, heard_at=str(event.at)
            )
            self._events.pop(0)
        await workflow.wait_condition(workflow.all_handlers_finished)
        return len(self._known)

    @workflow.signal
    def heard(self, event: LateEvent) -> None:
        """The same event again changes nothing."""
        if event.event_id not in self._known:
            self._known.add(event.event_id)
            self._events.append(event)

    @workflow.update
    def resolve(self, resolution: Resolution) -> None:
        self._desk.resolve(resolution)

    @resolve.validator
    def _check_resolution(self, resolution: Resolution) -> None:
        if not self._events:
            raise ApplicationError("nothing is open here any more", type="NoSuchCase")
        self._desk.check(resolution)

    @workflow.query
    def case(self) -> ExceptionCase | None:
        return self._desk.open

    async def _changed(self) -> None:
        waiting = [f"- {event.at:%Y-%m-%d %H:%M} {event.kind}: {event.told}" for event in self._events]
        workflow.set_current_details("\n".join(waiting))
