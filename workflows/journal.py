"""An order's own record: its state, its transitions, and what an operator reads about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.record import Milestone, NumberedTransition, RecordActivities
    from models.life import OrderLife
    from models.messages import FINAL_STATES, OrderSnapshot, OrderState, Transition
    from workflows import attributes
    from workflows.telling import told
    from workflows.writes import Writes

REMEMBERED = 40
"""Transitions that a running order keeps to show; all of them are in the projection."""


class Journal:
    """Collects transitions, and writes them to the projection and to Temporal's search attributes at milestones."""

    def __init__(self, life: OrderLife, snapshot: Callable[[], OrderSnapshot], writes: Writes) -> None:
        self._life = life
        self._snapshot = snapshot
        self._writes = writes
        self._shown: tuple[str, str | None, datetime | None] | None = None

    @property
    def state(self) -> OrderState:
        return self._life.state

    @property
    def final(self) -> bool:
        return self._life.state in FINAL_STATES

    def enter(self, state: OrderState, cause: str, *, actor: str = "orderyard", authority: str = "orderyard") -> None:
        self._life.state = state
        self._life.transitions.append(
            Transition(at=workflow.now(), state=state, cause=cause, actor=actor, authority=authority)
        )
        workflow.metric_meter().create_counter(
            "orderyard_order_transitions", "Transitions of orders, by the state entered"
        ).add(1, {"state": state.value})

    async def write(self, waiting_for: str | None = None) -> None:
        """Record the order as it stands; `waiting_for` says in words what it waits for from here."""
        life = self._life
        life.waiting_for = waiting_for
        snapshot = self._snapshot()
        workflow.set_current_details(told(snapshot, life.transitions))
        first = life.transitions_before + 1
        numbered = tuple(
            NumberedTransition(number=number, transition=each)
            for number, each in enumerate(life.transitions, first)
            if number > life.transitions_written
        )
        life.transitions_written = life.transitions_before + len(life.transitions)
        self._forget_old()
        milestone = Milestone(snapshot=snapshot, transitions=numbered)
        await self._writes.do(RecordActivities.record, milestone, f"Record: {snapshot.state}")

    def show(self) -> None:
        """Bring the search attributes up to date; at states that last, because each change costs an event."""
        snapshot = self._snapshot()
        case = snapshot.case.kind.value if snapshot.case else None
        shown = (snapshot.state.value, case, _next_due(snapshot))
        if shown == self._shown:
            return
        updates = [attributes.ORDER_STATE.value_set(snapshot.state.value)]
        if case:
            updates.append(attributes.CASE_KIND.value_set(case))
        elif self._shown and self._shown[1]:
            updates.append(attributes.CASE_KIND.value_unset())
        if snapshot.nodes:
            updates.append(attributes.NODE.value_set(",".join(snapshot.nodes)))
        workflow.upsert_search_attributes(updates)
        self._shown = shown

    def _forget_old(self) -> None:
        if (old := len(self._life.transitions) - REMEMBERED) > 0:
            del self._life.transitions[:old]
            self._life.transitions_before += old


def _next_due(snapshot: OrderSnapshot) -> datetime | None:
    return min((deadline.due for deadline in snapshot.deadlines if not (deadline.met or deadline.passed)), default=None)
