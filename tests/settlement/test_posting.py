"""A settlement is posted in steps that survive an end at any line; again, it changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.testing import ActivityEnvironment

from activities import settlement as steps
from activities.settlement import SettlementActivities
from connectors.providers import FORMATS
from models.channel import RefundReason
from models.ledger import AccountRole
from models.money import Money
from models.order import Parcel
from models.refunds import Refund, RefundClaim, RefundedLine, RefundState
from models.settlement import LineType, SettlementKey, SettlementResult
from models.settlement_books import WriteOff
from models.settlement_rules import LabelRule
from models.worth import Worth
from store import cases, orders, outbox, settlement_books, settlement_rules, settlements, write_offs
from store.database import Database
from store.tables import RefundRow
from tests.settlement.documents import arrived, registered, report
from tests.settlement.faults import CLOSED, PAID, PLANT, RATE, SHIPPED, Sold, euros, settlement

FIVE = euros("5.00")
KEY = SettlementKey(channel="amazon", account="EU", settlement_id="281")


class Killed(BaseException):
    """The worker is gone."""


class Mortal(Database):
    """The worker that uses it dies before its n-th transaction from now."""

    left = 0

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        self.left -= 1
        if self.left < 0:
            raise Killed
        async with super().session() as session:
            yield session


async def run(activities: SettlementActivities, event_id: int) -> SettlementResult:
    environment = ActivityEnvironment()
    proven = await environment.run(activities.prove_settlement, event_id)
    assert proven.refused is None
    await environment.run(activities.keep_settlement, event_id)
    result: SettlementResult = await environment.run(activities.match_settlement, proven.settlements[0])
    return result


async def state(database: Database) -> Mapping[str, Any]:
    """Everything that a posting leaves behind, but for times and serial numbers."""
    queries = (
        "SELECT settlement_id, payout, matched, residual, result, lines, kept, status, revision FROM settlement",
        "SELECT settlement_id, number, type, amount, order_key, matched_amount, fault, settled_by FROM settlement_line",
        "SELECT settlement_id, order_key, received, fees, refunds FROM settlement_order",
        "SELECT order_key, fault, component, amount, settled_by FROM settlement_finding",
        "SELECT workflow_id, message, payload FROM outbox",
        "SELECT case_id, reason FROM exception_case",
    )
    async with database.session() as session:
        return {query: sorted(str(row) for row in (await session.execute(text(query))).all()) for query in queries}


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "BATCH_LINES", 7)
    monkeypatch.setattr(steps, "BATCH_ORDERS", 3)


def planted(lines: int = 120, seed: int = 1) -> list[Sold]:
    return settlement(lines, 0.05, seed)


async def test_every_fault_that_is_planted_in_a_file_is_found_in_the_store_and_none_is_invented(
    database: Database,
) -> None:
    """The file is read, its labels are classified, and the store says what was sold, sent, paid back and agreed."""
    made = planted(2000, 7)
    await _known_with_parcels_and_refunds(database, made)
    await _agreed_on(database, RATE)
    result = await run(SettlementActivities(FORMATS, database), await arrived(database, report(made)))
    assert result.matched + result.residual == result.payout
    found: dict[str, set[str]] = {}
    async with database.session() as session:
        for order_key, fault in await session.execute(text(FAULTS)):
            found.setdefault(order_key, set()).add(fault)
    assert found == {str(each.order.key): {each.fault.value} for each in made if each.fault}
    counts = Counter(fault for faults in found.values() for fault in faults)
    assert set(counts) == {fault.value for fault in PLANT}
    print(f"{result.lines} lines of {result.orders} orders in the store, found {dict(sorted(counts.items()))}")


FAULTS = """
    SELECT order_key, fault FROM settlement_line WHERE fault IS NOT NULL
    UNION ALL SELECT order_key, fault FROM settlement_finding
"""


async def _known_with_parcels_and_refunds(database: Database, made: list[Sold]) -> None:
    parcels = (Parcel(parcel_id="1", shipped_at=SHIPPED),)
    async with database.session() as session:
        for paid in made:
            await orders.register(session, paid.order.model_copy(update={"parcels": parcels}), 1)
            for refund in paid.refunds:
                name = f"{paid.order.key.external_id}-{refund.refund_id}"
                session.add(_refund(paid, name, RefundState.DONE, refund.total, PAID))


async def _agreed_on(database: Database, rate: Decimal) -> None:
    """The contract's commission, as finance writes it into the rules."""
    shipped = FORMATS["amazon"].settlement_rules
    contract = shipped.contract.model_copy(update={"commission_rate": rate})
    async with database.session() as session:
        agreed = shipped.model_copy(update={"version": shipped.version + 1, "contract": contract})
        await settlement_rules.apply(session, agreed, shipped, "anna")


@pytest.mark.usefixtures("small_batches")
async def test_it_survives_a_kill_at_any_step_and_ends_as_if_nothing_had_happened(
    database: Database, database_url: str
) -> None:
    made = planted()
    body = report(made, more=[("", "ServiceFee", "other-transaction", "Subscription Fee", "-39.99")])
    await registered(database, made)
    undisturbed = await run(SettlementActivities(FORMATS, database), await arrived(database, body))
    mortal = Mortal(database_url)
    mortal.left = 100
    await registered(mortal, made)
    event_id = await arrived(mortal, body)
    kills = 0
    result = None
    while result is None:
        # A little longer with each life, so that it is killed at every step, and at some twice.
        mortal.left = 4 + kills
        try:
            result = await run(SettlementActivities(FORMATS, mortal), event_id)
        except Killed:
            kills += 1
    mortal.left = 100
    assert result == undisturbed
    assert kills > 5
    assert await state(mortal) == await state(database)
    await mortal.aclose()
    print(f"killed {kills} times: {result.lines} lines of {result.orders} orders, posted once")


async def test_the_second_posting_of_the_same_file_changes_nothing(database: Database) -> None:
    made = planted()
    await registered(database, made)
    event_id = await arrived(database, report(made))
    activities = SettlementActivities(FORMATS, database)
    first = await run(activities, event_id)
    before = await state(database)
    assert await run(activities, event_id) == first
    assert await run(activities, await arrived(database, report(made), "settlement:again")) == first
    assert await state(database) == before


async def test_the_journal_balances_and_clears_exactly_what_is_matched(database: Database) -> None:
    made = planted(400, 3)
    await registered(database, made)
    result = await run(SettlementActivities(FORMATS, database), await arrived(database, report(made)))
    async with database.session() as session:
        journal = await settlement_books.journal(session, KEY)
        page = await settlement_books.next_payments(session, KEY, None, 10_000)
        unexplained = await session.scalar(text(UNEXPLAINED))
    assert journal is not None
    by_role = {role: sum(line.amount.amount for line in journal.lines if line.account is role) for role in AccountRole}
    assert by_role[AccountRole.BANK] == result.payout.amount
    assert by_role[AccountRole.TAX_CHANNEL] == 0
    assert len([line for line in journal.lines if line.account is AccountRole.TAX_CHANNEL]) == 2
    # Payments debit what the journal credits: what is left on the clearing account is what nobody has explained.
    payments = [each for order in page.orders for each in (order.paid, order.refunded) if each]
    paid = sum(payment.amount.amount for payment in payments)
    assert by_role[AccountRole.CLEARING] + paid == -Decimal(unexplained)
    assert len({payment.payment_id for payment in payments}) == len(payments)


UNEXPLAINED = "SELECT sum(residual_amount) FROM settlement_line WHERE fault NOT IN ('no_order', 'reserve')"


async def test_a_label_that_is_learnt_is_posted_again_under_the_new_rules(database: Database) -> None:
    (paid,) = settlement(1, 0, 2)[:1]
    await registered(database, [paid])
    levy = [(paid.order.key.external_id, "Order", "MoonPhase", "Levy", "-0.42")]
    activities = SettlementActivities(FORMATS, database)
    first = await run(activities, await arrived(database, report([paid], more=levy)))
    assert first.residuals == {"Order / MoonPhase / Levy": -euros("0.42")}
    async with database.session() as session:
        (case,) = [each for each in await cases.find(session) if each.detail["fault"] == "unknown_label"]
    shipped = FORMATS["amazon"].settlement_rules
    taught = {**shipped.model_dump(), "version": 2, "rules": [_rule("order", "moonphase", "levy"), *shipped.rules]}
    async with database.session() as session:
        await settlement_rules.apply(session, type(shipped).model_validate(taught), shipped, "anna")
    environment = ActivityEnvironment()
    assert await environment.run(activities.reopen_settlement, KEY) == 2
    assert await environment.run(activities.reopen_settlement, KEY) == 2
    again = await environment.run(activities.match_settlement, KEY)
    assert (again.residuals, again.matched, str(again.residual)) == ({}, again.payout, "0.00 EUR")
    async with database.session() as session:
        told = [message.payload for message in await outbox.claim(session, 10)]
        assert case.case_id not in [each.case_id for each in await cases.find(session)]
        (row,) = await settlements.find(session)
        journal = await settlement_books.journal(session, KEY)
    assert row == again
    assert [(each["settlement_id"], each["fees"]["amount"]) for each in told][1:] == [("281#2", "-0.42")]
    assert journal is not None
    assert journal.journal_id.endswith("#settlement:281#2")


async def test_a_correction_in_a_later_settlement_settles_the_earlier_residual_and_finding(database: Database) -> None:
    over, short = settlement(20, 0, 9)[:2]
    line, other = over.lines[0], short.lines[0]
    over.lines[0] = line.model_copy(update={"amount": line.amount + euros("5.00")})
    short.lines[0] = other.model_copy(update={"amount": other.amount - euros("3.00")})
    await registered(database, [over, short])
    activities = SettlementActivities(FORMATS, database)
    await run(activities, await arrived(database, report([over, short])))
    corrections = [Sold(over.order), Sold(short.order)]
    corrections[0].add(line.type, "-5.00", line_id=line.line_id)
    corrections[1].add(other.type, "3.00", line_id=other.line_id)
    result = await run(activities, await arrived(database, report(corrections, "282"), "settlement:282"))
    assert (str(result.residual), result.matched) == ("0.00 EUR", result.payout)
    async with database.session() as session:
        settled = (
            await session.execute(text("SELECT fault, settled_by FROM settlement_line WHERE fault IS NOT NULL"))
        ).all()
        closed = (await session.execute(text("SELECT fault, settled_by FROM settlement_finding"))).all()
    assert [tuple(row) for row in settled] == [("over_paid", "line 282#1")]
    assert [tuple(row) for row in closed] == [("short_paid", "amazon/EU/282")]


async def test_an_order_that_no_settlement_names_is_missing_once_its_money_is_due(database: Database) -> None:
    named, forgotten, fresh = settlement(30, 0, 11)[:3]
    await registered(database, [named])
    parcels = (Parcel(parcel_id="1", shipped_at=SHIPPED),)
    async with database.session() as session:
        for paid, days in ((forgotten, 60), (fresh, 5)):
            sent = paid.order.model_copy(update={"parcels": parcels})
            await orders.register(session, sent, 1)
            await session.execute(
                text("UPDATE orders SET state = 'shipped', released_at = :at WHERE order_key = :key"),
                {"at": CLOSED - timedelta(days=days), "key": str(paid.order.key)},
            )
    await run(SettlementActivities(FORMATS, database), await arrived(database, report([named])))
    async with database.session() as session:
        found = (await session.execute(text("SELECT DISTINCT order_key, fault FROM settlement_finding"))).all()
    assert [tuple(row) for row in found] == [(str(forgotten.order.key), "missing")]


async def test_a_reserve_is_settled_by_the_settlement_that_pays_it_out(database: Database) -> None:
    held = [("", "other-transaction", "other-transaction", "Current Reserve Amount", "-50.00")]
    freed = [("", "other-transaction", "other-transaction", "Previous Reserve Amount Balance", "50.00")]
    activities = SettlementActivities(FORMATS, database)
    await run(activities, await arrived(database, report([], more=held)))
    await run(activities, await arrived(database, report([], "282", more=freed), "settlement:282"))
    async with database.session() as session:
        rows = (await session.execute(text("SELECT settlement_id, settled_by FROM settlement_line ORDER BY 1"))).all()
        off = WriteOff(key=KEY, number=1, actor="anna", note="given up", on=date(2026, 9, 30))
        assert not await write_offs.give_up(session, off, booked=True)
    assert [tuple(row) for row in rows] == [("281", "line 282#1"), ("282", "line 281#1")]


async def test_a_file_that_does_not_add_up_is_quarantined_whole(database: Database) -> None:
    made = planted()
    await registered(database, made)
    body = report(made).replace(b"\t-3.20\t", b"\t-3.21\t", 1)
    proven = await ActivityEnvironment().run(
        SettlementActivities(FORMATS, database).prove_settlement, await arrived(database, body)
    )
    assert "difference -0.01" in str(proven.refused)
    async with database.session() as session:
        assert await settlements.find(session) == []


def _rule(*patterns: str) -> LabelRule:
    return LabelRule(patterns=patterns, type=LineType.FEE)


async def test_a_refund_of_our_own_ledger_is_expected_and_one_that_was_refused_is_not(database: Database) -> None:
    (paid,) = settlement(1, 0, 2)[:1]
    await registered(database, [paid])
    paid.add(LineType.REFUND, "-5.00", "Refund")
    event_id = await arrived(database, report([paid]))
    async with database.session() as session:
        for name, state in (("R-1", RefundState.DONE), ("R-2", RefundState.REFUSED)):
            session.add(_refund(paid, name, state))
    result = await run(SettlementActivities(FORMATS, database), event_id)
    assert (result.residuals, result.matched) == ({}, result.payout)


def _refund(paid: Sold, name: str, state: RefundState, worth: Money = FIVE, at: datetime = PAID) -> RefundRow:
    goods = Worth.nothing("EUR").model_copy(update={"net": worth})
    line = RefundedLine(line_id="L1", units=0, goods=goods, beside=Worth.nothing("EUR"))
    claim = RefundClaim(request_id=name, order_key=paid.order.key, reason=RefundReason.OTHER)
    refund = Refund(claim=claim, state=state, lines=(line,), total=worth)
    return RefundRow(
        request_id=name,
        order_key=str(paid.order.key),
        state=state.value,
        currency="EUR",
        total=worth.amount,
        created_at=at,
        reason="other",
        actor="anna",
        body=refund.model_dump(mode="json"),
    )
