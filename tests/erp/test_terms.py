"""Amounts that are split over units, parcels and prices never drift."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.erp.terms import priced, share
from models.money import Money, minor_unit

currencies = st.sampled_from(["EUR", "JPY", "KWD", "USD"])


def in_units(currency: str, units: int) -> Money:
    return Money.of(units * minor_unit(currency), currency)


@settings(max_examples=5_000)
@given(currencies, st.integers(-(10**9), 10**9), st.integers(1, 500))
def test_a_quantity_times_its_price_comes_to_the_amount_exactly(currency: str, units: int, quantity: int) -> None:
    amount = in_units(currency, units)
    pairs = priced(amount, quantity)
    rounded = [Money.rounded(price * number, currency) for number, price in pairs]
    assert Money.total(rounded, currency) == amount
    assert sum(number for number, _ in pairs) == quantity
    assert len(pairs) <= 2


@settings(max_examples=5_000)
@given(currencies, st.integers(0, 10**9), st.lists(st.integers(1, 20), min_size=1, max_size=12))
def test_the_shares_of_all_parcels_come_to_the_whole(currency: str, units: int, parcels: list[int]) -> None:
    amount, whole = in_units(currency, units), sum(parcels)
    shares, before = list[Money](), 0
    for parcel in parcels:
        shares.append(share(amount.amount, currency, before, before + parcel, whole))
        before += parcel
    assert Money.total(shares, currency) == amount


def test_a_price_that_does_not_divide_keeps_four_decimals_where_that_is_exact() -> None:
    assert priced(Money.of("10.00", "EUR"), 3) == [(3, Decimal("3.3333"))]


def test_a_large_quantity_has_two_prices_that_differ_by_a_cent() -> None:
    assert priced(Money.of("10.01", "EUR"), 300) == [(101, Decimal("0.04")), (199, Decimal("0.03"))]
