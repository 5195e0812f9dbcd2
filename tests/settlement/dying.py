"""A worker of settlements that dies at its n-th moment; as a process (`python -m tests.settlement.dying`) by `kill -9`.

A moment is a statement to the store, a commit, a piece of a document that is written down, a call to the ERP, and its
answer. The product knows nothing of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, BinaryIO, cast

from sqlalchemy import Engine, event
from temporalio import activity
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import settlement as steps
from activities.alive import Alive
from activities.channel import ChannelActivities
from activities.settlement import SettlementActivities
from activities.settlement_books import SettlementBookActivities
from connectors import gunzip
from connectors.amazon.client import AmazonChannel
from connectors.erp.rest_ledger import RestLedger
from connectors.ports import Channel, Journals, SettlementRef
from connectors.providers import FORMATS
from connectors.registry import ChannelConnection, SystemConnection
from models.ledger import Journal, Payment
from stack.temporal import NAMESPACE
from store import documents
from store.database import Database
from workflows import policy
from workflows.settlement import SettlementRepost, SettlementSync, SettlementWorkflow

SOON = timedelta(seconds=1)
"""How soon a dead worker is noticed here."""


class Moments:
    """Calls `end` at the n-th moment that counts."""

    def __init__(self, end: Callable[[], object], counts: Callable[[], bool] = lambda: True) -> None:
        self._end = end
        self._counts = counts
        self.passed = 0
        self.last = 0
        """The moment of death; 0: none."""

    def come(self, *_: object) -> None:
        if self._counts():
            self.passed += 1
            if self.passed == self.last:
                self._end()


@contextmanager
def watched(moments: Moments) -> Iterator[None]:
    """Every statement and every commit is a moment."""
    names = ("before_cursor_execute", "commit")
    for name in names:
        event.listen(Engine, name, moments.come)
    try:
        yield
    finally:
        for name in names:
            event.remove(Engine, name, moments.come)


class WatchedChannel:
    """Of a channel what is called here; every piece of a document is a moment."""

    def __init__(self, inner: Channel, moments: Moments) -> None:
        self.settlements = inner.settlements
        self._inner, self._moments = inner, moments

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        await self._inner.settlement(ref, cast(BinaryIO, _Watched(into, self._moments)))


class _Watched:
    def __init__(self, inner: BinaryIO, moments: Moments) -> None:
        self._inner, self._moments = inner, moments

    def write(self, piece: bytes) -> int:
        self._moments.come()
        return self._inner.write(piece)


class WatchedBooks:
    """Every call is a moment, and so is its answer."""

    def __init__(self, inner: Journals, moments: Moments) -> None:
        self._inner, self._moments = inner, moments
        self.payouts_on = inner.payouts_on

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        self._moments.come()
        number = await self._inner.post_journal(journal, retry=retry)
        self._moments.come()
        return number

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        return await self._inner.reverse_journal(journal, retry=retry)

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        self._moments.come()
        number = await self._inner.post_payment(payment, retry=retry)
        self._moments.come()
        return number


def small_pieces() -> list[tuple[Any, str, int]]:
    """Module, name and value of what makes a short document one of many pieces, parts and batches."""
    return [
        (gunzip, "CHUNK", 3000),
        (documents, "PART", 3000),
        (steps, "BATCH_LINES", 13),
        (steps, "BATCH_ORDERS", 3),
    ]


async def work(told: dict[str, Any]) -> None:
    """`told`: addresses and connections, in which activity to die, and at which of its moments."""

    def counts() -> bool:
        return activity.in_activity() and activity.info().activity_type == told["dies_in"]

    moments = Moments(lambda: os.kill(os.getpid(), signal.SIGKILL), counts)
    moments.last = told["dies_at"]
    database = Database(told["database"])
    channel = WatchedChannel(AmazonChannel(ChannelConnection.model_validate(told["channel"])), moments)
    books = WatchedBooks(RestLedger(SystemConnection.model_validate(told["erp"])), moments)
    fetching = ChannelActivities({("amazon", "EU"): cast(Channel, channel)}, FORMATS, database)
    posting, booking = SettlementActivities(FORMATS, database), SettlementBookActivities(books, database)
    client = await Client.connect(told["temporal"], namespace=NAMESPACE, data_converter=pydantic_data_converter)
    workers = [
        Worker(
            client,
            task_queue=queue,
            workflows=[SettlementSync, SettlementWorkflow, SettlementRepost],
            activities=activities,
            interceptors=[Alive()],
            max_cached_workflows=0,
            # The sandbox would import `policy` anew, and with it the time after which a worker is missed.
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        for queue, activities in (
            (policy.channel_queue("amazon"), [fetching.fetch_settlements]),
            (policy.SETTLEMENT_QUEUE, [*posting.activities, *booking.activities]),
        )
    ]
    with watched(moments):
        await asyncio.gather(*(worker.run() for worker in workers))


if __name__ == "__main__":
    for module, name, value in (*small_pieces(), (policy, "LOST_WORKER", SOON)):
        setattr(module, name, value)
    asyncio.run(work(json.load(sys.stdin)))
