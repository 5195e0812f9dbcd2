"""A repair: one decision for many cases (or many orders), planned, applied bit by bit, and kept as evidence."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import Field

from models.base import Model, Moment
from models.case import Action, Amendment, ExceptionCase, Resolution
from models.order import Order


class RepairKind(StrEnum):
    CASES = "cases"
    """Resolves exception cases."""
    MAPPING = "mapping"
    """Gives orders what a newer mapping makes of their raw payload."""


class RepairState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class Outcome(StrEnum):
    APPLIED = "applied"
    ALREADY_RESOLVED = "already_resolved"
    """Somebody else was quicker, or the cause went away."""
    REFUSED = "refused"
    """The workflow, or the plan, says no; the reason is kept."""
    NO_ANSWER = "no_answer"
    """The workflow did not answer in several attempts."""


class Repair(Model):
    """Who decided what, when, why, for what."""

    repair_id: str
    kind: RepairKind = RepairKind.CASES
    query: str
    """As it was typed."""
    action: Action | None = None
    """None where orders are corrected, not cases resolved."""
    amendment: Amendment = Amendment()
    mapping_version: int | None = None
    """Of a mapping repair: the version that the orders are brought to."""
    note: str = Field(min_length=1)
    actor: str = Field(min_length=1)
    per_second: int = Field(default=5, ge=1, le=100)
    state: RepairState = RepairState.PLANNED
    planned_at: Moment | None = None
    started_at: Moment | None = None
    ended_at: Moment | None = None
    ended_by: str | None = None
    """Who stopped it; None when it came to its end."""

    @property
    def workflow_id(self) -> str:
        return f"repair/{self.repair_id}"


class RepairItem(Model):
    """One case or order of a repair. `outcome` is None while nothing was done yet."""

    number: int
    target: str
    """Case id, or order key."""
    order_key: str
    workflow_id: str
    outcome: Outcome | None = None
    reason: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    attempts: int = 0
    done_at: Moment | None = None


class RepairRun(Model):
    """What the durable half of a repair has to know; everything else is in the store."""

    repair_id: str
    kind: RepairKind
    per_second: int
    batches_a_run: int = 500
    """After so many batches the history is begun anew."""


class RepairBatch(Model):
    repair_id: str
    limit: int


class RepairProgress(Model):
    done: int
    left: int
    outcomes: dict[str, int] = Field(default_factory=dict)
    """Outcome -> how many so far."""


class RepairEnd(Model):
    repair_id: str
    stopped_by: str | None = None


class StopRepair(Model):
    actor: str = Field(min_length=1)


def obstacle(case: ExceptionCase, action: Action, amendment: Amendment, order: Order | None) -> str:
    """Why the action cannot be done for this case, in words; empty when it can."""
    if action not in case.allowed:
        return f"{action} is not possible for {case.kind}: use one of {', '.join(case.allowed)}"
    if amendment.sku and order:
        lines = {line.line_id for line in order.lines}
        if unknown := sorted(set(amendment.sku) - lines):
            return f"amendment.sku: {', '.join(unknown)}: no such line in this order; it has {', '.join(sorted(lines))}"
    return ""


def before_and_after(
    order: Order | None, earlier: Iterable[Resolution], amendment: Amendment
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Exactly the data that an amendment changes, as it was and as it will be.

    `earlier` are the amendments that were made of the order before, oldest first: the registry does not know them.
    """
    after = amendment.model_dump(mode="json", exclude_defaults=True)
    now: dict[str, Any] = {"ship_to": None, "service_level": None, "sku": {}}
    if order:
        skus = {line.line_id: line.sku for line in order.lines}
        address = order.ship_to.model_dump(mode="json", exclude_defaults=True) if order.ship_to else None
        now = {"ship_to": address, "service_level": order.service_level, "sku": skus}
    for resolution in earlier:
        changed = resolution.amendment.model_dump(mode="json", exclude_defaults=True)
        now |= changed | {"sku": {**now["sku"], **changed.get("sku", {})}}
    before = {name: now[name] for name in after}
    if "sku" in before:
        before["sku"] = {line: before["sku"].get(line) for line in after["sku"]}
    return before, after
