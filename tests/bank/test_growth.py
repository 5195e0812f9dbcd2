"""Matching costs what the lines and the payouts are, and not their product: the worst of lists, at two lengths."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

import pytest

from models.bank import StatementLine
from models.money import Money
from models.payouts import MatchedBy, Payout, matches
from models.settlement import SettlementKey

SENT = date(2026, 9, 10)
FEW, MANY = 500, 2000


def name(number: int) -> str:
    """Ids of several words: of cycles, which begin alike, and of channels that count in UUIDs."""
    if number % 2:
        return f"2026-11-14..2026-11-{number}"
    return str(UUID(int=number * 7919))


def payouts(count: int, amount: int | None = None) -> list[Payout]:
    return [
        Payout(
            key=SettlementKey(channel="amazon", account="EU", settlement_id=name(number)),
            amount=Money.of(amount or number + 1, "EUR"),
            sent_on=SENT + timedelta(days=number % 30),
            arrived=Money.zero("EUR"),
        )
        for number in range(count)
    ]


def line(number: int, amount: int, text: str) -> StatementLine:
    return StatementLine(
        bank_account="House bank",
        line_id=f"L{number}",
        booked_on=SENT + timedelta(days=number % 30 + 1),
        amount=Money.of(amount, "EUR"),
        text=text,
    )


def named(count: int) -> tuple[list[StatementLine], list[Payout]]:
    return [line(number, number + 1, f"SEPA {name(number)}/EREF+2026") for number in range(count)], payouts(count)


def by_amount(count: int) -> tuple[list[StatementLine], list[Payout]]:
    return [line(number, number + 1, "SEPA credit transfer") for number in range(count)], payouts(count)


def all_alike(count: int) -> tuple[list[StatementLine], list[Payout]]:
    """Rent that nobody asked about, of just the amount that every payout has."""
    return [line(number, 5, "2026-11-14 rent") for number in range(count)], payouts(count, amount=5)


Case = Callable[[int], tuple[list[StatementLine], list[Payout]]]
CASES: dict[Case, MatchedBy | None] = {named: MatchedBy.REFERENCE, by_amount: MatchedBy.AMOUNT, all_alike: None}


@pytest.mark.parametrize("case", CASES, ids=["named", "by amount", "all alike"])
def test_matching_four_times_as_much_takes_about_four_times_as_long(case: Case) -> None:
    seconds: dict[int, float] = {}
    for count in (FEW, MANY):
        lines, expected = case(count)
        runs = []
        for _ in range(3):
            began = time.process_time()
            found = matches(lines, expected)
            runs.append(time.process_time() - began)
        seconds[count] = min(runs)
        assert [match.by for match in found] == [CASES[case]] * (count if CASES[case] else 0)
    # Each with each would be 16 times as long. Of the processor's time: what else runs here does not count.
    assert seconds[MANY] < 9 * seconds[FEW], seconds
    assert seconds[MANY] < 3, seconds
