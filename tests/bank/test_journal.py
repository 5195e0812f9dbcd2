"""A settlement's journal, where payouts are under way to the bank first."""

from __future__ import annotations

from datetime import UTC, datetime

from models.ledger import AccountRole
from models.matching import Fault
from models.money import Money
from models.settlement import LineType, Statement
from models.settlement_books import Group, journal_of

ZERO = Money.zero("EUR")
PAYOUT, TRANSFER = Money.of("90.00", "EUR"), Money.of("-10.00", "EUR")
STATEMENT = Statement(channel="amazon", account="EU", settlement_id="281", currency="EUR", payout=PAYOUT)
GROUPS = (
    Group(type=LineType.GOODS, matched=PAYOUT - TRANSFER, residual=ZERO, corrected=ZERO, written_off=ZERO),
    Group(
        type=LineType.TRANSFER, fault=Fault.NO_ORDER, matched=ZERO, residual=TRANSFER, corrected=ZERO, written_off=ZERO
    ),
)
ON = datetime(2026, 9, 10, tzinfo=UTC).date()


def test_payout_and_transfers_are_both_where_money_is_under_way() -> None:
    for role in (AccountRole.BANK, AccountRole.TRANSIT):
        journal = journal_of(STATEMENT, 1, GROUPS, ON, payout_on=role)
        assert journal is not None
        on_it = {line.source: str(line.amount) for line in journal.lines if line.account is role}
        assert on_it == {f"281#{role}:payout": "90.00 EUR", f"281#{role}:transfer": "10.00 EUR"}
        assert {line.account for line in journal.lines} == {role, AccountRole.CLEARING}
