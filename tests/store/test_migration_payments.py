"""What the books were told before that was noted: a first posting is asked for once more, a later one counts."""

import asyncio

import psycopg
from alembic import command

from store.migrate import configuration, upgrade
from tests.store.test_migrations import empty_url as empty_url

BEFORE = "0008"
POSTED = """
    INSERT INTO settlement
        (channel, account, settlement_id, currency, payout, matched, residual, result, lines, journal, revision,
        paid_to)
    VALUES ('amazon', 'EU', %s, 'EUR', 5, 5, 0, '{}', 1, 'JE', %s, 'amazon/EU/302-9')
"""
LINE = """
    INSERT INTO settlement_line (channel, account, settlement_id, number, type, label, amount, currency, order_key,
        matched, matched_amount, residual_amount, residual, fault, settled_by)
    VALUES ('amazon', 'EU', %s, %s, %s, '', %s, 'EUR', 'amazon/EU/302-1', %s, %s, %s, %s, %s, %s)
"""
ORDER = """
    INSERT INTO settlement_order (channel, account, settlement_id, order_key, received, fees, refunds)
    VALUES ('amazon', 'EU', %s, 'amazon/EU/302-1', 5, 0, 0)
"""


async def test_payments_and_write_offs_of_before_are_known(empty_url: str) -> None:
    await asyncio.to_thread(command.upgrade, configuration(empty_url), BEFORE)
    with psycopg.connect(empty_url) as connection:
        for name, revision in (("281", 1), ("282", 2)):
            connection.execute(POSTED, [name, revision])
            connection.execute(LINE, [name, 1, "goods", 7, True, 7, 0, None, None, None])
            connection.execute(LINE, [name, 2, "refund", -2, True, -2, 0, None, None, None])
            given_up = "written off by anna: cents"
            connection.execute(LINE, [name, 3, "fee", -1, False, 0, -1, "fee", "fee_differs", given_up])
            connection.execute(ORDER, [name])
    await upgrade(empty_url)
    with psycopg.connect(empty_url) as connection:
        told = list(
            connection.execute(
                "SELECT settlement_id, booked, booked_back, payment_waits FROM settlement_order ORDER BY settlement_id"
            )
        )
        given_up_amounts = list(connection.execute("SELECT given_up_amount FROM settlement_line WHERE number = 3"))
    assert told == [("281", 0, 0, True), ("282", 7, -2, False)]
    assert given_up_amounts == [(-1,), (-1,)]
    await asyncio.to_thread(command.downgrade, configuration(empty_url), BEFORE)
