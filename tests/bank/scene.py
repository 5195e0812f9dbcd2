"""Settlements that are posted and booked, an ERP that keeps what it is told, and a worker between them and the bank."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.worker import Worker

from activities.alive import Alive
from activities.bank import BankActivities
from models.ledger import AccountRole
from models.money import Money
from models.settlement import LineType, Settlement, SettlementKey, SettlementLine
from store import settlement_books, settlements
from store.database import Database
from store.settlement_heads import change
from tests.settlement.books import Books
from workflows import policy
from workflows.bank import BankStatementWorkflow

SENT = datetime(2026, 9, 10, tzinfo=UTC)
FIRST, SECOND = "11223344551", "11223344552"


def key(settlement_id: str) -> SettlementKey:
    return SettlementKey(channel="amazon", account="EU", settlement_id=settlement_id)


async def settled(
    database: Database,
    settlement_id: str,
    amount: str,
    *,
    payout_on: AccountRole = AccountRole.TRANSIT,
    sent: datetime = SENT,
    booked: bool = True,
    entity: str = "Sports GmbH",
) -> None:
    """A settlement that is posted; `booked`: its journal is in the ERP, the payout on this account."""
    payout = Money.of(amount, "EUR")
    line = SettlementLine(number=1, type=LineType.ADJUSTMENT, label="all", amount=payout)
    statement = Settlement(
        channel="amazon",
        account="EU",
        settlement_id=settlement_id,
        currency="EUR",
        payout=payout,
        lines=(line,),
        deposited_at=sent,
    )
    async with database.session() as session:
        await settlements.post(session, statement)
        await change(session, statement.key, entity=entity)
        if booked:
            await settlement_books.send_payout_to(session, statement.key, payout_on)
            await settlement_books.booked_as(session, statement.key, "JE-1")


@asynccontextmanager
async def working(client: Client, database: Database, books: Books | None) -> AsyncIterator[None]:
    bank = BankActivities(books, database)
    worker = Worker(
        client,
        task_queue=policy.SETTLEMENT_QUEUE,
        workflows=[BankStatementWorkflow],
        activities=bank.activities,
        interceptors=[Alive()],
    )
    async with worker:
        yield
