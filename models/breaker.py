"""The breaker of an outside system: when calls to it stop for the whole fleet, and how they begin again."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from models.base import Model, Moment

QUEUE = "breaker"
"""Task queue of the breakers and their probes: never paused."""
WORKFLOW = "BreakerWorkflow"


def workflow_id(queue: str) -> str:
    return f"breaker/{queue}"


class BreakerPolicy(Model):
    threshold: int = Field(default=5, ge=1)
    """So many failures in a row, over all workers, with no answer between them."""
    window: timedelta = timedelta(seconds=30)
    """Failures that lie further apart are no outage."""
    probe_every: timedelta = timedelta(seconds=30)
    """While calls are stopped, the system is asked so often whether it is well."""
    ramp_per_second: float = Field(default=5, gt=0)
    """How fast calls begin again …"""
    ramp_for: timedelta = timedelta(seconds=10)
    """… and for how long, before the queue has its full rate."""


class FailureReport(Model):
    """Calls that failed one after another in one worker."""

    source: str
    """The worker."""
    count: int = Field(ge=0)
    """0: they are answered again."""
    why: str = ""


class PauseQueue(Model):
    """A person stops the calls to a system; only a person lets them begin again."""

    reason: str = Field(min_length=1)
    actor: str = Field(min_length=1)


class ResumeQueue(Model):
    actor: str = Field(min_length=1)
    reason: str = ""


class Trip(Model):
    """Calls to a system are stopped."""

    trip_id: int
    queue: str
    rate_before: float | None = None
    """Calls a second that the queue was limited to; None where it was not."""
    paused_by: str | None = None
    """Who stopped it; None when failures did."""
    reason: str = ""


class BreakerInput(Model):
    queue: str
    policy: BreakerPolicy = BreakerPolicy()
    trip: Trip | None = None
    """Carried on when the history is begun anew."""
    probes_a_run: int = 200
    """After so many probes it is."""


class OpenTrip(Model):
    queue: str
    reason: str
    paused_by: str | None = None


class SetRate(Model):
    queue: str
    per_second: float | None
    """None: as fast as it goes."""
    reason: str


class CloseTrip(Model):
    trip: Trip
    closed_by: str


class Probed(Model):
    well: bool
    said: str


class TripRecord(Model):
    """One stop, as it is kept."""

    queue: str
    reason: str
    actor: str
    opened_at: Moment
    closed_at: Moment | None = None
    closed_by: str | None = None
    probes: int = 0
    last_probe_at: Moment | None = None
    last_probe: str | None = None
