"""Parcels: units of an order line are complete once, whatever the boxes hold."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.catalogue import ComponentLine
from models.fulfilment import FulfilmentPlan, completed_units
from tests.models.examples import CONFIRMED, PLAN, SHIPMENT, eur

Lines = tuple[ComponentLine, ...]
Journey = tuple[dict[str, int], Lines, list[dict[str, int]]]


@st.composite
def bundles(draw: st.DrawFn) -> tuple[dict[str, int], Lines]:
    """Ordered units by line, and the components of all lines."""
    ordered = draw(st.dictionaries(st.sampled_from(["L1", "L2", "L3"]), st.integers(1, 4), min_size=1))
    lines = [
        ComponentLine(line_id=line_id, item=item, per_unit=per_unit, quantity=per_unit * quantity, amount=eur("1.00"))
        for line_id, quantity in ordered.items()
        for item, per_unit in draw(
            st.dictionaries(st.sampled_from(["TENT", "STOVE", "SOCK"]), st.integers(1, 3), min_size=1)
        ).items()
    ]
    return ordered, tuple(lines)


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """A bundle, and the counts of shipped items after each of its parcels, from nothing to everything."""
    ordered, lines = draw(bundles())
    pieces = draw(st.permutations([f"{part.line_id}|{part.item}" for part in lines for _ in range(part.quantity)]))
    ends = sorted(draw(st.sets(st.integers(1, len(pieces)), max_size=5)) | {len(pieces)})
    return ordered, lines, [dict(Counter(pieces[:end])) for end in [0, *ends]]


@given(journeys())
def test_each_unit_is_completed_by_exactly_one_parcel(
    drawn: Journey,
) -> None:
    ordered, lines, counts = drawn
    completed: Counter[str] = Counter()
    for before, after in pairwise(counts):
        units = completed_units(before, after, lines)
        assert all(count > 0 for count in units.values())
        completed.update(units)
        assert all(completed[line_id] <= quantity for line_id, quantity in ordered.items())
    assert completed == Counter(ordered)


@given(journeys())
def test_how_the_goods_are_boxed_changes_nothing_in_total(
    drawn: Journey,
) -> None:
    _, lines, counts = drawn
    for middle in counts:
        first, second = completed_units({}, middle, lines), completed_units(middle, counts[-1], lines)
        assert Counter(first) + Counter(second) == Counter(completed_units({}, counts[-1], lines))


@given(journeys(), st.integers(1, 5))
def test_what_is_shipped_beyond_the_order_completes_nothing(drawn: Journey, surplus: int) -> None:
    _, lines, counts = drawn
    over = {item: count + surplus for item, count in counts[-1].items()}
    assert completed_units(counts[-1], over, lines) == {}


def test_a_bundle_is_complete_when_its_last_component_has_left() -> None:
    lines = (
        ComponentLine(line_id="L1", item="TENT", per_unit=1, quantity=2, amount=eur("1")),
        ComponentLine(line_id="L1", item="SOCK", per_unit=3, quantity=6, amount=eur("1")),
        ComponentLine(line_id="L2", item="TENT", per_unit=1, quantity=1, amount=eur("1")),
    )
    tents = {"L1|TENT": 2, "L1|SOCK": 2, "L2|TENT": 1}
    assert completed_units({}, tents, lines) == {"L2": 1}
    assert completed_units(tents, {**tents, "L1|SOCK": 5}, lines) == {"L1": 1}
    assert completed_units(tents, {**tents, "L1|SOCK": 6}, lines) == {"L1": 2}
    assert completed_units(tents, {**tents, "L9|HAT": 1}, lines) == {}


@given(st.integers(1, 6), st.integers(1, 30))
def test_no_two_parcels_of_an_order_have_the_same_number(nodes: int, parcels: int) -> None:
    plans = [PLAN.model_copy(update={"number": number, "of": nodes}) for number in range(1, nodes + 1)]
    numbers = [plan.package_number(nth) for plan in plans for nth in range(1, parcels + 1)]
    assert sorted(numbers) == list(range(1, nodes * parcels + 1))


def test_each_node_has_a_fulfilment_id_of_its_own() -> None:
    other = PLAN.model_copy(update={"node": PLAN.node.model_copy(update={"node": "LEJ-2"})})
    assert PLAN.fulfilment_id == f"{PLAN.order_key}#BER-1"
    assert other.fulfilment_id == f"{PLAN.order_key}#LEJ-2"


def test_a_shipment_names_the_order_of_its_fulfilment_even_when_the_order_id_holds_a_hash() -> None:
    for key in (PLAN.order_key, PLAN.order_key.model_copy(update={"external_id": "#1001"})):
        fulfilment_id = PLAN.model_copy(update={"order_key": key}).fulfilment_id
        assert SHIPMENT.model_copy(update={"fulfilment_id": fulfilment_id}).order_key == str(key)


@pytest.mark.parametrize("change", [{"number": 0}, {"of": 0}, {"order_key": "amazon/EU/1"}])
def test_a_plan_that_numbers_from_zero_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FulfilmentPlan.model_validate({**dict(PLAN), **change})


def test_a_package_is_numbered_from_one() -> None:
    with pytest.raises(ValidationError, match="package_number"):
        type(CONFIRMED).model_validate({**dict(CONFIRMED), "package_number": 0})
