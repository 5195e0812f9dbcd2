"""An order's own record: its state, its transitions, and what an operator reads about it."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.record import Milestone, NumberedTransition, RecordActivities
    from models.messages import FINAL_STATES, OrderSnapshot, OrderState, Transition
    from workflows import attributes
    from workflows.writes import Writes


class Journal:
    """Collects transitions, and writes them to the projection and to Temporal's search attributes at milestones."""

    def __init__(self, snapshot: Callable[[], OrderSnapshot], writes: Writes) -> None:
        self._snapshot = snapshot
        self._writes = writes
        self.state = OrderState.RECEIVED
        self.waiting_for: str | None = None
        self._shown = OrderState.RECEIVED
        self._case_shown: str | None = None
        self._written = 0
        self._transitions: list[Transition] = []

    @property
    def final(self) -> bool:
        return self.state in FINAL_STATES

    def enter(self, state: OrderState, cause: str, *, actor: str = "orderyard", authority: str = "orderyard") -> None:
        self.state = state
        self._transitions.append(
            Transition(at=workflow.now(), state=state, cause=cause, actor=actor, authority=authority)
        )
        workflow.metric_meter().create_counter(
            "orderyard_order_transitions", "Transitions of orders, by the state entered"
        ).add(1, {"state": state.value})

    async def write(self, waiting_for: str | None = None) -> None:
        """Record the order as it stands; `waiting_for` says in words what it waits for from here."""
        self.waiting_for = waiting_for
        snapshot = self._snapshot()
        workflow.set_current_details(self._told(snapshot))
        new = self._transitions[self._written :]
        numbered = tuple(
            NumberedTransition(number=self._written + offset, transition=each) for offset, each in enumerate(new, 1)
        )
        self._written = len(self._transitions)
        milestone = Milestone(snapshot=snapshot, transitions=numbered)
        await self._writes.do(RecordActivities.record, milestone, f"Record: {snapshot.state}")

    def show(self) -> None:
        """Bring the search attributes up to date; at states that last, because each change costs an event."""
        snapshot = self._snapshot()
        case = snapshot.case.kind.value if snapshot.case else None
        if (snapshot.state, case) == (self._shown, self._case_shown):
            return
        updates = [attributes.ORDER_STATE.value_set(snapshot.state.value)]
        if case:
            updates.append(attributes.CASE_KIND.value_set(case))
        elif self._case_shown:
            updates.append(attributes.CASE_KIND.value_unset())
        if snapshot.nodes:
            updates.append(attributes.NODE.value_set(",".join(snapshot.nodes)))
        workflow.upsert_search_attributes(updates)
        self._shown, self._case_shown = snapshot.state, case

    def _told(self, snapshot: OrderSnapshot) -> str:
        rows = [f"**{snapshot.state}**" + (f" · waits for {snapshot.waiting_for}" if snapshot.waiting_for else "")]
        if snapshot.case:
            rows.append(f"Case `{snapshot.case.case_id}` ({snapshot.case.kind}): {snapshot.case.reason}")
            rows.append(f"Possible: {', '.join(snapshot.case.allowed)}")
        rows.append("")  # Markdown sees a list only after an empty line.
        rows += [
            f"- {each.at:%Y-%m-%d %H:%M:%S} {each.state}: {each.cause} ({each.actor})" for each in self._transitions
        ]
        return "\n".join(rows)[:18_000]
