"""The breaker of one outside system: one process for the fleet, there only while something is wrong.

closed ── failures in a row, or a person ──▶ open ── a probe is well, or a person ──▶ letting through ──▶ closed
                                              ▲────────── failures again ───────────────┘
"""

from __future__ import annotations

from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.systems import SystemActivities
    from models import breaker
    from models.breaker import (
        BreakerInput,
        CloseTrip,
        FailureReport,
        OpenTrip,
        PauseQueue,
        Probed,
        ResumeQueue,
        SetRate,
        Trip,
    )
    from workflows import policy

ONE_PROBE = timedelta(seconds=15)


@workflow.defn(name=breaker.WORKFLOW)
class BreakerWorkflow:
    @workflow.init
    def __init__(self, given: BreakerInput) -> None:
        self._given, self._queue, self._policy = given, given.queue, given.policy
        self._reports: dict[str, tuple[datetime, FailureReport]] = {}
        self._pause: PauseQueue | None = None
        self._resume: ResumeQueue | None = None

    @workflow.run
    async def run(self, given: BreakerInput) -> None:
        trip = given.trip
        while trip or await self._trouble():
            await self._until_closed(trip or await self._open())
            trip = None

    @workflow.signal
    def failing(self, report: FailureReport) -> None:
        """Calls of one worker failed in a row; none of them since, when the count is 0."""
        self._reports[report.source] = (workflow.now(), report)

    @workflow.signal
    def pause(self, wish: PauseQueue) -> None:
        self._pause, self._resume = wish, None

    @workflow.signal
    def resume(self, wish: ResumeQueue) -> None:
        self._resume, self._pause = wish, None

    async def _trouble(self) -> bool:
        """Wait for enough failures, or for a person; False when a whole window was quiet."""
        self._show("calls fail, watching")
        while not self._enough():
            try:
                await workflow.wait_condition(self._enough, timeout=self._policy.window)
            except TimeoutError:
                if not self._recent():
                    return False
        return True

    def _enough(self) -> bool:
        return self._pause is not None or sum(r.count for r in self._recent()) >= self._policy.threshold

    def _recent(self) -> list[FailureReport]:
        since = workflow.now() - self._policy.window
        return [report for at, report in self._reports.values() if at > since and report.count]

    async def _open(self) -> Trip:
        """Stop the queue; a person's wish goes before what failures say."""
        recent, wanted = self._recent(), self._pause
        self._pause = self._resume = None
        if wanted:
            wish = OpenTrip(queue=self._queue, reason=wanted.reason, paused_by=wanted.actor)
        else:
            count, why = sum(r.count for r in recent), recent[-1].why if recent else "no answer"
            wish = OpenTrip(queue=self._queue, reason=f"{count} calls in a row failed: {why}")
        stopping = policy.outside(breaker.QUEUE, f"Stop {self._queue}: {wish.reason}")
        return await workflow.execute_activity_method(SystemActivities.open_trip, wish, **stopping)

    async def _until_closed(self, trip: Trip) -> None:
        """Until the system is well: probe, let a few calls through, and stop again if they fail."""
        while True:
            trip, closed_by = await self._until_well(trip)
            self._reports.clear()
            await self._set_rate(self._gently(trip), f"beginning again: {closed_by}")
            self._show(f"letting {self._policy.ramp_per_second:g} calls a second through")
            if not await self._fails_again():
                break
            await self._set_rate(0, f"failed again: {trip.reason}")
        close = CloseTrip(trip=trip, closed_by=closed_by)
        again = policy.outside(breaker.QUEUE, f"{self._queue} is well again")
        await workflow.execute_activity_method(SystemActivities.close_trip, close, **again)
        self._reports.clear()

    async def _until_well(self, trip: Trip) -> tuple[Trip, str]:
        """Until a probe or a person says that calls may begin again. A person's stop is ended by a person alone."""
        probes = 0
        while True:
            self._show(f"**stopped**: {trip.reason}")
            if probes >= self._given.probes_a_run and not (self._resume or self._pause):
                workflow.continue_as_new(self._given.model_copy(update={"trip": trip}))
            told = await self._told(None if trip.paused_by else self._policy.probe_every)
            if resumed := self._resume:
                self._resume = None
                return trip, resumed.actor
            if told:
                trip = await self._open()
            elif (await self._probe(trip)).well:
                return trip, "a probe was well"
            probes += 1

    async def _told(self, patience: timedelta | None) -> bool:
        """True when a person says something, False when nobody did in this time."""
        try:
            await workflow.wait_condition(lambda: bool(self._resume or self._pause), timeout=patience)
        except TimeoutError:
            return False
        return True

    async def _probe(self, trip: Trip) -> Probed:
        once = policy.outside(breaker.QUEUE, f"Is {self._queue} well?") | workflow.ActivityConfig(
            start_to_close_timeout=ONE_PROBE, retry_policy=RetryPolicy(maximum_attempts=1)
        )
        try:
            return await workflow.execute_activity_method(SystemActivities.probe, trip, **once)
        except ActivityError as error:
            return Probed(well=False, said=str(error.cause))

    async def _fails_again(self) -> bool:
        try:
            await workflow.wait_condition(self._enough, timeout=self._policy.ramp_for)
        except TimeoutError:
            return False
        return True

    def _gently(self, trip: Trip) -> float:
        limits = [self._policy.ramp_per_second, *([trip.rate_before] if trip.rate_before else [])]
        return min(limits)

    async def _set_rate(self, per_second: float, reason: str) -> None:
        wish = SetRate(queue=self._queue, per_second=per_second, reason=reason)
        summary = f"{self._queue}: {per_second:g} calls a second"
        await workflow.execute_activity_method(
            SystemActivities.set_rate, wish, **policy.outside(breaker.QUEUE, summary)
        )

    def _show(self, state: str) -> None:
        workflow.set_current_details(f"{self._queue}: {state}")
