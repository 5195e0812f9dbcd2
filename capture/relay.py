"""Delivers what the inbox and the outbox hold: to new workflows, to running ones, or to the dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from structlog.contextvars import bound_contextvars
from temporalio.client import Client

from capture import temporal
from capture.away import AWAY, in_words
from capture.deliveries import Deliveries
from capture.late import late_message
from store import inbox, outbox
from store.database import Database
from store.tables import InboxEvent, OutboxMessage

log = structlog.get_logger(__name__)

BATCH = 25
IDLE_SECONDS = 1.0
"""Longest pause between two looks, for what became due without anybody ringing."""
LONGEST_RETRY = timedelta(seconds=60)


class Relay:
    """Any number of relays may run, in any number of processes: a row is handed to one at a time."""

    def __init__(self, database: Database, client: Client, deliveries: Deliveries) -> None:
        self._database = database
        self._client = client
        self._deliveries = deliveries

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until told to stop."""
        while not stop.is_set():
            try:
                busy = await self.deliver_due()
            except AWAY as error:
                log.warning("relay waits for the store", error=in_words(error))
                busy = 0
            if not busy:
                await self._database.wait_for_work(IDLE_SECONDS)

    async def deliver_due(self) -> int:
        """Deliver one batch of each; returns how many rows were taken."""
        async with self._database.session() as session:
            events: Sequence[InboxEvent] = await inbox.claim(session, BATCH)
            messages: Sequence[OutboxMessage] = await outbox.claim(session, BATCH)
        await asyncio.gather(
            *(self._guarded(self._event(event), self._postpone_event(event)) for event in events),
            *(self._guarded(self._message(message), self._postpone_message(message)) for message in messages),
        )
        return len(events) + len(messages)

    async def _event(self, event: InboxEvent) -> None:
        with bound_contextvars(correlation_id=str(event.correlation_id), event_id=event.id, channel=event.channel):
            async with self._database.session() as session:
                await self._deliveries.deliver(session, event)

    async def _message(self, message: OutboxMessage) -> None:
        heard = await temporal.send(self._client, message.workflow_id, message.message, message.payload)
        if not heard and (late := late_message(message)):
            await temporal.follow_up(self._client, late)
        elif not heard:
            log.warning("nobody waits for this message", workflow_id=message.workflow_id, message=message.message)
        async with self._database.session() as session:
            await outbox.delivered(session, message.id)

    async def _guarded(self, work: Awaitable[None], postpone: Callable[[str], Awaitable[None]]) -> None:
        try:
            await work
        except AWAY as error:
            log.warning("delivery postponed", error=in_words(error))
            await postpone(in_words(error))
        except Exception as error:
            # A defect in parsing or delivering one row must not stop the others, nor lose the row.
            log.exception("delivery failed")
            await postpone(f"{type(error).__name__}: {error}")

    def _postpone_event(self, event: InboxEvent) -> Callable[[str], Awaitable[None]]:
        async def postpone(why: str) -> None:
            async with self._database.session() as session:
                await inbox.postpone(session, event.id, why, _delay(event.attempts))

        return postpone

    def _postpone_message(self, message: OutboxMessage) -> Callable[[str], Awaitable[None]]:
        async def postpone(why: str) -> None:
            async with self._database.session() as session:
                await outbox.postpone(session, message.id, why, _delay(message.attempts))

        return postpone


def _delay(attempts: int) -> timedelta:
    return min(LONGEST_RETRY, timedelta(seconds=2 ** min(attempts, 10)))
