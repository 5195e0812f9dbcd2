"""Which payout a line of the bank's statement brings: by name, by amount where that is certain, never by a guess."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bank import StatementLine
from models.money import Money
from models.payouts import MatchedBy, Payout, from_a_channel, matches
from models.settlement import SettlementKey

SENT = date(2026, 9, 10)


def line(number: int, amount: str, text: str = "", day: int = 4, currency: str = "EUR") -> StatementLine:
    return StatementLine(
        bank_account="House bank",
        line_id=f"L{number}",
        booked_on=SENT + timedelta(days=day),
        amount=Money.of(amount, currency),
        counterparty="Amazon Payments",
        text=text,
    )


def payout(settlement: str, amount: str, *, arrived: str = "0", currency: str = "EUR") -> Payout:
    return Payout(
        key=SettlementKey(channel="amazon", account="EU", settlement_id=settlement),
        amount=Money.of(amount, currency),
        sent_on=SENT,
        arrived=Money.of(arrived, currency),
    )


def told(lines: list[StatementLine], payouts: list[Payout]) -> dict[str, tuple[str, MatchedBy]]:
    return {each.line.line_id: (each.key.settlement_id, each.by) for each in matches(lines, payouts)}


def test_a_line_that_names_the_settlement_brings_it_whatever_the_day() -> None:
    lines = [line(1, "90.11", "EFT 11223344556/AMZN", day=60)]
    assert told(lines, [payout("11223344556", "90.11"), payout("11223344557", "90.11")]) == {
        "L1": ("11223344556", MatchedBy.REFERENCE)
    }


def test_a_named_settlement_is_brought_in_part_by_another_amount_and_then_by_the_rest() -> None:
    named = "Payout 11223344556"
    assert told([line(1, "90.00", named), line(2, "0.11", named)], [payout("11223344556", "90.11")]) == {
        "L1": ("11223344556", MatchedBy.REFERENCE),
        "L2": ("11223344556", MatchedBy.REFERENCE),
    }


def test_of_lines_that_name_it_the_one_with_its_amount_counts_first() -> None:
    named = "Payout 11223344556"
    found = told([line(1, "12.00", named), line(2, "90.11", named)], [payout("11223344556", "90.11")])
    assert found == {"L2": ("11223344556", MatchedBy.REFERENCE)}


def test_a_short_name_counts_with_its_amount_alone() -> None:
    assert not told([line(1, "90.00", "Invoice 281")], [payout("281", "90.11")])
    assert told([line(1, "90.11", "Invoice 281", day=60)], [payout("281", "90.11")])


@pytest.mark.parametrize("text", ["211223344556", "112233445567", "A11223344556"])
def test_a_name_within_a_longer_word_is_not_named(text: str) -> None:
    assert not told([line(1, "90.00", text)], [payout("11223344556", "90.11")])


def test_a_settlement_of_a_second_currency_is_named_by_its_number() -> None:
    lines = [line(1, "90.11", "11223344556", currency="SEK")]
    assert told(lines, [payout("11223344556 SEK", "90.11", currency="SEK"), payout("11223344556", "90.11")]) == {
        "L1": ("11223344556 SEK", MatchedBy.REFERENCE)
    }


def test_without_a_name_the_amount_decides_when_it_can_mean_one_payout_only() -> None:
    assert told([line(1, "90.11")], [payout("281", "90.11"), payout("282", "90.12")]) == {
        "L1": ("281", MatchedBy.AMOUNT)
    }
    assert not told([line(1, "90.11")], [payout("281", "90.11"), payout("282", "90.11")])
    assert not told([line(1, "90.11"), line(2, "90.11")], [payout("281", "90.11")])


@pytest.mark.parametrize(("day", "may"), [(-3, False), (-2, True), (10, True), (11, False)])
def test_the_amount_decides_within_the_days_that_a_payout_takes(day: int, may: bool) -> None:
    assert bool(told([line(1, "90.11", day=day)], [payout("281", "90.11")])) is may


def test_a_payout_that_has_come_is_not_in_question_any_more() -> None:
    assert not told([line(1, "90.11", "281")], [payout("281", "90.11", arrived="90.11")])


def test_a_payout_of_another_currency_is_not_meant() -> None:
    assert not told([line(1, "90.11", "11223344556", currency="USD")], [payout("11223344556", "90.11")])


def test_money_that_a_channel_owes_back_is_matched_as_well() -> None:
    assert told([line(1, "-5.00")], [payout("281", "-5.00")]) == {"L1": ("281", MatchedBy.AMOUNT)}


def test_money_is_from_a_channel_when_the_banks_words_name_one() -> None:
    assert from_a_channel(line(1, "1.00"), ["walmart", "amazon"])
    assert not from_a_channel(line(1, "1.00"), ["walmart"])


amounts = st.sampled_from(["10.00", "20.00", "30.00"])
names = st.sampled_from(["", "11223344551", "11223344552", "unknown 99887766554"])


@given(st.lists(st.tuples(amounts, names, st.integers(-4, 14)), max_size=6), st.lists(amounts, max_size=3))
def test_no_line_is_matched_twice_and_no_match_by_amount_had_an_alternative(
    moved: list[tuple[str, str, int]], sent: list[str]
) -> None:
    lines = [line(number, amount, text, day) for number, (amount, text, day) in enumerate(moved)]
    payouts = [payout(f"1122334455{number}", amount) for number, amount in enumerate(sent, 1)]
    made = matches(lines, payouts)
    assert len({each.line.reference for each in made}) == len(made)
    for each in made:
        if each.by is MatchedBy.AMOUNT:
            same = [other for other in lines if other.amount == each.line.amount]
            others = [other for other in made if other.line in same and other.by is MatchedBy.REFERENCE]
            first, last = payouts[0].days
            open_lines = [o for o in same if o not in [p.line for p in others] and first <= o.booked_on <= last]
            assert open_lines == [each.line]
