"""Stops the calls to an outside system for the whole fleet, asks whether it is well, and lets them begin again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import structlog
from temporalio import activity

from activities import queue_rate
from activities.failures import temporal_errors
from connectors.errors import ConnectorError
from models.breaker import CloseTrip, OpenTrip, Probed, SetRate, Trip
from store import breakers, causes
from store.database import Database

log = structlog.get_logger(__name__)

Ping = Callable[[], Awaitable[None]]


class SystemActivities:
    def __init__(self, pings: Mapping[str, Ping], database: Database) -> None:
        """`pings` is task queue -> the health call of the system behind it."""
        self._pings = pings
        self._database = database

    @activity.defn
    async def open_trip(self, wish: OpenTrip) -> Trip:
        """Record the trip, with the rate that is to be restored, before the queue is stopped."""
        client = activity.client()
        actor = wish.paused_by or "orderyard"
        with temporal_errors():
            before = await queue_rate.read(client, wish.queue)
            rate = None if before.per_second == 0 else before.per_second
            async with self._database.session() as session:
                row = await breakers.opened(session, wish.queue, wish.reason, actor, rate)
        reason = f"stopped by {actor} at {row.opened_at:%Y-%m-%d %H:%M:%S} UTC: {row.reason}"
        await queue_rate.write(client, wish.queue, 0, reason)
        log.warning("calls are stopped", queue=wish.queue, reason=wish.reason, actor=actor)
        return Trip(
            trip_id=row.id,
            queue=row.queue,
            rate_before=row.rate_before,
            paused_by=wish.paused_by,
            reason=row.reason,
        )

    @activity.defn
    async def probe(self, trip: Trip) -> Probed:
        """One health call; that the system is not well is an answer, not a failure."""
        try:
            await self._pings[trip.queue]()
            answer = Probed(well=True, said="well")
        except ConnectorError as error:
            answer = Probed(well=False, said=str(error))
        with temporal_errors():
            async with self._database.session() as session:
                await breakers.probed(session, trip.queue, answer.said)
        return answer

    @activity.defn
    async def set_rate(self, wish: SetRate) -> None:
        await queue_rate.write(activity.client(), wish.queue, wish.per_second, wish.reason)

    @activity.defn
    async def close_trip(self, wish: CloseTrip) -> int:
        """Restore the queue's rate, and tell the orders that wait for the connection; returns how many."""
        trip = wish.trip
        await queue_rate.write(activity.client(), trip.queue, trip.rate_before, f"well again: {wish.closed_by}")
        log.warning("calls go on", queue=trip.queue, closed_by=wish.closed_by)
        with temporal_errors():
            async with self._database.session() as session:
                await breakers.closed(session, trip.trip_id, wish.closed_by)
                return await causes.gone(session, f"connection:{trip.queue}", f"{trip.queue} is well again")
