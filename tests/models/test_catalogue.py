"""Listings: a bundle's components carry its price to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.catalogue import Component, ListingMap, explode
from models.money import Money
from tests.models.examples import LINE, NOON, eur
from tests.models.strategies import any_money

components = st.lists(
    st.builds(
        Component,
        item=st.sampled_from(["TENT", "STOVE", "LAMP", "MAT", "SOCK"]),
        quantity=st.integers(1, 5),
        share=st.decimals(0, 1000, allow_nan=False, places=3),
    ),
    min_size=1,
    max_size=6,
).filter(lambda parts: any(part.share for part in parts))


def listing(*parts: Component | dict[str, Any], **changes: Any) -> ListingMap:
    fields = {"channel": "amazon", "account": "EU-DE", "sku": "SET", "valid_from": NOON, "components": parts}
    return ListingMap.model_validate({**fields, **changes})


@given(components, any_money, st.integers(1, 50))
def test_the_components_of_a_line_add_up_to_its_price_and_its_units(
    parts: list[Component], goods: Money, quantity: int
) -> None:
    line = LINE.model_copy(update={"goods": goods, "quantity": quantity})
    exploded = explode(line, listing(*parts, version=3))
    assert Money.total((part.amount for part in exploded), goods.currency) == goods
    assert sum(part.quantity for part in exploded) == quantity * sum(part.quantity for part in parts)
    assert all(part.quantity == part.per_unit * quantity for part in exploded)
    assert {(part.line_id, part.mapping_version) for part in exploded} == {("L1", 3)}


@given(components)
def test_an_item_stands_once_in_a_listing_however_often_it_was_named(parts: list[Component]) -> None:
    kept = listing(*parts).components
    assert [part.item for part in kept] == list(dict.fromkeys(part.item for part in parts))
    for part in kept:
        same = [named for named in parts if named.item == part.item]
        assert part.quantity == sum(named.quantity for named in same)
        assert part.share == sum(named.share for named in same)


def test_a_camping_set_is_exploded_by_its_shares() -> None:
    bundle = listing(
        Component(item="TENT", share=Decimal(70)),
        Component(item="STOVE", share=Decimal(20)),
        Component(item="SOCK", quantity=3, share=Decimal(10)),
    )
    line = LINE.model_copy(update={"goods": eur("299.99"), "quantity": 2})
    assert [(part.item, part.per_unit, part.quantity, str(part.amount)) for part in explode(line, bundle)] == [
        ("TENT", 1, 2, "209.99 EUR"),
        ("STOVE", 1, 2, "60.00 EUR"),
        ("SOCK", 3, 6, "30.00 EUR"),
    ]


@pytest.mark.parametrize(
    "parts",
    [
        (),
        ({"item": ""},),
        ({"item": "TENT", "quantity": 0},),
        ({"item": "TENT", "share": "-1"},),
        ({"item": "TENT", "share": 0.5},),
        ({"item": "TENT", "share": "1e999999999"},),
        ({"item": "TENT", "share": "0"}, {"item": "STOVE", "share": "0"}),
    ],
)
def test_a_listing_that_could_not_be_exploded_is_refused(parts: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(ValidationError):
        listing(*parts)


def test_a_gift_in_a_bundle_costs_nothing() -> None:
    bundle = listing(Component(item="TENT"), Component(item="STICKER", share=Decimal(0)))
    assert [str(part.amount) for part in explode(LINE, bundle)] == ["25.00 EUR", "0.00 EUR"]
