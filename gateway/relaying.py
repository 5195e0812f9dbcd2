"""The relay inside the gateway's process: begins with it, ends with it, and outlasts every absence of Temporal."""

from __future__ import annotations

import asyncio

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from capture.deliveries import Deliveries
from capture.relay import Relay
from capture.temporal import connect
from connectors.providers import FORMATS
from store.database import Database

log = structlog.get_logger(__name__)

GRACE = 2.0
"""Seconds in which the deliveries under way may end; what is cut off is delivered by the next relay."""


class Relaying:
    """Has database connections of its own: deliveries that wait for Temporal must not keep a webhook waiting."""

    def __init__(self, database_url: str, temporal_address: str, temporal_namespace: str) -> None:
        self._database_url = database_url
        self._address = temporal_address
        self._namespace = temporal_namespace
        self._asked_to_stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_report_end)

    async def stop(self) -> None:
        if self._task is None:
            return
        self._asked_to_stop.set()
        await asyncio.wait([self._task], timeout=GRACE)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        client = await self._connected()
        database = Database(self._database_url)
        try:
            await Relay(database, client, Deliveries(client, FORMATS)).run(self._asked_to_stop)
        finally:
            await database.aclose()

    async def _connected(self) -> Client:
        while True:
            try:
                return await connect(self._address, self._namespace)
            except (RPCError, RuntimeError) as error:
                log.error("Temporal is away: captured events wait in the inbox", error=str(error))


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("the relay ended: captured events wait in the inbox", exc_info=error)
