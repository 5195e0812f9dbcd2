"""From a settlement to the bank, on a real Tryton: a payout is under way until the statement shows it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.testing import ActivityEnvironment

from activities.bank import BankActivities
from activities.settlement_books import SettlementBookActivities
from connectors.bank.statement import read_statement
from connectors.erp.tryton.provider import TrytonErp
from models.ledger import AccountRole
from models.money import Money
from store import bank, bank_views
from store.database import Database
from tests.bank.files import Moved, camt
from tests.bank.scene import key, settled
from tests.erp_conformance.subject import Running
from tests.erp_conformance.transport import Line
from tests.provider_suite import Servers

OVERDUE = timedelta(days=7)


@pytest.mark.erp
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.timeout(600)
async def test_what_a_settlement_sent_is_under_way_until_the_banks_statement_shows_it(
    servers: Servers[Running], database_url: str
) -> None:
    database, tryton = Database(database_url), (await servers.of("tryton")).provider(Line())
    books, banking = SettlementBookActivities(tryton, database), BankActivities(tryton, database)
    run = ActivityEnvironment().run
    name = uuid4().hex[:12]
    before = await _standing(tryton)
    await settled(database, name, "1234.56", booked=False, entity="")
    assert await run(books.book_settlement, key(name))
    under_way = await _standing(tryton)
    assert under_way[AccountRole.TRANSIT] - before[AccountRole.TRANSIT] == Money.of("1234.56", "EUR")
    async with database.session() as session:
        await bank.keep(session, read_statement(camt(Moved("1234.56", f"EFT {name}", reference=f"N-{name}"))))
    matched = await run(banking.match_bank_lines, OVERDUE)
    assert (await run(banking.book_bank_lines, matched)).booked == 1
    arrived = await _standing(tryton)
    assert arrived[AccountRole.TRANSIT] == before[AccountRole.TRANSIT]
    assert arrived[AccountRole.BANK] - before[AccountRole.BANK] == Money.of("1234.56", "EUR")
    async with database.session() as session:
        assert (await bank_views.words(session, key(name))).startswith("arrived on 2026-09-14")
    await tryton.aclose()
    await database.aclose()


async def _standing(tryton: TrytonErp) -> dict[AccountRole, Money]:
    balances = (await tryton.trial_balance()).balances
    return {
        role: Money.total((each.amount for each in balances if each.role is role), "EUR")
        for role in (AccountRole.TRANSIT, AccountRole.BANK)
    }
