"""One relay as a process: outlasts every absence of Temporal and of the store, and ends when it is told to."""

from __future__ import annotations

import asyncio
import signal
import sys

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


async def relay_until_stopped(database_url: str, address: str, namespace: str, *, attached: bool) -> None:
    """Deliver until SIGTERM; `attached`: also until standard input ends, as it does with the process that began us."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, asked.set)
    # A terminal's Ctrl-C comes to both: then the one that began us says when to end.
    loop.add_signal_handler(signal.SIGINT, asked.set if not attached else lambda: None)
    if attached:
        await loop.connect_read_pipe(lambda: _UntilClosed(asked), sys.stdin)
    running = asyncio.create_task(_relay(database_url, address, namespace, asked))
    stopping = asyncio.create_task(asked.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait([running], timeout=GRACE)
    if not running.done():
        running.cancel()
    await asyncio.gather(running, return_exceptions=asked.is_set())


async def _relay(database_url: str, address: str, namespace: str, asked_to_stop: asyncio.Event) -> None:
    client = await _connected(address, namespace)
    database = Database(database_url)
    try:
        await Relay(database, client, Deliveries(client, FORMATS)).run(asked_to_stop)
    finally:
        await database.aclose()


async def _connected(address: str, namespace: str) -> Client:
    while True:
        try:
            return await connect(address, namespace)
        except (RPCError, RuntimeError) as error:
            log.error("Temporal is away: captured events wait in the inbox", error=str(error))


class _UntilClosed(asyncio.Protocol):
    def __init__(self, closed: asyncio.Event) -> None:
        self._closed = closed

    def connection_lost(self, _: Exception | None) -> None:
        self._closed.set()
