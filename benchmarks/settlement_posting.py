"""What a worker does with a long settlement, step by step: fetch, prove, keep, match, book; and all of it again.

`python -m benchmarks.settlement_posting URL LINES < CONNECTION`: a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.channel import ChannelAccount, ChannelActivities
from activities.settlement import SettlementActivities
from activities.settlement_books import SettlementBookActivities
from benchmarks.settlement_file import settlement_id
from connectors.providers import CHANNELS, FORMATS
from connectors.registry import ChannelConnection
from models.ledger import AccountRole, Journal, Payment
from models.settlement import SettlementKey
from store import documents, inbox
from store.database import Database
from store.inbox import NewEvent

TABLES = ("settlement", "settlement_line", "settlement_order", "settlement_finding", "exception_case", "outbox")
"""Everything that a posting writes to."""


def peak() -> int:
    """Memory of this process, at most so far, in KiB. Not `ru_maxrss`, which a process has from its parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


class Counting:
    """An ERP that keeps journals by their reference and only counts payments: its memory is none of the worker's."""

    payouts_on = AccountRole.BANK

    def __init__(self) -> None:
        self.journals: set[str] = set()
        self.payments = 0
        self.payouts_on = AccountRole.BANK

    async def post_journal(self, journal: Journal, *, retry: bool) -> str:
        self.journals.add(journal.journal_id)
        return "JE-1"

    async def reverse_journal(self, journal: Journal, *, retry: bool) -> str:
        raise AssertionError("nothing is reversed here")

    async def post_payment(self, payment: Payment, *, retry: bool) -> str:
        self.payments += 1
        return "PAY"


class Posting:
    """The worker's activities, as they are wired in `worker.py`."""

    def __init__(self, connection: ChannelConnection, database: Database, lines: int) -> None:
        self.channel = CHANNELS[connection.provider].connect(connection)
        self.erp = Counting()
        self._account = ChannelAccount(channel="amazon", account=connection.account)
        self._key = SettlementKey(**dict(self._account), settlement_id=settlement_id(lines))
        self._database = database
        self._lines = lines
        self._fetching = ChannelActivities(
            {("amazon", connection.account): self.channel}, FORMATS, database
        ).fetch_settlements
        self._posting = SettlementActivities(FORMATS, database)
        self._booking = SettlementBookActivities(self.erp, database)

    async def first(self) -> None:
        """What the schedule and the workflow do, each step with what it took."""
        fetched = await self._timed("fetch and keep raw", self._run(self._fetching, self._account))
        assert fetched == 1, f"one document was ready, {fetched} were fetched"
        await self._post(await self._event())

    async def again(self) -> None:
        """The schedule comes again, and a person gives the same document as a file."""
        fetched = await self._timed("fetch again", self._run(self._fetching, self._account))
        assert fetched == 0, f"the document was known, and {fetched} were fetched"
        await self._post(await self._timed("keep the file", self._kept_as_file()))

    async def _post(self, event_id: int) -> None:
        document = await self._timed("prove", self._run(self._posting.prove_settlement, event_id))
        assert document.settlements == (self._key,), document
        await self._timed("keep lines", self._run(self._posting.keep_settlement, event_id))
        result = await self._timed("match", self._run(self._posting.match_settlement, self._key))
        await self._timed("book", self._run(self._booking.book_settlement, self._key))
        await self._timed("pay orders", self._run(self._booking.pay_orders, self._key))
        sums = f"payout {result.payout} = matched {result.matched} + residual {result.residual}"
        print(f"  {result.lines:,} lines, {result.orders:,} orders; {sums}", flush=True)

    async def _kept_as_file(self) -> int:
        event = NewEvent(
            channel="amazon", account=self._account.account, source="file", topic="settlement",
            delivery_id=f"settlement:{uuid4()}", body=b"",
        )  # fmt: skip
        with tempfile.TemporaryFile() as file:
            async with self._database.session() as session:
                await documents.copy_payload(session, await self._event(), file)
                event_id = await documents.keep(session, event, file)
        assert event_id is not None
        return event_id

    async def state(self) -> dict[str, tuple[int, str]]:
        """Of each table the number of its rows and a sum over all that is in them; and what the ERP was told."""
        found = {"journals": (len(self.erp.journals), ""), "payments": (self.erp.payments, "")}
        async with self._database.session() as session:
            for table in TABLES:
                sums = f"SELECT count(*), sum(hashtextextended(t::text, 0))::text FROM {table} AS t"  # noqa: S608
                rows, content = (await session.execute(text(sums))).one()
                found[table] = rows, content or ""
        return found

    async def _event(self) -> int:
        async with self._database.session() as session:
            found = await inbox.id_of(
                session, "amazon", self._account.account, "poll", f"settlement:{settlement_id(self._lines)}"
            )
        assert found is not None
        return found

    def _run(self, step: Callable[..., Awaitable[Any]], *arguments: Any) -> Awaitable[Any]:
        return ActivityEnvironment().run(step, *arguments)

    async def _timed(self, name: str, step: Awaitable[Any]) -> Any:
        began = time.perf_counter()
        result = await step
        took = time.perf_counter() - began
        print(
            f"  {name:<18} {took:6.1f} s {self._lines / took:10,.0f} lines/s  peak {peak() / 1024:5.0f} MiB", flush=True
        )
        return result


async def post_twice(connection: ChannelConnection, url: str, lines: int) -> None:
    async with AsyncExitStack() as undo:
        database = Database(url)
        undo.push_async_callback(database.aclose)
        posting = Posting(connection, database, lines)
        undo.push_async_callback(posting.channel.aclose)
        before = peak()
        print(f" first posting, from {before / 1024:.0f} MiB:", flush=True)
        await posting.first()
        posted = await posting.state()
        print(" second posting:", flush=True)
        await posting.again()
        if (now := await posting.state()) != posted:
            sys.exit(f"the second posting has changed something: {posted} became {now}")
        print(
            " the second posting changed nothing: " + ", ".join(f"{name} {rows}" for name, (rows, _) in posted.items())
        )
        above = f"{(peak() - before) / 1024:.0f} MiB above its start"
        print(f" peak memory of the worker's process: {peak() / 1024:.0f} MiB, {above}", flush=True)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    url, lines = sys.argv[1:]
    connection = ChannelConnection.model_validate(json.load(sys.stdin))
    asyncio.run(post_twice(connection, url, int(lines)))


if __name__ == "__main__":
    main()
