"""Every real payload at hand becomes an order that adds up, or a refusal with a known reason."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.amazon.parse import parse
from tests.amazon.payloads import SAMPLES, breakdown, item, item_v0, order, order_v0, proceeds

REASONS = {"not_json", "not_an_order", "items_absent", "order_absent", "payment_pending"}
EXPECTED = {
    "order2026__get_BR_unshipped_gift.json": "299.90 BRL",
    "order2026__get_UK_qty3_shipping_tax_breakdown.json": "103.97 GBP",
    "order2026__search_JP_FBA_shipped_points.json": "19940 JPY",
    "order2026__search_UK_FBM_package_in_transit_last_page.json": "34.99 GBP",
    "order2026__search_US_b2b_multiitem_cancel_giftwrap_delivery_prefs.json": "154.99 USD",
}
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.is_dir() else []
needs_samples = pytest.mark.skipif(not FILES, reason=f"the vendor's samples are not at {SAMPLES}")


@needs_samples
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_is_an_order_or_named_for_what_it_is(path: Path) -> None:
    parsed = parse(path.read_bytes(), "US-1")
    assert parsed.orders or parsed.refusals
    assert all(not found.totals.difference for found in parsed.orders)
    assert {refusal.reason for refusal in parsed.refusals} <= REASONS
    if path.name in EXPECTED:
        assert [str(found.total) for found in parsed.orders] == [EXPECTED[path.name]]


@needs_samples
def test_a_v0_sample_and_its_items_make_an_order() -> None:
    def payload(name: str) -> Any:
        return json.loads((SAMPLES / name).read_bytes())["response"]["payload"]

    document = {"order": payload("orderV0__getOrder_1.json"), "orderItems": payload("orderitemsV0__static.json")}
    (found,) = parse(json.dumps(document).encode(), "US-1").orders
    assert str(found.total) == "11.01 USD"
    assert found.cancel_requested == "Found cheaper somewhere else."


def _whole() -> list[Any]:
    money = proceeds(breakdown("ITEM", "20.00"), breakdown("TAX", "2.00", ITEM="1.50"), breakdown("DISCOUNT", "-1.00"))
    own: list[Any] = [
        {"orders": [order("21.00", item(proceeds=money))]},
        {"payload": {"Orders": [order_v0("21.65", item_v0(ItemPrice="20.00", ItemTax="1.65"))]}},
    ]
    files = [path for path in FILES if path.name in EXPECTED]
    return own + [json.loads(path.read_bytes()) for path in files]


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", 0, -1, 10**40, "x", [], {}, True, 1.5, 1e300, "1e5", "\ud800", "\x00", "9" * 5000, "NaN", [[]], [None]]
) | st.text(max_size=5)  # fmt: skip


def _places(value: Any) -> list[tuple[Any, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, inner in pairs for place in ((value, name), *_places(inner))]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_damage_to_an_order_makes_the_parser_raise(data: st.DataObject) -> None:
    document = json.loads(json.dumps(data.draw(st.sampled_from(_whole()))))
    for _ in range(data.draw(st.integers(1, 4))):
        places = _places(document)
        if not places:
            break
        holder, name = places[data.draw(st.integers(0, len(places) - 1))]
        if isinstance(holder, dict) and data.draw(st.booleans()):
            del holder[name]
        else:
            holder[name] = deepcopy(data.draw(ODD))  # Later damage must not reach what the next example draws.
    parsed = parse(json.dumps(document).encode(), "US-1")
    for found in parsed.orders:
        assert not found.totals.difference
        assert found.model_dump_json()
    for refusal in parsed.refusals:
        assert refusal.remedy
        assert refusal.model_dump_json()


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered(body: bytes) -> None:
    parsed = parse(body, "US-1")
    assert parsed.orders or parsed.refusals
