"""Money split by weight loses and invents nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.money import Money, MoneyError
from tests.models.strategies import any_money, units_of

Weight = Decimal | int

weight_lists = st.lists(
    st.one_of(st.integers(0, 10**6), st.decimals(0, 10**6, allow_nan=False, places=6)), min_size=1, max_size=8
).filter(any)

UNROUNDABLE = (Money.of("7402001940194606844291258322", "JPY"), [264754543, 411321287, 645799806])
"""Divided as decimals of 28 digits, the shares would add up to more than there is."""


def exact_shares(whole: Money, weights: Sequence[Weight]) -> list[Fraction]:
    """What each part would be in minor units if they could be divided."""
    total = sum(map(Fraction, weights))
    return [Fraction(units_of(whole)) * Fraction(weight) / total for weight in weights]


@given(any_money, weight_lists)
@example(*UNROUNDABLE)
def test_the_parts_add_up_to_the_whole(whole: Money, weights: list[Weight]) -> None:
    parts = whole.allocate(weights)
    assert len(parts) == len(weights)
    assert Money.total(parts, whole.currency) == whole


@given(any_money, weight_lists)
@example(*UNROUNDABLE)
def test_no_part_is_off_by_a_minor_unit(whole: Money, weights: list[Weight]) -> None:
    for part, share in zip(whole.allocate(weights), exact_shares(whole, weights), strict=True):
        assert abs(units_of(part) - share) < 1


@given(any_money, weight_lists)
def test_spare_units_go_to_the_largest_remainders_and_among_equals_to_the_first(
    whole: Money, weights: list[Weight]
) -> None:
    shares = [abs(share) for share in exact_shares(whole, weights)]
    gained = [abs(units_of(part)) > int(share) for part, share in zip(whole.allocate(weights), shares, strict=True)]
    ranked = sorted(range(len(shares)), key=lambda i: (-(shares[i] % 1), i))
    assert [gained[i] for i in ranked] == sorted(gained, reverse=True)


@given(any_money, weight_lists)
def test_what_weighs_nothing_gets_nothing(whole: Money, weights: list[Weight]) -> None:
    for part, weight in zip(whole.allocate(weights), weights, strict=True):
        assert weight or not part


@given(any_money, weight_lists)
def test_a_refund_is_split_as_its_payment_was(whole: Money, weights: list[Weight]) -> None:
    assert (-whole).allocate(weights) == [-part for part in whole.allocate(weights)]


@given(any_money, weight_lists, st.integers(1, 1000))
def test_only_the_proportion_of_the_weights_counts(whole: Money, weights: list[Weight], factor: int) -> None:
    assert whole.allocate([weight * factor for weight in weights]) == whole.allocate(weights)


@pytest.mark.parametrize(
    ("amount", "currency", "weights", "parts"),
    [
        ("100.00", "EUR", [1, 1, 1], ["33.34", "33.33", "33.33"]),
        ("100", "JPY", [1, 1, 1], ["34", "33", "33"]),
        ("0.100", "KWD", [1, 1, 1], ["0.034", "0.033", "0.033"]),
        ("-0.05", "EUR", [1, 1], ["-0.03", "-0.02"]),
        ("299.99", "EUR", [70, 20, 10], ["209.99", "60.00", "30.00"]),
        ("0.01", "EUR", [Decimal("0.2"), Decimal("0.7"), Decimal("0.1")], ["0.00", "0.01", "0.00"]),
    ],
)
def test_known_splits(amount: str, currency: str, weights: list[Weight], parts: list[str]) -> None:
    assert [str(part.amount) for part in Money.of(amount, currency).allocate(weights)] == parts


@pytest.mark.parametrize("weights", [[], [0], [0, Decimal(0)], [2, -1], [-1, -1]])
def test_weights_that_are_no_proportion_are_refused(weights: list[Weight]) -> None:
    with pytest.raises(MoneyError, match="cannot split"):
        Money.of("1", "EUR").allocate(weights)
