"""Whoever fetches and posts a settlement may be killed at any moment: it ends as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.channel import ChannelAccount, ChannelActivities
from activities.settlement import SettlementActivities
from activities.settlement_books import SettlementBookActivities
from benchmarks.settlement_lines import channel as twin_with
from connectors.amazon.client import AmazonChannel
from connectors.erp.rest import RestErp
from connectors.ports import Channel, ErpOrder
from connectors.providers import FORMATS
from connectors.registry import ChannelConnection
from models.catalogue import ComponentLine
from models.fulfilment import ConfirmedParcel
from sandbox.core import Sandbox, SandboxOptions
from stack.temporal import LocalTemporal
from store.database import Database
from tests.cli.command import REPOSITORY
from tests.settlement.books import Books
from tests.settlement.documents import kept_document, registered, report
from tests.settlement.dying import Moments, WatchedBooks, WatchedChannel, small_pieces, watched
from tests.settlement.faults import SHIPPED, Sold, settlement
from tests.settlement.test_posting import KEY, Killed, state
from tests.systems.orders import connection
from tests.systems.running import Systems, free_socket, served
from workflows import policy
from workflows.settlement import SettlementSync, SettlementWorkflow

ACCOUNT = ChannelAccount(channel="amazon", account="EU")
Make = Callable[[], Awaitable[Database]]
EVERY = 17
"""Of the moments, so many-th are tried in every run of the suite; all of them with `-m prove`."""


@pytest.fixture(scope="module")
def made() -> list[Sold]:
    return settlement(60, 0.05, 1)


@pytest.fixture(scope="module")
def body(made: list[Sold]) -> bytes:
    return report(made, more=[("", "ServiceFee", "other-transaction", "Subscription Fee", "-39.99")])


@pytest.fixture(scope="module")
def entry(body: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The connection of a twin, in a process of its own, that has the document ready."""
    path = tmp_path_factory.mktemp("settlement") / "281.txt"
    path.write_bytes(body)
    with twin_with(path) as entry:
        yield {**entry, "account": "EU"}


@pytest.fixture(autouse=True)
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in small_pieces():
        monkeypatch.setattr(module, name, value)


class Life:
    """One worker's work on one database, which may be ended at a moment."""

    def __init__(self, database: Database, entry: dict[str, Any]) -> None:
        self.moments = Moments(self._die)
        self.books = Books()
        self._database = database
        self._channel = AmazonChannel(ChannelConnection.model_validate(entry))

    async def live(self, last: int = 0) -> None:
        """Fetch and post, as schedule and workflow do. Raises `Killed` at the last moment."""
        self.moments.passed, self.moments.last = 0, last
        watching = cast(Channel, WatchedChannel(self._channel, self.moments))
        fetching = ChannelActivities({("amazon", "EU"): watching}, FORMATS, self._database)
        posting = SettlementActivities(FORMATS, self._database)
        booking = SettlementBookActivities(WatchedBooks(self.books, self.moments), self._database)
        run = ActivityEnvironment().run
        with watched(self.moments):
            await run(fetching.fetch_settlements, ACCOUNT)
            event_id, _ = await kept_document(self._database)
            assert (await run(posting.prove_settlement, event_id)).settlements == (KEY,)
            await run(posting.keep_settlement, event_id)
            await run(posting.match_settlement, KEY)
            await run(booking.book_settlement, KEY)
            await run(booking.pay_orders, KEY)

    async def outcome(self) -> dict[str, Any]:
        """All that it has left behind: in the store, of the document, and in the books."""
        _, document = await kept_document(self._database)
        return {
            **await state(self._database),
            "document": document,
            "journals": self.books.journals,
            "payments": self.books.payments,
        }

    async def aclose(self) -> None:
        await self._channel.aclose()

    def _die(self) -> None:
        raise Killed


@asynccontextmanager
async def alive(make: Make, entry: dict[str, Any], made: list[Sold]) -> AsyncIterator[Life]:
    database = await make()
    await registered(database, made)
    life = Life(database, entry)
    yield life
    await life.aclose()
    await database.aclose()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", [EVERY, pytest.param(1, marks=pytest.mark.prove)])
async def test_a_kill_at_any_statement_commit_piece_or_call_changes_nothing_in_the_end(
    step: int,
    fresh_database: Make,
    entry: dict[str, Any],
    made: list[Sold],
    body: bytes,
) -> None:
    async with alive(fresh_database, entry, made) as undisturbed:
        await undisturbed.live()
        moments, expected = undisturbed.moments.passed, await undisturbed.outcome()
    assert expected["document"] == body
    assert len(expected["journals"]) == 1
    for last in range(1, moments + 1, step):
        async with alive(fresh_database, entry, made) as life:
            with pytest.raises(Killed):
                await life.live(last)
            await life.live()
            assert await life.outcome() == expected, f"killed at moment {last} of {moments}"
    print(f"killed at {len(range(1, moments + 1, step))} of {moments} moments: each time the same end")


FETCHING = "fetch_settlements"
POSTING = ("prove_settlement", "keep_settlement", "match_settlement", "book_settlement", "pay_orders")


class Workers:
    """Worker processes, one after the other; each dies at a moment of its own, by `kill -9`."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        self.killed: list[str] = []

    async def until_killed(self, step: str, moment: int, done: asyncio.Future[Any]) -> None:
        """Let one work until it is dead, or nothing is left to do."""
        async with self._working(step, moment) as process:
            ended = asyncio.ensure_future(process.wait())
            await asyncio.wait([ended, done], return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                assert process.returncode == -signal.SIGKILL
                self.killed.append(step)

    async def until_done(self, done: asyncio.Future[Any]) -> None:
        async with self._working("nothing", 0):
            await done

    @asynccontextmanager
    async def _working(self, step: str, moment: int) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.settlement.dying", cwd=REPOSITORY, stdin=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({**self._told, "dies_in": step, "dies_at": moment}).encode())
        process.stdin.close()
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.fixture
async def systems() -> AsyncIterator[Systems]:
    listener = free_socket()
    running = Systems(Sandbox(SandboxOptions(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}")))
    async with served(running.routes, listener):
        yield running
    await running.aclose()


async def invoiced(systems: Systems, made: list[Sold]) -> None:
    """The ERP has an invoice of each order, so that there is something to pay."""
    erp = RestErp(connection(systems.erp.connection()))
    for paid in made:
        order = paid.order
        units = {line.line_id: line.quantity for line in order.lines}
        parts = tuple(
            ComponentLine(line_id=each.line_id, item=each.sku, per_unit=1, quantity=each.quantity, amount=each.goods)
            for each in order.lines
        )
        await erp.create_order(ErpOrder(order=order, components=parts, seller_tax=order.totals.seller_tax), retry=False)
        shipped = ConfirmedParcel(
            order_key=order.key, correlation_id=str(order.correlation_id), shipment_id="P-1", package_number=1,
            carrier="DHL", tracking="1", shipped_at=SHIPPED, units=units,
        )  # fmt: skip
        await erp.post_invoice(shipped, retry=False)
    await erp.aclose()


async def test_workers_that_are_killed_in_each_step_post_a_settlement_once(
    database_url: str,
    temporal_client: Client,
    temporal_server: LocalTemporal,
    systems: Systems,
    entry: dict[str, Any],
    made: list[Sold],
    body: bytes,
) -> None:
    chance, database = random.Random(5), Database(database_url)
    await registered(database, made)
    await invoiced(systems, made)
    told = {"database": database_url, "temporal": temporal_server.address, "channel": entry}
    workers = Workers({**told, "erp": systems.erp.connection()})
    fetch = await temporal_client.start_workflow(
        SettlementSync.run, ACCOUNT, id=f"fetch/{uuid4()}", task_queue=policy.channel_queue("amazon")
    )
    fetched = asyncio.ensure_future(fetch.result())
    await workers.until_killed(FETCHING, chance.randint(3, 9), fetched)
    await workers.until_done(fetched)
    event_id, document = await kept_document(database)
    assert document == body
    post = await temporal_client.start_workflow(
        SettlementWorkflow.run, event_id, id=f"test/{uuid4()}", task_queue=policy.SETTLEMENT_QUEUE
    )
    posted = asyncio.ensure_future(post.result())
    for step in POSTING:
        await workers.until_killed(step, chance.randint(2, 6), posted)
    await workers.until_done(posted)
    assert workers.killed == [FETCHING, *POSTING]
    assert fetched.result() == 1
    result = posted.result().result
    assert result is not None
    assert result.matched + result.residual == result.payout
    assert result.lines == sum(len(each.lines) for each in made) + 1
    async with database.session() as session:
        told_orders = await session.scalar(text("SELECT count(*) FROM outbox"))
        sums = await session.execute(text("SELECT count(*), count(DISTINCT number) FROM settlement_line"))
    assert sums.one() == (result.lines, result.lines)
    assert told_orders == len(made) == result.orders
    assert len(systems.effects("erp/journal_posted")) == 1
    paid = [each["key"] for each in systems.effects("erp/payment_posted")]
    assert len(paid) == len(set(paid)) > 0
    await database.aclose()
    print(f"killed in {', '.join(workers.killed)}: {result.lines} lines, 1 journal, {len(paid)} payments, each once")
