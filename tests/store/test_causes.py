"""A cause that is gone is told to every order that waits for it, also to one that was just about to wait."""

from __future__ import annotations

import asyncio

from sqlalchemy import extract, func, select, update
from sqlmodel import col

from store import cases, causes, outbox
from store.database import Database
from store.tables import CauseGoneRow, OutboxMessage
from tests.store.examples import NOON
from tests.store.test_cases import a_case

SUBJECT = "tax_code:P9"


async def told(database: Database) -> list[tuple[str, str]]:
    async with database.session() as session:
        rows = await session.scalars(select(OutboxMessage).order_by(col(OutboxMessage.id)))
        return [(row.workflow_id, row.payload["subject"]) for row in rows]


async def test_every_open_case_with_the_subject_is_told_once_a_workflow(database: Database) -> None:
    async with database.session() as session:
        for number, subject in enumerate((SUBJECT, SUBJECT, "tax_code:P8", ""), start=1):
            await cases.upsert(session, a_case(f"C-{number}", workflow_id=f"order/{number}", subject=subject))
        ended = a_case("C-5", workflow_id="order/5", subject=SUBJECT, resolved_at=NOON)
        await cases.upsert(session, ended)
        assert await causes.waiting(session) == {SUBJECT: 2, "tax_code:P8": 1}
        assert await causes.gone(session, SUBJECT, "corrected") == 2
    assert await told(database) == [("order/1", SUBJECT), ("order/2", SUBJECT)]


async def test_a_case_that_opens_just_after_its_cause_went_is_told_a_little_later(database: Database) -> None:
    async with database.session() as session:
        await causes.gone(session, SUBJECT, "corrected")
    async with database.session() as session:
        await cases.upsert(session, a_case(subject=SUBJECT))
    assert await told(database) == [(a_case().workflow_id, SUBJECT)]
    async with database.session() as session:
        assert await outbox.claim(session, 10) == []
        left = extract("epoch", col(OutboxMessage.next_attempt_at) - func.now())
        assert 0 < (await session.scalars(select(left))).one() <= causes.PAUSE.total_seconds()


async def test_a_case_that_opens_long_after_its_cause_went_has_another_cause(database: Database) -> None:
    async with database.session() as session:
        await causes.gone(session, SUBJECT, "corrected")
        await session.execute(update(CauseGoneRow).values(gone_at=NOON))
        await cases.upsert(session, a_case(subject=SUBJECT))
    assert await told(database) == []


async def test_no_order_slips_between_the_fix_and_its_own_waiting(database: Database) -> None:
    async def opens(number: int) -> None:
        async with database.session() as session:
            await cases.upsert(session, a_case(f"C-{number}", workflow_id=f"order/{number}", subject=SUBJECT))

    async def fixed() -> None:
        async with database.session() as session:
            await causes.gone(session, SUBJECT, "corrected")

    await asyncio.gather(*(opens(number) for number in range(20)), fixed(), *(opens(20 + n) for n in range(20)))
    assert {workflow_id for workflow_id, _ in await told(database)} == {f"order/{number}" for number in range(40)}
