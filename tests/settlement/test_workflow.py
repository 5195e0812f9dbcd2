"""The settlement workflow on a real Temporal: its worker is killed in the middle, and the books get one journal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker
from typer.testing import CliRunner, Result

from activities import settlement as steps
from activities.alive import Alive
from activities.settlement import SettlementActivities
from activities.settlement_books import SettlementBookActivities
from cli.app import app
from connectors.providers import FORMATS
from models.ledger import AccountRole
from models.matching import Fault
from models.settlement import LineType, SettlementKey
from models.settlement_books import WriteOff
from store import cases, settlement_rules, settlement_views
from store.database import Database
from tests.recorded import FOLDER, keep, recorded, replay
from tests.settlement.books import Books
from tests.settlement.documents import arrived, registered, report
from tests.settlement.faults import settlement
from workflows import policy
from workflows.settlement import SettlementRepost, SettlementWorkflow, SettlementWriteOff

KEY = SettlementKey(channel="amazon", account="EU", settlement_id="281")


WORKFLOWS = [SettlementWorkflow, SettlementRepost, SettlementWriteOff]
POSTED, REPOSTED, GIVEN_UP = (
    FOLDER / "settlement" / f"{name}.json" for name in ("posted", "posted-again", "written-off")
)


@asynccontextmanager
async def working(client: Client, queue: str, database: Database, books: Books) -> AsyncIterator[SettlementActivities]:
    activities = SettlementActivities(FORMATS, database, {("amazon", "EU"): "Sports GmbH"})
    bookings = SettlementBookActivities(books, database)
    worker = Worker(
        client,
        task_queue=queue,
        workflows=WORKFLOWS,
        activities=[*activities.activities, *bookings.activities],
        interceptors=[Alive()],
    )
    async with worker:
        yield activities


@pytest.fixture
def command(
    database_url: str, temporal_client: Client, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Awaitable[Result]]:
    """`starter.py settlements` on the test's database and Temporal."""
    monkeypatch.setenv("ORDERYARD_DATABASE_URL", database_url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_client.service_client.config.target_host)

    async def run(*words: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["settlements", *words])

    return run


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> str:
    """With small batches, so that there is a middle."""
    monkeypatch.setattr(steps, "BATCH_LINES", 50)
    monkeypatch.setattr(steps, "BATCH_ORDERS", 5)
    return policy.SETTLEMENT_QUEUE


async def test_a_worker_that_dies_in_the_middle_is_followed_by_one_that_goes_on(
    database: Database, temporal_client: Client, queue: str
) -> None:
    made = settlement(400, 0.05, 1)
    await registered(database, made)
    event_id = await arrived(database, report(made))
    books = Books()
    handle = await temporal_client.start_workflow(
        SettlementWorkflow.run, event_id, id=f"test/{uuid4()}", task_queue=queue
    )
    async with working(temporal_client, queue, database, books):
        await _some_orders_are_matched(database)
    async with working(temporal_client, queue, database, books):
        posted = await handle.result()
    assert posted.result is not None
    assert posted.result.matched + posted.result.residual == posted.result.payout
    assert posted.result.lines == sum(len(each.lines) for each in made)
    async with database.session() as session:
        told = await session.scalar(text("SELECT count(*) FROM outbox"))
        (summary,) = await settlement_views.find(session)
    assert told == len(made) == posted.result.orders
    (journal,) = books.journals.values()
    assert (journal.entity, summary.journal, summary.entity) == ("Sports GmbH", "JE-1", "Sports GmbH")
    paid = {payment.order_key.external_id for payment in books.payments.values()}
    sure = {each.order.key.external_id for each in made if each.fault is not Fault.MISSING}
    assert sure - {"302-1"} <= paid < {each.order.key.external_id for each in made}


async def _some_orders_are_matched(database: Database) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.session() as session:
                if await session.scalar(text("SELECT matched_to FROM settlement")):
                    return
            await asyncio.sleep(0)


async def test_a_repost_reverses_the_journal_and_books_a_new_one(
    database: Database, temporal_client: Client, queue: str
) -> None:
    made = settlement(60, 0, 2)
    await registered(database, made)
    books = Books()
    async with working(temporal_client, queue, database, books):
        handle = await temporal_client.start_workflow(
            SettlementWorkflow.run, await arrived(database, report(made)), id=f"test/{uuid4()}", task_queue=queue
        )
        await handle.result()
        shipped = FORMATS["amazon"].settlement_rules
        async with database.session() as session:
            await settlement_rules.apply(session, shipped.model_copy(update={"version": 2}), shipped, "anna")
        again = await temporal_client.start_workflow(SettlementRepost.run, KEY, id=f"test/{uuid4()}", task_queue=queue)
        result = await again.result()
    await keep(handle, POSTED)
    await keep(again, REPOSTED)
    assert result.matched == result.payout
    assert books.reversed == ["amazon/EU#settlement:281"]
    assert list(books.journals) == ["amazon/EU#settlement:281", "amazon/EU#settlement:281#2"]


async def test_a_journal_that_the_erp_refuses_is_a_case_and_the_orders_are_told_all_the_same(
    database: Database, temporal_client: Client, queue: str
) -> None:
    made = settlement(20, 0, 2)
    await registered(database, made)
    books = Books()
    books.closed = True
    async with working(temporal_client, queue, database, books):
        await temporal_client.execute_workflow(
            SettlementWorkflow.run, await arrived(database, report(made)), id=f"test/{uuid4()}", task_queue=queue
        )
        async with database.session() as session:
            (case,) = await cases.find(session)
        assert "the period is closed" in case.reason
        books.closed, books.payouts_on = False, AccountRole.TRANSIT
        await temporal_client.execute_workflow(SettlementRepost.run, KEY, id=f"test/{uuid4()}", task_queue=queue)
    async with database.session() as session:
        assert await cases.find(session) == []
    assert books.reversed == []
    assert len(books.journals) == 1


async def test_finance_gives_a_residual_up_and_the_books_are_told_once(
    database_url: str, temporal_client: Client, queue: str, command: Callable[..., Awaitable[Result]]
) -> None:
    database = Database(database_url)
    made = settlement(1, 0, 3)
    made[0].change(LineType.GOODS, Decimal("2.41"))
    await registered(database, made)
    books = Books()
    line = f"{KEY}#1"
    async with working(temporal_client, queue, database, books):
        await temporal_client.execute_workflow(
            SettlementWorkflow.run, await arrived(database, report(made)), id=f"test/{uuid4()}", task_queue=queue
        )
        books.closed = True
        refused = await command("write-off", line, "--note", "cents", "--actor", "anna")
        assert (refused.exit_code, "the period is closed" in " ".join(refused.output.split())) == (1, True)
        books.closed = False
        done = await command("write-off", line, "--note", "cents", "--actor", "anna")
        assert done.exit_code == 0, done.output
        again = await command("write-off", line, "--note", "cents")
        assert (again.exit_code, "has no open residual" in again.output) == (1, True)
    assert "written off by anna: cents" in (await command("explain", line)).output
    assert list(books.journals)[1:] == ["amazon/EU#settlement:281#1:write-off"]
    await database.aclose()


async def test_a_repost_into_a_period_that_was_closed_since_says_what_to_do(
    database_url: str, temporal_client: Client, queue: str, command: Callable[..., Awaitable[Result]]
) -> None:
    database, books = Database(database_url), Books()
    async with working(temporal_client, queue, database, books):
        await _posted(database, temporal_client, queue)
        books.closed = True
        refused = await command("repost", str(KEY))
        assert (refused.exit_code, list(books.journals), books.reversed) == (1, ["amazon/EU#settlement:281"], [])
        told = f"settlement {KEY} is not reposted, the books refuse it: the period is closed; reopen the period, then"
        assert f"{told} repost" in _words(refused)
        books.closed = False
        done = await command("repost", str(KEY))
    assert done.exit_code == 0, done.output
    assert (len(books.journals), len(books.reversed)) == (2, 1)
    await database.aclose()


async def test_what_the_books_do_not_know_any_more_is_to_be_corrected_there(
    database_url: str, temporal_client: Client, queue: str, command: Callable[..., Awaitable[Result]]
) -> None:
    database, books = Database(database_url), Books()
    async with working(temporal_client, queue, database, books):
        await _posted(database, temporal_client, queue)
        books.journals.clear()
        refused = await command("repost", str(KEY))
    assert "the books refuse it: no such journal; correct it there, then repost" in _words(refused)
    assert refused.exit_code == 1
    await database.aclose()


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("settlement-repost/{}", ("repost", "{}"), "settlement {} is being reposted already: wait for that"),
        (
            "settlement-write-off/{}#1",
            ("write-off", "{}#1", "--note", "x"),
            "line 1 of {} is being written off already: wait for that",
        ),
    ],
    ids=["repost", "write-off"],
)
async def test_what_is_being_done_is_not_begun_a_second_time_and_can_be_ended(
    name: str, words: tuple[str, ...], told: str, database_url: str, temporal_client: Client, queue: str,
    command: Callable[..., Awaitable[Result]],
) -> None:  # fmt: skip
    database = Database(database_url)
    async with working(temporal_client, queue, database, Books()):
        await _posted(database, temporal_client, queue)
    asked = ["settlements", *(word.format(KEY) for word in words)]
    first = await asyncio.create_subprocess_exec(sys.executable, "starter.py", *asked, stderr=asyncio.subprocess.PIPE)
    handle = temporal_client.get_workflow_handle(name.format(KEY))
    try:
        await _is_running(handle)
        second = await command(*asked[1:])
        assert (second.exit_code, told.format(KEY) in _words(second)) == (1, True), second.output
    finally:
        await handle.terminate()
    _, said = await first.communicate()
    assert (first.returncode, "the workflow was ended before it was done: " in said.decode()) == (1, True), said
    await database.aclose()


async def _is_running(handle: WorkflowHandle[Any, Any]) -> None:
    """Now: an earlier one of the same id may have ended."""
    async with asyncio.timeout(60):
        while True:
            try:
                if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
                    return
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            await asyncio.sleep(0)


async def _posted(database: Database, client: Client, queue: str) -> None:
    made = settlement(1, 0, 3)
    made[0].change(LineType.GOODS, Decimal("2.41"))
    await registered(database, made)
    event_id = await arrived(database, report(made))
    await client.execute_workflow(SettlementWorkflow.run, event_id, id=f"test/{uuid4()}", task_queue=queue)


def _words(said: Result) -> str:
    return " ".join(said.output.split())


async def test_a_write_off_is_told_to_the_books_by_a_workflow(
    database: Database, temporal_client: Client, queue: str
) -> None:
    made = settlement(1, 0, 3)
    made[0].change(LineType.GOODS, Decimal("2.41"))
    await registered(database, made)
    off = WriteOff(key=KEY, number=1, actor="anna", note="cents", on=date(2026, 9, 30))
    async with working(temporal_client, queue, database, Books()):
        await temporal_client.execute_workflow(
            SettlementWorkflow.run, await arrived(database, report(made)), id=f"test/{uuid4()}", task_queue=queue
        )
        handle = await temporal_client.start_workflow(
            SettlementWriteOff.run, off, id=f"test/{uuid4()}", task_queue=queue
        )
        assert await handle.result()
    await keep(handle, GIVEN_UP)


@pytest.mark.parametrize("path", [POSTED, REPOSTED, GIVEN_UP], ids=lambda path: path.stem)
async def test_a_recorded_settlement_still_replays(path: Path) -> None:
    await replay(recorded(path), WORKFLOWS)
