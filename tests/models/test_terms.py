"""The usual terms, and what is said of a price in the books' currency."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import Action
from models.money import Money
from models.systems import LedgerRate
from models.terms import SalesTerms


def test_the_usual_terms_release_at_once_complete_and_with_floors() -> None:
    usual = SalesTerms()
    assert (usual.cancel_window, usual.partial_shipments, usual.price_floors) == (timedelta(), False, True)
    assert usual.floor_hold_ends_in is Action.CANCEL
    assert usual.return_window == timedelta(days=30)


def test_durations_are_read_as_a_connections_file_writes_them() -> None:
    terms = SalesTerms.model_validate({"cancel_window": "PT30M", "node_patience": "P1DT6H"})
    assert (terms.cancel_window, terms.node_patience) == (timedelta(minutes=30), timedelta(hours=30))


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "books", "value"),
    [
        ("919.99", "EUR", "1.0850", "USD", "998.19"),
        ("0.01", "EUR", "1.5", "USD", "0.02"),
        ("1000", "JPY", "0.0061", "EUR", "6.10"),
        ("10.00", "EUR", "163.5", "JPY", "1635"),
        ("1.00", "EUR", "0.3255", "KWD", "0.326"),
    ],
)
def test_a_total_in_the_books_currency_has_its_minor_units(
    amount: str, currency: str, rate: str, books: str, value: str
) -> None:
    ledger = LedgerRate(currency=books, rate=Decimal(rate), on=date(2026, 11, 20))
    assert ledger.value_of(Money.of(amount, currency)) == Money.of(value, books)


@given(st.integers(0, 10**9), st.decimals("0.0001", "1000", places=4))
def test_a_converted_total_is_off_by_half_a_minor_unit_at_most(cents: int, rate: Decimal) -> None:
    total = Money.of(Decimal(cents).scaleb(-2), "EUR")
    value = LedgerRate(currency="USD", rate=rate, on=date(2026, 11, 20)).value_of(total)
    assert abs(value.amount - total.amount * rate) <= Decimal("0.005")
