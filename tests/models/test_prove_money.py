"""Acceptance: money never drifts over splits, currencies, partial refunds, bundle shares: 10,000 cases a property.

`make test` tries each a hundred times where it stands; here are the same properties, tried for long.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from models.money import Money
from models.order import Order
from models.settlement import LineType
from tests.erp import test_terms
from tests.models import test_catalogue, test_expected, test_money, test_refunds, test_settlement, test_split
from tests.models.strategies import any_money, currencies
from tests.settlement import test_matching

CASES = 10_000
ORDERS = test_refunds.orders()
UNITS = st.integers(-(10**9), 10**9)
LINES = st.lists(st.tuples(st.sampled_from(LineType), st.decimals("-500", "500", places=2)))
PROPERTIES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "splits add up": (test_split.test_the_parts_add_up_to_the_whole, (any_money, test_split.weight_lists)),
    "splits are fair": (test_split.test_no_part_is_off_by_a_minor_unit, (any_money, test_split.weight_lists)),
    "sums": (test_money.test_addition_follows_the_laws_of_arithmetic, (test_money.same_currency,)),
    "JSON": (test_money.test_json_keeps_the_amount_as_the_same_text, (any_money,)),
    "bundle shares": (
        test_catalogue.test_the_components_of_a_line_add_up_to_its_price_and_its_units,
        (test_catalogue.components, any_money, st.integers(1, 50)),
    ),
    "bundles paid back by the piece": (
        test_refunds.test_the_pieces_of_a_bundle_are_its_price_in_whatever_order_they_come,
        (test_refunds.currencies, st.integers(1, 99_999), st.integers(1, 4), test_refunds.SHARES, st.data()),
    ),
    "partial refunds of units": (
        test_refunds.test_units_refunded_in_any_portions_and_order_are_the_total_exactly,
        (ORDERS, st.data()),
    ),
    "partial refunds of anything": (
        test_refunds.test_mixed_refunds_never_exceed_what_was_paid_and_the_rest_is_exactly_what_is_missing,
        (ORDERS, st.data()),
    ),
    "partial cancellations": (
        test_expected.test_one_cancellation_of_many_units_and_many_of_one_come_to_the_same,
        (test_expected.orders(), st.data()),
    ),
    "sums of settlements": (
        test_settlement.test_the_sum_of_the_lines_is_exact_in_every_currency,
        (currencies, st.lists(UNITS, max_size=30)),
    ),
    "matched and residual": (
        test_matching.test_whatever_the_lines_are_matched_and_residual_are_their_amounts,
        (st.integers(0, 10_000), LINES),
    ),
    "tax of the channel": (
        test_matching.test_facilitator_tax_is_settled_whether_it_is_shown_as_a_pair_or_not_at_all,
        (st.integers(0, 10_000), st.booleans()),
    ),
    "unit prices of the ERP": (
        test_terms.test_a_quantity_times_its_price_comes_to_the_amount_exactly,
        (currencies, UNITS, st.integers(1, 500)),
    ),
    "shares of parcels": (
        test_terms.test_the_shares_of_all_parcels_come_to_the_whole,
        (currencies, st.integers(0, 10**9), st.lists(st.integers(1, 20), min_size=1, max_size=12)),
    ),
}
LONG = hypothesis.settings(max_examples=CASES, database=None, deadline=None, print_blob=True)
SMALL = ("matched and residual", "tax of the channel")
"""Of these there are not so many different ones that each of the cases would be new."""


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", PROPERTIES)
def test_money_never_drifts_in_ten_thousand_cases(name: str) -> None:
    test, drawn = PROPERTIES[name]
    seen: Counter[str] = Counter()
    began = time.monotonic()
    given: Any = hypothesis.given(*drawn)
    LONG(given(counted(test.hypothesis.inner_test, seen)))()
    decimals = ", ".join(f"{count:,} {kind}" for kind, count in sorted(seen.items()) if kind != "cases")
    print(f"\n{name}: {seen['cases']:,} cases ({decimals or 'EUR'}), in {time.monotonic() - began:.0f} s")
    assert seen["cases"] >= CASES or name in SMALL


def counted(property_of: Callable[..., None], seen: Counter[str]) -> Callable[..., None]:
    """Counts the cases that were tried, and of which decimals their currency has."""

    @wraps(property_of)
    def tried(**drawn: Any) -> None:
        seen["cases"] += 1
        currency = next((found for each in drawn.values() if (found := _currency_of(each))), None)
        if currency:
            seen[f"with {-int(Money.zero(currency).amount.as_tuple().exponent)} decimals"] += 1
        property_of(**drawn)

    return tried


def _currency_of(drawn: Any) -> str | None:
    """Of money, of an order, of the first of several amounts, or of a code itself."""
    first = drawn[0] if isinstance(drawn, tuple) and drawn else drawn
    if isinstance(first, Money | Order):
        return str(first.currency)
    return first if isinstance(first, str) else None
