"""The terms of an account, with the rate of the purchase's day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from activities.terms import TermsActivities, TermsRequest
from models.systems import LedgerRate
from models.terms import SalesTerms
from store import rates
from store.database import Database
from tests.store.examples import NOON, a_key

TERMS = SalesTerms(entity="Camp Inc", books_currency="USD", partial_shipments=True)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


async def ask(database: Database, currency: str = "EUR", terms: SalesTerms | None = TERMS) -> SalesTerms:
    key = a_key()
    known = {(key.channel, key.account): terms} if terms else {}
    request = TermsRequest(order_key=key, currency=currency, at=NOON)
    return await TermsActivities(known, database).terms_of(request)


async def test_the_rate_into_the_books_comes_with_the_terms(database: Database) -> None:
    async with database.session() as session:
        await rates.put(session, "EUR", "USD", Decimal("1.08"), NOON.date() - timedelta(days=1))
    rate = LedgerRate(currency="USD", rate=Decimal("1.08"), on=NOON.date() - timedelta(days=1))
    assert await ask(database) == TERMS.model_copy(update={"ledger": rate})


async def test_a_rate_that_nobody_has_entered_is_named(database: Database) -> None:
    assert await ask(database) == TERMS.model_copy(update={"rate_missing": "EUR/USD"})


async def test_books_in_the_orders_own_currency_need_no_rate(database: Database) -> None:
    assert await ask(database, "USD") == TERMS


async def test_an_account_without_terms_sells_on_the_usual_ones(database: Database) -> None:
    assert await ask(database, terms=None) == SalesTerms()
