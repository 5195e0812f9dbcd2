"""An amendment changes exactly what it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.case import Amendment
from models.order import Address, Order
from tests.models.examples import BERLIN, LINE, ORDER
from workflows.amendments import applied

TWO_LINES = ORDER.model_copy(update={"lines": (LINE, LINE.model_copy(update={"line_id": "L2", "sku": "STOVE"}))})
amendments = st.builds(
    Amendment,
    ship_to=st.none() | st.builds(Address, city=st.text()),
    service_level=st.none() | st.text(),
    sku=st.dictionaries(st.sampled_from(["L1", "L2", "L9"]), st.text()),
)


def changed(before: Order, after: Order) -> set[str]:
    """Names of the fields in which two orders differ, and of the fields of their lines."""
    fields = {name for name in Order.model_fields if getattr(before, name) != getattr(after, name)}
    for old, new in zip(before.lines, after.lines, strict=True):
        fields |= {f"lines.{name}" for name, value in new if getattr(old, name) != value}
    return fields


@given(amendments)
def test_nothing_but_the_amended_fields_changes(amendment: Amendment) -> None:
    after = applied(TWO_LINES, amendment)
    assert after.ship_to == (amendment.ship_to or TWO_LINES.ship_to)
    assert [line.sku for line in after.lines] == [amendment.sku.get(line.line_id, line.sku) for line in TWO_LINES.lines]
    assert changed(TWO_LINES, after) <= {"ship_to", "service_level", "lines", "lines.sku"}


@given(amendments)
def test_amending_twice_is_amending_once(amendment: Amendment) -> None:
    once = applied(TWO_LINES, amendment)
    assert applied(once, amendment) == once


@pytest.mark.parametrize(
    ("amendment", "fields"),
    [
        (Amendment(), set()),
        (Amendment(ship_to=BERLIN.model_copy(update={"city": "Potsdam"})), {"ship_to"}),
        (Amendment(service_level="express"), {"service_level"}),
        (Amendment(sku={"L2": "STOVE-2"}), {"lines", "lines.sku"}),
        (Amendment(sku={"L9": "STOVE-2"}), set()),
    ],
)
def test_each_part_of_an_amendment_reaches_its_own_field(amendment: Amendment, fields: set[str]) -> None:
    assert changed(TWO_LINES, applied(TWO_LINES, amendment)) == fields


def test_the_order_before_the_amendment_is_left_as_it_was() -> None:
    before = TWO_LINES.model_dump()
    applied(TWO_LINES, Amendment(ship_to=Address(), service_level="express", sku={"L1": "TENT-2"}))
    assert TWO_LINES.model_dump() == before
