"""What a payload holds beyond the contract is counted; a word that decides something is refused by its name."""

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.amazon.format import AmazonFormat
from connectors.amazon.parse import parse
from models.order import ChannelState, Remitter
from tests.amazon.payloads import SAMPLES, accepted, breakdown, item, item_v0, order, order_v0, proceeds, refused

TAXED = proceeds(breakdown("ITEM", "20.00"), breakdown("TAX", "1.65", ITEM="1.65"))
V0_TAXED: dict[str, Any] = {"ItemPrice": "20.00", "ItemTax": "1.65"}


def drift(document: Any) -> dict[str, str]:
    parsed = parse(json.dumps(document).encode(), "US-1")
    assert parsed.orders, parsed.refusals
    return {each.path: each.value for each in parsed.drift}


@pytest.mark.parametrize("wrap", [lambda o: o, lambda o: {"order": o}, lambda o: {"orders": [o, o]}, lambda o: [o]])
def test_a_new_field_is_counted_once_and_at_its_place_in_the_order(wrap: Any) -> None:
    plain = order("20.00", item(moon={"phase": "full"}), sun=1)
    assert drift(wrap(plain)) == {"order.sun": "", "order.orderItems[].moon": ""}


def test_a_new_field_around_orders_is_counted() -> None:
    assert drift({"orders": [order("20.00", item())], "pagination": {"total": 9}, "tide": 1}) == {
        "pagination.total": "",
        "tide": "",
    }


def test_new_fields_of_v0_orders_and_items_are_counted() -> None:
    odd = order_v0("20.00", {**item_v0(ItemPrice="20.00"), "Moon": 1}, Sun=2)
    assert drift({"payload": {"Orders": [odd]}}) == {"order.Sun": "", "items[].Moon": ""}
    alone = {name: value for name, value in order_v0("20.00").items() if name != "OrderItems"}
    beside = {"order": alone, "orderItems": [{**item_v0(ItemPrice="20.00"), "Moon": 1}]}
    assert drift(beside) == {"items[].Moon": ""}


def test_the_content_of_an_unknown_field_is_never_told() -> None:
    assert "Ada" not in str(drift(order("20.00", item(), buyersCousin="Ada Miller")))


def test_words_of_no_consequence_are_counted_with_their_value() -> None:
    odd = item(proceeds=proceeds(breakdown("ITEM", "20.00"), breakdown("STARDUST", "1.00")), programs=["COMET"])
    parcels = [{"packageReferenceId": "1", "packageStatus": {"status": "BEAMED"}}]
    assert drift(order("21.00", odd, packages=parcels)) == {
        "order.orderItems[].proceeds.breakdowns[].type": "STARDUST",
        "order.orderItems[].programs[]": "COMET",
        "order.packages[].packageStatus.status": "BEAMED",
    }


@pytest.mark.parametrize(
    "tax",
    [
        {"taxCollections": [{"model": "NOBODY_KNOWS", "responsibleParty": "A Third Party"}]},
        {"taxCalculationBreakdowns": [{"reportingScheme": "NEW_SCHEME"}]},
    ],
)
def test_a_word_that_decides_who_pays_a_tax_is_refused_by_name(tax: Any) -> None:
    refusal = refused({"order": order("21.65", item(proceeds=TAXED, tax=tax))})
    assert refusal.reason == "unknown_tax_remitter"
    assert refusal.external_id == "112-0000001-0000001"
    untaxed = accepted({"order": order("20.00", item(tax=tax))})
    assert not untaxed.totals.channel_tax


def test_whatever_amazon_calls_it_what_amazon_is_responsible_for_it_remits() -> None:
    tax = {"taxCollections": [{"model": "NEW_MODEL", "responsibleParty": "Amazon Services, Inc."}]}
    found = accepted({"order": order("21.65", item(proceeds=TAXED, tax=tax))})
    assert found.lines[0].taxes[0].remitter is Remitter.CHANNEL


def test_the_same_holds_for_v0() -> None:
    collection = {"Model": "NobodyKnows", "ResponsibleParty": "A Third Party"}
    refusal = refused(order_v0("21.65", item_v0(**V0_TAXED, TaxCollection=collection)))
    assert refusal.reason == "unknown_tax_remitter"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the vendor's samples are not at {SAMPLES}")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("order*")), ids=lambda path: path.name)
def test_the_samples_are_within_the_contract(path: Path) -> None:
    assert not parse(path.read_bytes(), "US-1").drift


def test_the_vocabulary_reads_both_ways_for_both_versions() -> None:
    words = AmazonFormat().vocabulary
    assert {words.states[word] for word in words.state_words.values()} == set(ChannelState)
    assert words.states["Canceled"] is words.states["CANCELLED"] is ChannelState.CANCELLED
    assert words.carriers["ups"] == "UPS"
