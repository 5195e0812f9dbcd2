"""A document that comes slowly: the worker that fetches it shows that it is alive, and nobody fetches it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import BinaryIO, cast
from uuid import uuid4

import pytest
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.alive import Alive
from activities.channel import ChannelAccount, ChannelActivities
from connectors.http import VendorClient
from connectors.ports import Channel, SettlementRef
from connectors.providers import FORMATS
from store.database import Database
from tests.settlement.documents import kept_document
from workflows import policy
from workflows.settlement import SettlementSync

ACCOUNT = ChannelAccount(channel="amazon", account="EU")
BEGINNING, END = b"settlement-id\t" * 1000, b"the end"


class Slowly:
    """A channel whose server sends the end of its document when it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0

    async def settlements(self) -> list[SettlementRef]:
        return [SettlementRef(settlement_id="281", document_id="281")]

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        self.asked += 1
        vendor = VendorClient("acme", self.url)
        await vendor.download("report", "/report", into)
        await vendor.aclose()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.url = "http://{}:{}".format(*server.sockets[0].getsockname())
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BEGINNING + END) + BEGINNING)
        await self.go.wait()
        writer.write(END)
        await writer.drain()
        writer.close()


async def pending(handle: WorkflowHandle[SettlementSync, int]) -> PendingActivityInfo | None:
    activities = (await handle.describe()).raw_description.pending_activities
    return activities[0] if activities else None


async def test_a_fetch_that_takes_longer_than_a_dead_worker_is_missed_is_one_attempt(
    database: Database, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "LOST_WORKER", timedelta(seconds=1))
    channel, queue = Slowly(), policy.channel_queue("amazon")
    fetching = ChannelActivities({("amazon", "EU"): cast(Channel, channel)}, FORMATS, database).fetch_settlements
    worker = Worker(
        temporal_client,
        task_queue=queue,
        workflows=[SettlementSync],
        activities=[fetching],
        interceptors=[Alive()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with channel.serving(), worker:
        handle = await temporal_client.start_workflow(
            SettlementSync.run, ACCOUNT, id=f"fetch/{uuid4()}", task_queue=queue
        )
        began: PendingActivityInfo | None = None
        async with asyncio.timeout(30):
            while not began or not began.HasField("last_started_time"):
                began = await pending(handle)
            seen = began
            while seen.last_heartbeat_time.ToDatetime() - began.last_started_time.ToDatetime() < timedelta(seconds=2.5):
                seen = await pending(handle) or seen
        assert seen.activity_options.heartbeat_timeout.ToTimedelta() == timedelta(seconds=1)
        channel.go.set()
        assert await handle.result() == 1
    assert (seen.attempt, channel.asked) == (1, 1)
    assert (await kept_document(database))[1] == BEGINNING + END
