"""Quantities: whatever is counted, the rules of the domain hold, and what breaks one is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.quantities import LineQuantities, QuantityError, QuantityLedger

KINDS = ("delivered", "returned", "goodwill", "refunded")
counts = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(-1, 2)), max_size=25)


@st.composite
def lines(draw: st.DrawFn) -> LineQuantities:
    """A line of up to six units, each in any of the five places."""
    places = ("open", "reserved", "released", "shipped", "cancelled")
    units = Counter(draw(st.lists(st.sampled_from(places), min_size=1, max_size=6)))
    return LineQuantities(ordered=units.total(), **{place: units[place] for place in places})


def allowed(line: LineQuantities, counted: Counter[str]) -> bool:
    """The domain's rules for what is counted beside the places, in their own words."""
    return (
        counted["delivered"] <= line.shipped
        and counted["returned"] <= line.shipped
        and counted["refunded"] <= line.cancelled + counted["returned"] + counted["goodwill"]
    )


@given(lines(), counts)
def test_what_the_rules_allow_is_counted_and_all_else_is_refused(
    line: LineQuantities, told: list[tuple[str, int]]
) -> None:
    start, counted = line, Counter[str]()
    for kind, units in told:
        wanted = counted + Counter({kind: max(units, 0)})
        if units < 0 or not allowed(line, wanted):
            with pytest.raises(QuantityError):
                line.add(**{kind: units})
        else:
            line, counted = line.add(**{kind: units}), wanted
        assert line == start.model_copy(update={kind: counted[kind] for kind in KINDS})


@given(st.lists(lines(), min_size=1, max_size=3))
def test_an_order_is_finished_when_no_unit_is_left_to_ship(drawn: list[LineQuantities]) -> None:
    ledger = QuantityLedger(lines={f"L{number}": line for number, line in enumerate(drawn)})
    assert ledger.finished == all(line.shipped + line.cancelled == line.ordered for line in drawn)


@pytest.mark.parametrize("line_id", ["", "L3", "l1"])
def test_a_line_that_is_not_there_is_named(line_id: str) -> None:
    ledger = QuantityLedger(lines={"L1": LineQuantities.ordered_as(1)})
    with pytest.raises(QuantityError, match="no line"):
        ledger[line_id]


@pytest.mark.parametrize(
    "counts",
    [
        {"ordered": 0, "open": 0},
        {"ordered": 2, "open": 1},
        {"ordered": 2, "open": 1, "shipped": 2},
        {"ordered": 2, "open": 3, "shipped": -1},
        {"ordered": 2, "open": 1, "shipped": 1, "delivered": 2},
        {"ordered": 2, "open": 1, "shipped": 1, "returned": 2},
        {"ordered": 2, "open": 1, "cancelled": 1, "refunded": 2},
        {"ordered": 2, "open": "two"},
    ],
)
def test_counts_that_break_a_rule_are_refused(counts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LineQuantities.model_validate(counts)


def test_a_line_starts_with_what_the_channel_had_already_done() -> None:
    line = LineQuantities.ordered_as(5, cancelled=1, shipped=2)
    assert (line.open, line.cancelled, line.shipped, line.unfinished) == (2, 1, 2, 2)


def test_more_than_was_shipped_is_not_delivered_and_nothing_changes() -> None:
    line = LineQuantities.ordered_as(3, shipped=2).add(delivered=1)
    with pytest.raises(QuantityError, match="exceeds shipped"):
        line.add(delivered=2)
    assert line == LineQuantities.ordered_as(3, shipped=2).add(delivered=1)


def test_more_than_was_given_back_is_not_refunded() -> None:
    line = LineQuantities.ordered_as(3, cancelled=1, shipped=2).add(returned=1, goodwill=1, refunded=3)
    with pytest.raises(QuantityError, match="refunded exceeds"):
        line.add(refunded=1)


def test_what_was_counted_is_not_taken_back() -> None:
    line = LineQuantities.ordered_as(3, shipped=3).add(delivered=2)
    with pytest.raises(QuantityError, match="cannot take back"):
        line.add(delivered=-1)
