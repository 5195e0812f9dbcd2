"""A journal balances, in each currency, or it is not a journal."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from models.ledger import AccountRole, Journal, JournalLine
from models.money import Money


def line(amount: str, currency: str = "EUR", source: str = "") -> JournalLine:
    return JournalLine(account=AccountRole.BANK, amount=Money.of(amount, currency), source=source)


def journal(*lines: JournalLine) -> Journal:
    return Journal(journal_id="amazon/EU-DE#settlement:S-1", correlation_id="c-1", on=date(2026, 11, 25), lines=lines)


def test_debits_and_credits_add_up_to_nothing_in_each_currency() -> None:
    assert len(journal(line("5.00"), line("-5.00"), line("1", "JPY"), line("-1", "JPY")).lines) == 4


def test_a_journal_that_does_not_balance_names_the_currency_and_the_difference() -> None:
    with pytest.raises(ValidationError, match=r"does not balance: \{'JPY': '2'\}"):
        journal(line("5.00"), line("-5.00"), line("2", "JPY"))


def test_currencies_do_not_balance_each_other() -> None:
    with pytest.raises(ValidationError, match="does not balance"):
        journal(line("5.00"), line("-5.00", "USD"))


def test_a_source_stands_in_a_journal_once() -> None:
    with pytest.raises(ValidationError, match="more than one line for S-1#12"):
        journal(line("5.00", source="S-1#12"), line("-5.00", source="S-1#12"))
