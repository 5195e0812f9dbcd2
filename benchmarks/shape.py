"""What an order's history is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from benchmarks.noop import Shape


@dataclass(frozen=True)
class Averages:
    """Per order, over all orders of a run; events of further nodes' processes are counted with their order."""

    calls: float
    local_calls: float
    signals: float
    upserts: float
    timers: float
    events: float

    @property
    def activities(self) -> float:
        return self.calls + self.local_calls

    def shape(self, payload: str) -> Shape:
        return Shape(
            calls=round(self.calls),
            local_calls=round(self.local_calls),
            signals=round(self.signals),
            upserts=round(self.upserts),
            payload=payload,
        )


async def averages(client: Client, workflow_ids: Sequence[str]) -> Averages:
    counted: Counter[str] = Counter()
    for workflow_id in workflow_ids:
        history = await client.get_workflow_handle(workflow_id).fetch_history()
        for event in history.events:
            counted["events"] += 1
            counted[_kind(event)] += 1
            if event.event_type is EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                child = event.start_child_workflow_execution_initiated_event_attributes.workflow_id
                theirs = await client.get_workflow_handle(child).fetch_history()
                counted["events"] += len(theirs.events)
                counted.update(_kind(each) for each in theirs.events)
    number = len(workflow_ids)
    names = ("calls", "local_calls", "signals", "upserts", "timers", "events")
    return Averages(**{name: counted[name] / number for name in names})


def _kind(event: Any) -> str:
    return {
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "calls",
        EventType.EVENT_TYPE_MARKER_RECORDED: "local_calls",
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signals",
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "upserts",
        EventType.EVENT_TYPE_TIMER_STARTED: "timers",
    }.get(event.event_type, "other")
