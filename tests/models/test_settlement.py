"""Settlements: the lines add up, and every type of line is either the buyer's money or the channel's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.money import Money, MoneyError
from models.settlement import RECEIVABLE, LineType, Settlement
from tests.models.examples import SETTLEMENT, SETTLEMENT_LINE
from tests.models.strategies import currencies, in_units


def settlement(currency: str, amounts: list[Money]) -> Settlement:
    lines = tuple(
        SETTLEMENT_LINE.model_copy(update={"number": number, "amount": amount})
        for number, amount in enumerate(amounts, 1)
    )
    return SETTLEMENT.model_copy(update={"currency": currency, "lines": lines})


@given(currencies, st.lists(st.integers(-(10**9), 10**9), max_size=30))
def test_the_sum_of_the_lines_is_exact_in_every_currency(currency: str, units: list[int]) -> None:
    document = settlement(currency, [in_units(each, currency) for each in units])
    assert document.lines_total == in_units(sum(units), currency)


def test_a_settlement_in_two_currencies_has_no_sum() -> None:
    with pytest.raises(MoneyError, match="not in the same currency"):
        _ = settlement("EUR", [Money.of("1", "EUR"), Money.of("1", "SEK")]).lines_total


def test_costs_movements_and_the_unknown_do_not_settle_what_the_buyer_paid() -> None:
    assert LineType.UNKNOWN not in RECEIVABLE
    assert set(LineType) - RECEIVABLE == {
        LineType.COMMISSION,
        LineType.FEE,
        LineType.REFUND,
        LineType.RESERVE,
        LineType.ADJUSTMENT,
        LineType.TRANSFER,
        LineType.UNKNOWN,
    }


def test_lines_are_numbered_from_one() -> None:
    with pytest.raises(ValidationError, match="number"):
        type(SETTLEMENT_LINE).model_validate({**dict(SETTLEMENT_LINE), "number": 0})
