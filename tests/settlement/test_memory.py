"""Memory does not grow with a settlement: neither while it is fetched, nor while it is posted.

Traced memory is compared between a short document and a long one. What would hold the document whole is measured in the
same way, so that the measure is known to notice it.
"""

from __future__ import annotations

import asyncio
import io
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from temporalio.testing import ActivityEnvironment

from activities import settlement as steps
from activities.channel import ChannelAccount, ChannelActivities
from activities.settlement import SettlementActivities
from benchmarks import settlement_file
from benchmarks.settlement_lines import channel, register
from connectors.amazon.client import AmazonChannel
from connectors.ports import ChannelFormat, SettlementRef
from connectors.providers import FORMATS
from connectors.registry import ChannelConnection
from models.settlement import Reading, SettlementKey
from models.settlement_rules import RuleSet
from store import documents, inbox
from store.database import Database
from store.inbox import NewEvent

LITTLE = 1 << 20
"""Bytes by which memory may grow: the pieces that are in memory at once."""
Fetch = Callable[[SettlementRef, BinaryIO], Awaitable[None]]


async def traced(work: Awaitable[object]) -> int:
    """Bytes that were allocated at most while it ran, above what was there before."""
    tracemalloc.start()
    try:
        await work
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def written(folder: Path, lines: int) -> Path:
    path = folder / f"{settlement_file.settlement_id(lines)}.txt"
    settlement_file.write(path, lines)
    return path


class Whole(AmazonChannel):
    """A client as it was before: it has the document in memory."""

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        document = io.BytesIO()
        await super().settlement(ref, document)
        into.write(document.getvalue())


async def fetching(kind: type[AmazonChannel], database: Database, path: Path) -> int:
    with channel(path) as entry:
        connection = ChannelConnection.model_validate(entry)
        account = ChannelAccount(channel="amazon", account=connection.account)
        client = kind(connection)
        activities = ChannelActivities({("amazon", account.account): client}, FORMATS, database)
        peak = await traced(ActivityEnvironment().run(activities.fetch_settlements, account))
        await client.aclose()
    async with database.session() as session:
        kept = await inbox.id_of(session, "amazon", account.account, "poll", f"settlement:{path.stem}")
        assert kept is not None
        copy = io.BytesIO()
        await documents.copy_payload(session, kept, copy)
    assert copy.getvalue() == await asyncio.to_thread(path.read_bytes)
    return peak


@pytest.mark.parametrize("kind", [AmazonChannel, Whole])
async def test_a_document_is_fetched_without_being_in_memory(
    kind: type[AmazonChannel], database: Database, tmp_path: Path
) -> None:
    await fetching(kind, database, written(tmp_path, 1_000))  # It allocates what all of them share.
    short, long = written(tmp_path, 5_000), written(tmp_path, 50_000)
    grown = -await fetching(kind, database, short) + await fetching(kind, database, long)
    longer = long.stat().st_size - short.stat().st_size
    assert longer > 6 * LITTLE
    assert (grown < LITTLE) is (kind is AmazonChannel), f"grown by {grown} bytes with a document longer by {longer}"


class Listing:
    """A format that reads all lines before it gives the first."""

    def __init__(self, inner: ChannelFormat) -> None:
        self._inner = inner
        self.settlement_rules = inner.settlement_rules

    def read_settlement(self, file: BinaryIO, account: str, rules: RuleSet | None = None) -> Reading:
        yield from list(self._inner.read_settlement(file, account, rules))


async def posting(channel_format: ChannelFormat, database: Database, path: Path) -> int:
    event = NewEvent(channel="amazon", account="EU", source="file", topic="settlement", delivery_id=path.stem, body=b"")
    with path.open("rb") as file:
        async with database.session() as session:
            event_id = await documents.keep(session, event, file)
    assert event_id is not None
    activities = SettlementActivities({"amazon": channel_format}, database)
    key = SettlementKey(channel="amazon", account="EU", settlement_id=path.stem)
    return await traced(posted(activities, event_id, key))


async def posted(activities: SettlementActivities, event_id: int, key: SettlementKey) -> None:
    environment = ActivityEnvironment()
    proven = await environment.run(activities.prove_settlement, event_id)
    assert proven.settlements == (key,), proven
    await environment.run(activities.keep_settlement, event_id)
    result = await environment.run(activities.match_settlement, key)
    assert result.matched == result.payout


@pytest.mark.parametrize("kind", ["as it is", "all lines at once"])
async def test_a_document_is_posted_without_its_lines_being_in_memory(
    kind: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "BATCH_LINES", 100)
    monkeypatch.setattr(steps, "BATCH_ORDERS", 20)
    channel_format = FORMATS["amazon"]
    if kind == "all lines at once":
        channel_format = cast(ChannelFormat, Listing(channel_format))
    peaks = []
    for lines in (400, 500, 2_000):  # The first one allocates what all of them share.
        path = written(tmp_path, lines)
        await register(database, lines, "EU")
        peaks.append(await posting(channel_format, database, path))
    grown = peaks[2] - peaks[1]
    assert (grown < LITTLE) is (kind == "as it is"), f"grown by {grown} bytes from {peaks[1]}"
