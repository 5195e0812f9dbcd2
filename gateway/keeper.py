"""Keeps deliveries in the inbox. What arrives while a transaction is under way is kept together in the next one.

Every transaction that wakes the relay waits for those before it to be on disk (NOTIFY is in the order of commits), so
one for each delivery would let a rush of webhooks queue for the disk. Nothing waits when nothing is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.exc import InterfaceError, OperationalError, StatementError

from store import inbox
from store.database import Database
from store.inbox import NewEvent

MOST = 200
"""Deliveries in one statement, and so in one transaction."""
Waiting = tuple[NewEvent, asyncio.Future[bool]]


class Keeper:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Waiting] = []
        self._keeping: asyncio.Task[None] | None = None

    async def keep(self, event: NewEvent) -> bool:
        """Return once it is safe; False when that delivery was known. Raises what the store raises."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((event, done))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_all())
        return await done

    async def rehearse(self) -> None:
        """Keep one and take it back: what only the first delivery of a process waits for is over then."""
        nothing = NewEvent(channel="", account="", source="webhook", topic="", delivery_id="rehearsal", body=b"")
        async with self._database.session() as session:
            await inbox.keep_each(session, [nothing])
            await session.rollback()

    async def _keep_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                await self._keep_batch(batch)
            except Exception as error:  # noqa: BLE001 - those who wait are told
                if len(batch) > 1 and _is_about_a_value(error):
                    # One of them cannot be kept: that is no reason to send the others back.
                    await asyncio.gather(*(self._keep_alone(each) for each in batch))
                else:
                    _fail(batch, error)

    async def _keep_alone(self, waiting: Waiting) -> None:
        try:
            await self._keep_batch([waiting])
        except Exception as error:  # noqa: BLE001 - who waits is told
            _fail([waiting], error)

    async def _keep_batch(self, batch: Sequence[Waiting]) -> None:
        async with self._database.session() as session:
            # It is one statement, which needs no transaction around it: two waits for the server less.
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            news = await inbox.keep_each(session, [event for event, _ in batch])
        for (_, done), new in zip(batch, news, strict=True):
            if not done.done():
                done.set_result(new)


def _is_about_a_value(error: Exception) -> bool:
    """Not about the store, which would fail all of them."""
    return isinstance(error, StatementError) and not isinstance(error, OperationalError | InterfaceError)


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(error)
