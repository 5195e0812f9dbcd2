"""Tells this process's relays that there may be work, by PostgreSQL's LISTEN and NOTIFY."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from weakref import WeakKeyDictionary

import structlog
from psycopg import AsyncConnection, OperationalError
from sqlalchemy import Function, func, make_url

log = structlog.get_logger(__name__)

TOPIC = "orderyard_work"
RECONNECT_SECONDS = 0.5


def ring() -> Function[None]:
    """SQL that rings the bell of every process when the transaction commits; for a RETURNING or SELECT clause."""
    return func.pg_notify(TOPIC, "")


class WorkBell:
    """One listening connection, any number of tasks that wait. A task misses no ring, even while it is busy."""

    def __init__(self, url: str) -> None:
        self._conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._rings = 0
        self._heard: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._rung = asyncio.Condition()
        self._listener: asyncio.Task[None] | None = None

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - not a limit but the rhythm of the caller
        """Return when the bell rang since this task's last wait, or after `timeout` seconds.

        It rings also when listening begins (again): what was written before that made no sound.
        """
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        caller: object = asyncio.current_task() or self
        heard = self._heard.get(caller, 0)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout), self._rung:
                await self._rung.wait_for(lambda: self._rings > heard)
        self._heard[caller] = self._rings

    async def aclose(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
            self._listener = None

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_until_disconnected()
            except OperationalError as error:
                log.warning("not listening for work, will reconnect", error=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_until_disconnected(self) -> None:
        connection = await AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=5, keepalives_idle=30, application_name="orderyard-bell"
        )
        async with connection:
            await connection.execute(f"LISTEN {TOPIC}")
            await self._ring()
            async for _ in connection.notifies():
                await self._ring()

    async def _ring(self) -> None:
        async with self._rung:
            self._rings += 1
            self._rung.notify_all()
