"""Settlements that were booked before the bank was heard stay on the account that they were booked on."""

import asyncio

import psycopg
from alembic import command

from store.migrate import configuration, upgrade
from tests.store.test_migrations import empty_url as empty_url

BEFORE = "0010"
POSTED = """
    INSERT INTO settlement
        (channel, account, settlement_id, currency, payout, matched, residual, result, lines, journal)
    VALUES ('amazon', 'EU', %s, 'EUR', 5, 5, 0, '{}', 1, %s)
"""


async def test_a_payout_that_is_in_the_books_is_on_the_bank_and_one_that_is_not_is_still_free(empty_url: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(empty_url), BEFORE)
    with psycopg.connect(empty_url) as connection:
        for settlement_id, journal in (("281", "JE-1"), ("282", None)):
            connection.execute(POSTED, [settlement_id, journal])
    await upgrade(empty_url)
    with psycopg.connect(empty_url) as connection:
        told = list(connection.execute("SELECT settlement_id, payout_on FROM settlement ORDER BY settlement_id"))
    assert told == [("281", "bank"), ("282", "")]
