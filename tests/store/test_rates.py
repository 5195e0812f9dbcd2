"""Exchange rates: the newest that is not too old, and whoever waits for one is told."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from models.case import Action, CaseKind, ExceptionCase, Resolution
from models.systems import LedgerRate
from store import cases, outbox, rates
from store.database import Database
from tests.store.examples import NOON, a_key

DAY = date(2026, 11, 20)


async def enter(database: Database, rate: str, day: date = DAY, currency: str = "EUR") -> None:
    async with database.session() as session:
        await rates.put(session, currency, "USD", Decimal(rate), day, "ECB")


async def on(database: Database, day: date, currency: str = "EUR") -> LedgerRate | None:
    async with database.session() as session:
        return await rates.on(session, currency, "USD", day)


async def test_the_rate_of_the_day_counts_and_else_the_newest_before_it(database: Database) -> None:
    await enter(database, "1.07", DAY - timedelta(days=2))
    await enter(database, "1.0850")
    await enter(database, "1.20", DAY + timedelta(days=1))
    assert await on(database, DAY) == LedgerRate(currency="USD", rate=Decimal("1.0850"), on=DAY)
    before = DAY - timedelta(days=1)
    assert await on(database, before) == LedgerRate(currency="USD", rate=Decimal("1.07"), on=DAY - timedelta(days=2))


@pytest.mark.parametrize(("age", "found"), [(timedelta(days=7), True), (timedelta(days=8), False)])
async def test_a_rate_is_used_for_a_week_and_not_longer(database: Database, age: timedelta, found: bool) -> None:
    await enter(database, "1.07")
    assert (await on(database, DAY + age) is not None) == found
    assert await on(database, DAY - timedelta(days=1)) is None
    assert await on(database, DAY, "GBP") is None


async def test_a_rate_that_was_entered_wrong_is_corrected(database: Database) -> None:
    await enter(database, "10.8")
    await enter(database, "1.08")
    found = await on(database, DAY)
    assert found is not None
    assert found.rate == Decimal("1.08")


def a_case(number: int, subject: str) -> ExceptionCase:
    key = a_key(number)
    return ExceptionCase(
        case_id=f"{key}~1",
        order_key=key,
        workflow_id=key.workflow_id,
        kind=CaseKind.RATE_MISSING,
        step="terms",
        reason="no rate",
        subject=subject,
        opened_at=NOON,
        allowed=(Action.RETRY, Action.CANCEL),
    )


async def test_every_order_that_waits_for_the_pair_is_told_once_and_no_other(database: Database) -> None:
    waiting, another = a_case(1, "rate:EUR/USD"), a_case(2, "rate:GBP/USD")
    decided = a_case(3, "rate:EUR/USD")
    over = Resolution(case_id=decided.case_id, action=Action.RETRY, actor="kim")
    async with database.session() as session:
        for case in (waiting, another, decided.model_copy(update={"resolved_at": NOON, "resolution": over})):
            await cases.upsert(session, case)
    await enter(database, "1.08")
    async with database.session() as session:
        told = await outbox.claim(session, 10)
    assert [(each.workflow_id, each.message) for each in told] == [(waiting.workflow_id, "cause_gone")]
    assert told[0].payload["subject"] == "rate:EUR/USD"
