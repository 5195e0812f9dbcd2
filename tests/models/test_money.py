"""Money is exact or it is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.money import Money, MoneyError, minor_unit
from tests.models.strategies import DECIMALS, any_money, currencies, in_units, money, units_of

same_currency = currencies.flatmap(lambda currency: st.tuples(*[money(currency)] * 3))


@pytest.mark.parametrize(("currency", "decimals"), sorted(DECIMALS.items()))
def test_the_minor_unit_is_that_of_iso_4217(currency: str, decimals: int) -> None:
    assert minor_unit(currency) == Decimal(f"1e-{decimals}")
    assert Money.zero(currency).amount.as_tuple().exponent == -decimals


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("12.5", "EUR", "12.50 EUR"),
        ("12.500000", "EUR", "12.50 EUR"),
        ("-0.00", "EUR", "0.00 EUR"),
        ("1E+3", "USD", "1000.00 USD"),
        (1200, "JPY", "1200 JPY"),
        ("1200.00", "JPY", "1200 JPY"),
        (Decimal("1.5"), "KWD", "1.500 KWD"),
        ("1.2345", "CLF", "1.2345 CLF"),
    ],
)
def test_an_amount_is_shown_in_whole_minor_units(amount: str | int | Decimal, currency: str, shown: str) -> None:
    assert str(Money.of(amount, currency)) == shown


@pytest.mark.parametrize(
    "amount",
    [
        12.5, 1.0, float("nan"), float("inf"), True, None, b"12.50", [0, [1], 0], (0, (1,), 0), {}, "", "12,50",
        "12.50 €", "NaN", "sNaN", "Infinity", Decimal("NaN"), Decimal("-Infinity"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_not_an_exact_number_is_refused(amount: Any) -> None:
    with pytest.raises(MoneyError):
        Money.of(amount, "EUR")
    with pytest.raises(ValidationError):
        Money(amount=amount, currency="EUR")


@pytest.mark.parametrize(
    ("amount", "currency"), [("12.505", "EUR"), ("0.5", "JPY"), ("1.0001", "KWD"), ("1e-30", "USD"), ("0.00001", "CLF")]
)
def test_more_decimals_than_the_currency_has_are_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValidationError, match="more decimals"):
        Money.of(amount, currency)


@pytest.mark.parametrize("currency", ["eur", "EURO", "€", "", "ZZZ", "E\u0301R"])
def test_an_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValidationError, match="not an ISO 4217 currency"):
        Money.of("1", currency)


@pytest.mark.parametrize("amount", ["1e27", "123456789012345678901234567.89", "1e999999"])
def test_an_amount_that_cannot_be_exact_is_refused_and_not_rounded(amount: str) -> None:
    with pytest.raises(ValidationError, match="too large"):
        Money.of(amount, "EUR")


def test_a_sum_that_cannot_be_exact_is_refused_and_not_rounded() -> None:
    most = Money.of("99999999999999999999999999.99", "EUR")
    with pytest.raises(ValidationError, match="too large"):
        most + Money.of("0.01", "EUR")
    with pytest.raises(ValidationError, match="too large"):
        most * 3


@given(any_money)
def test_json_keeps_the_amount_as_the_same_text(paid: Money) -> None:
    written = paid.model_dump_json()
    assert json.loads(written) == {"amount": str(paid.amount), "currency": paid.currency}
    read = Money.model_validate_json(written)
    assert (read, str(read)) == (paid, str(paid))


def test_a_fraction_written_as_a_json_number_is_refused_and_a_whole_one_is_exact() -> None:
    with pytest.raises(ValidationError, match="decimal string"):
        Money.model_validate_json('{"amount": 12.5, "currency": "EUR"}')
    assert Money.model_validate_json('{"amount": 12, "currency": "EUR"}') == Money.of("12.00", "EUR")


@given(same_currency)
def test_addition_follows_the_laws_of_arithmetic(drawn: tuple[Money, Money, Money]) -> None:
    a, b, c = drawn
    zero = Money.zero(a.currency)
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + zero == a
    assert a - b == a + -b
    assert a - a == zero
    assert units_of(a + b) == units_of(a) + units_of(b)
    assert Money.total([a, b, c], a.currency) == a + b + c


@given(any_money, st.integers(-50, 50))
def test_a_multiple_is_a_repeated_sum(price: Money, times: int) -> None:
    assert units_of(price * times) == units_of(price) * times
    assert str(price * -times) == str(-(price * times))


@given(any_money)
def test_only_zero_is_false_and_zero_has_no_sign(paid: Money) -> None:
    assert bool(paid) == (units_of(paid) != 0)
    assert str(paid * 0) == str(-Money.zero(paid.currency)) == str(Money.zero(paid.currency))


@given(any_money)
def test_equal_money_has_equal_hashes(paid: Money) -> None:
    again = Money.of(f"{paid.amount}{'' if '.' in str(paid.amount) else '.'}000", paid.currency)
    assert again == paid
    assert hash(again) == hash(paid)


def test_the_sum_of_nothing_is_zero() -> None:
    assert Money.total([], "KWD") == Money.zero("KWD")


def test_two_currencies_are_never_mixed() -> None:
    euro, yen = Money.of("1", "EUR"), Money.of("1", "JPY")
    with pytest.raises(MoneyError, match="not in the same currency"):
        euro + yen
    with pytest.raises(MoneyError, match="not in the same currency"):
        euro - yen
    with pytest.raises(MoneyError, match="not in the same currency"):
        Money.total([euro, yen], "EUR")
    assert euro != yen


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "EUR", "0.12 EUR"),
        ("0.135", "EUR", "0.14 EUR"),
        ("-0.125", "EUR", "-0.12 EUR"),
        ("-0.001", "EUR", "0.00 EUR"),
        ("2.5", "JPY", "2 JPY"),
        ("0.0005", "KWD", "0.000 KWD"),
    ],
)
def test_computed_money_is_rounded_half_to_even(amount: str, currency: str, rounded: str) -> None:
    assert str(Money.rounded(Decimal(amount), currency)) == rounded


@given(currencies, st.decimals(-(10**9), 10**9, allow_nan=False, places=9))
def test_rounding_moves_an_amount_by_half_a_minor_unit_at_most(currency: str, amount: Decimal) -> None:
    moved = abs(Money.rounded(amount, currency).amount - amount)
    assert moved <= in_units(1, currency).amount / 2


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), Decimal("1e40")])
def test_what_cannot_be_rounded_to_money_is_refused(amount: Decimal) -> None:
    with pytest.raises(MoneyError):
        Money.rounded(amount, "EUR")
