"""A bank statement on a real Temporal: read twice, killed in the middle, refused by the ERP, late."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle

from connectors.bank.statement import read_statement
from models.bank import StatementLine
from models.case import CaseKind
from models.ledger import AccountRole
from store import bank, bank_views, cases, settlement_books
from store.database import Database
from tests.bank.files import IBAN, Moved, camt
from tests.bank.scene import FIRST, SECOND, key, settled, working
from tests.recorded import FOLDER, keep, recorded, replay
from tests.settlement.books import Books
from workflows import policy
from workflows.bank import BankResult, BankRun, BankStatementWorkflow

STATEMENT = FOLDER / "bank" / "statement.json"
WEEK = timedelta(days=7)
FILE = camt(
    Moved("90.11", f"EFT {FIRST}", reference="N-1"),
    Moved("42.00", "EFT", reference="N-2"),
    Moved("7.77", "EFT", reference="N-3"),
    Moved("500.00", "Rent", reference="N-4", counterparty="A tenant"),
)


async def kept(database: Database, content: bytes = FILE) -> int:
    async with database.session() as session:
        return await bank.keep(session, read_statement(content))


async def started(client: Client) -> WorkflowHandle[BankStatementWorkflow, BankResult]:
    return await client.start_workflow(
        BankStatementWorkflow.run, BankRun(), id=f"test/{uuid4()}", task_queue=policy.SETTLEMENT_QUEUE
    )


async def ran(client: Client) -> BankResult:
    return await (await started(client)).result()


async def seen(database: Database) -> bank_views.BankView:
    async with database.session() as session:
        return await bank_views.view(session, ["amazon", "walmart"], WEEK)


async def test_a_statement_is_matched_booked_and_told_and_a_second_time_nothing_changes(
    database: Database, temporal_client: Client
) -> None:
    await settled(database, FIRST, "90.11")
    await settled(database, SECOND, "42.00")
    books = Books()
    async with working(temporal_client, database, books):
        assert await kept(database) == 4
        first = await started(temporal_client)
        assert await first.result() == BankResult(matched=2, booked=2, refused=0, missing=0)
        told = await seen(database)
        assert await kept(database) == 0
        assert await ran(temporal_client) == BankResult(matched=0, booked=0, refused=0, missing=0)
    await keep(first, STATEMENT)
    assert await seen(database) == told
    assert [(each.key, each.by, each.number) for each in told.arrived] == [
        (key(FIRST), "reference", "BNK-1"),
        (key(SECOND), "amount", "BNK-2"),
    ]
    assert [line.line_id for line in told.stray] == ["N-3"]
    booked = books.banked[f"bank/{IBAN}#N-1"]
    assert (booked.payout_of, booked.entity) == (f"amazon/EU#settlement:{FIRST}", "Sports GmbH")
    async with database.session() as session:
        assert await bank_views.words(session, key(FIRST)) == f"arrived on 2026-09-14 at {IBAN}"


class Slow(Books):
    """Answers the first line, and keeps the second waiting until its caller is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()
        self.asks = 0

    async def post_statement_line(self, line: StatementLine, *, retry: bool) -> str:
        number = await super().post_statement_line(line, retry=retry)
        self.asks += 1
        if self.asks == 2:
            self.asked.set()
            await asyncio.Event().wait()
        return number


async def test_a_worker_that_dies_between_two_lines_is_followed_by_one_that_books_the_rest_once(
    database: Database, temporal_client: Client
) -> None:
    await settled(database, FIRST, "90.11")
    await settled(database, SECOND, "42.00")
    await kept(database)
    books = Slow()
    handle = await started(temporal_client)
    async with working(temporal_client, database, books):
        await books.asked.wait()
    async with working(temporal_client, database, books):
        assert (await handle.result()).refused == 0
    assert list(books.banked) == [f"bank/{IBAN}#N-1", f"bank/{IBAN}#N-2"]
    assert books.asks == 3
    assert [each.number for each in (await seen(database)).arrived] == ["BNK-1", "BNK-2"]


async def test_what_the_erp_refuses_is_shown_with_its_reason_and_tried_with_the_next_statement(
    database: Database, temporal_client: Client
) -> None:
    await settled(database, FIRST, "90.11")
    await kept(database)
    books = Books()
    books.closed = True
    async with working(temporal_client, database, books):
        assert (await ran(temporal_client)).refused == 1
        [arrival] = (await seen(database)).arrived
        assert (arrival.number, arrival.refused) == (None, "the period is closed")
        books.closed = False
        assert (await ran(temporal_client)).booked == 1
    [arrival] = (await seen(database)).arrived
    assert (arrival.number, arrival.refused) == ("BNK-1", "")


@pytest.mark.parametrize(
    ("payout_on", "booked", "why"),
    [
        (AccountRole.BANK, True, "its settlement debited the bank at once"),
        (AccountRole.TRANSIT, False, "its settlement is not booked"),
    ],
)
async def test_a_payout_that_is_not_under_way_in_the_erp_is_matched_and_not_booked(
    database: Database, temporal_client: Client, payout_on: AccountRole, booked: bool, why: str
) -> None:
    await settled(database, FIRST, "90.11", payout_on=payout_on, booked=booked)
    await kept(database)
    books = Books()
    async with working(temporal_client, database, books):
        assert await ran(temporal_client) == BankResult(matched=1, booked=0, refused=0, missing=0)
    assert not books.banked
    assert [each.waits_for for each in (await seen(database)).arrived] == [why]


async def test_a_payout_that_no_statement_shows_in_time_is_a_case_until_one_does(
    database: Database, temporal_client: Client
) -> None:
    await settled(database, FIRST, "90.11")
    early, late = Moved("-1.00", on="2026-09-09", reference="E"), Moved("-1.00", on="2026-09-17", reference="L")
    async with working(temporal_client, database, Books()):
        await kept(database, camt(early, late))
        assert (await ran(temporal_client)).missing == 0
        assert [each.key for each in (await seen(database)).under_way] == [key(FIRST)]
        await kept(database, camt(Moved("-1.00", on="2026-09-18", reference="M")))
        assert (await ran(temporal_client)).missing == 1
        assert [each.key for each in (await seen(database)).missing] == [key(FIRST)]
        async with database.session() as session:
            [case] = await cases.find(session, kind=CaseKind.PAYOUT_MISSING)
            assert await bank_views.words(session, key(FIRST)) == "not seen at the bank"
        assert (case.owner, "nothing of it came" in case.reason) == ("finance", True)
        await kept(database)
        assert (await ran(temporal_client)).missing == 0
    async with database.session() as session:
        assert not await cases.find(session, kind=CaseKind.PAYOUT_MISSING)


async def test_a_part_of_a_payout_is_told_as_a_part(database: Database, temporal_client: Client) -> None:
    await settled(database, FIRST, "100.00")
    await kept(database)
    async with working(temporal_client, database, Books()):
        assert (await ran(temporal_client)).matched == 1
    async with database.session() as session:
        told = await bank_views.words(session, key(FIRST))
    assert told == f"arrived on 2026-09-14 at {IBAN}: 90.11 EUR of 100.00 EUR"


async def test_lines_that_came_before_their_settlement_are_matched_once_it_is_there(
    database: Database, temporal_client: Client
) -> None:
    await kept(database)
    async with working(temporal_client, database, None):
        assert (await ran(temporal_client)).matched == 0
        await settled(database, FIRST, "90.11")
        assert (await ran(temporal_client)).matched == 1


async def test_a_settlement_stays_on_the_account_that_its_first_journal_was_booked_on(database: Database) -> None:
    await settled(database, FIRST, "90.11", payout_on=AccountRole.BANK)
    async with database.session() as session:
        await settlement_books.send_payout_to(session, key(FIRST), AccountRole.TRANSIT)
        journal = await settlement_books.journal(session, key(FIRST))
    assert journal is not None
    assert journal.lines[0].account is AccountRole.BANK


async def test_a_recorded_statement_still_replays() -> None:
    await replay(recorded(STATEMENT), [BankStatementWorkflow])
