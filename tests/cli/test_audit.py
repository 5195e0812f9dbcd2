"""The audit finds what is planted: effects that happened twice, never, or where none should be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.audit import IDENTITIES, by_key, duplicates, unequal
from sandbox.ledger import Ledger
from sandbox.shelf import Shelf

KEY = "amazon/US-1/302-1"


def life_of(ledger: Ledger, key: str, parcels: int = 1) -> None:
    """Every effect that an order has which is shipped in so many parcels."""
    ledger.record("tax", "transaction_recorded", key)
    ledger.record("erp", "order_created", key, number="SO-1")
    ledger.record("wms", "released", key, fulfilment_id=f"{key}#BER-1")
    for channel, effect in (("walmart", "acknowledged"), ("mirakl", "accepted"), ("storefront", "acknowledged")):
        ledger.record(channel, effect, key)
    for number in range(1, parcels + 1):
        reference = f"{key}|{number}"
        ledger.record("amazon", "shipment_confirmed", key, package=str(number))
        ledger.record("shopify", "fulfillment_created", key, tracking=f"T{number}")
        for channel in ("walmart", "mirakl", "storefront"):
            ledger.record(channel, "shipped", key, tracking=f"T{number}")
        ledger.record("erp", "shipment_posted", key, external_reference=f"{reference}:shipment")
        ledger.record("erp", "invoice_posted", key, external_reference=f"{reference}:invoice")
        ledger.record("notify", "message_sent", key, message_key=f"{reference}:shipped")


def ledger() -> Ledger:
    return Ledger(Shelf())


def test_an_order_that_went_well_has_nothing_to_report() -> None:
    seen = ledger()
    life_of(seen, KEY, parcels=2)
    life_of(seen, "shopify/main/5")
    assert duplicates(seen.entries()) == {}
    assert unequal(seen.entries(), {KEY: 2, "shopify/main/5": 1}) == {}


@pytest.mark.parametrize("effect", IDENTITIES)
def test_every_effect_that_is_repeated_is_found(effect: str) -> None:
    seen = ledger()
    life_of(seen, KEY, parcels=2)
    life_of(seen, "shopify/main/5")
    system, name = effect.split("/")
    (planted, *_) = seen.entries(system, name, KEY)
    for _ in range(3):
        seen.record(system, name, KEY, **planted["detail"])
    assert duplicates(seen.entries()) == {effect: 3}


def test_two_parcels_of_an_order_are_not_a_repetition() -> None:
    seen = ledger()
    life_of(seen, KEY, parcels=5)
    assert duplicates(seen.entries()) == {}


def test_an_effect_that_may_happen_again_is_no_duplicate() -> None:
    seen = ledger()
    for _ in range(2):
        seen.record("wms", "release_cancelled", KEY, fulfilment_id=f"{KEY}#BER-1")
    assert duplicates(seen.entries()) == {}


def without(entries: list[dict[str, Any]], effect: str) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["effect"] != effect]


@pytest.mark.parametrize(
    ("missing", "seen_as"),
    [("order_created", "(0, 1, 1)"), ("shipment_posted", "(1, 0, 1)"), ("invoice_posted", "(1, 1, 0)")],
)
def test_an_effect_that_is_missing_is_found_with_its_order(missing: str, seen_as: str) -> None:
    seen = ledger()
    life_of(seen, KEY)
    life_of(seen, "shopify/main/5")
    entries = without(seen.entries(key=KEY), missing) + seen.entries(key="shopify/main/5")
    wrong = unequal(entries, {KEY: 1, "shopify/main/5": 1})
    assert wrong == {KEY: f"ERP orders, shipments, invoices are {seen_as}, expected (1, 1, 1)"}


def test_an_order_of_which_nothing_is_in_the_ledger_is_found() -> None:
    assert unequal([], {KEY: 1}) == {KEY: "ERP orders, shipments, invoices are (0, 0, 0), expected (1, 1, 1)"}


def test_an_invoice_of_an_order_that_was_never_to_be_shipped_is_found() -> None:
    """Of a cancelled order the ERP may know the order, and nothing after it."""
    seen = ledger()
    seen.record("erp", "order_created", KEY, number="SO-1")
    seen.record("erp", "order_cancelled", KEY, number="SO-1")
    assert unequal(seen.entries(), {}) == {}
    seen.record("erp", "invoice_posted", KEY, external_reference="i-1")
    assert unequal(seen.entries(), {}) == {KEY: "ERP shipments, invoices are (0, 1), expected none: it is not shipped"}


@given(
    st.dictionaries(st.from_regex(r"shopify/main/\d{1,6}", fullmatch=True), st.integers(1, 4), min_size=1, max_size=6),
    st.data(),
)
def test_whatever_single_effect_is_repeated_is_the_only_thing_found(
    parcels: dict[str, int], data: st.DataObject
) -> None:
    seen = ledger()
    for key, count in parcels.items():
        life_of(seen, key, count)
    planted = data.draw(st.sampled_from([e for e in seen.entries() if f"{e['system']}/{e['effect']}" in IDENTITIES]))
    seen.record(planted["system"], planted["effect"], planted["key"], **planted["detail"])
    effect = f"{planted['system']}/{planted['effect']}"
    assert duplicates(seen.entries()) == {effect: 1}
    assert by_key(seen.entries(), effect)[planted["key"]] >= 2
