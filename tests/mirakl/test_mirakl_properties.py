"""Any bytes, and any change of a good payload: parsing never raises, and what it yields adds up."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import SchemaDrift
from connectors.mirakl.parse import parse
from connectors.mirakl.returns import parse_returns
from connectors.mirakl.settlement import parse_settlement
from tests.mirakl.shop import ACCOUNT, line_payload, order_payload
from tests.mirakl.test_mirakl_parse import CLAIM, change, tax
from tests.mirakl.test_mirakl_settlement import HEADER, row

GOOD = order_payload(
    "34.90",
    line_payload(shipping_price=4.90, taxes=[tax(4, payable=False)], refunds=[change(1)]),
    line_payload(2, quantity=1, cancelations=[change(10, 1)]),
    order_tax_mode="TAX_EXCLUDED",
    customer={"shipping_address": {"street_1": "1", "city": "Lyon", "country": "France"}},
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, each in inner for found in paths(each, (*path, name)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    assert parse(body, ACCOUNT).refusals or not parse(body, ACCOUNT).orders
    parse_returns(body, ACCOUNT)


@settings(max_examples=300)
@given(st.sampled_from(paths(GOOD)), VALUES)
def test_an_order_with_anything_anywhere_adds_up_or_is_refused(path: tuple[Any, ...], new: Any) -> None:
    result = parse(json.dumps(replaced(GOOD, path, new)).encode(), ACCOUNT)
    assert all(not order.totals.difference for order in result.orders)
    assert all(refusal.reason and refusal.remedy for refusal in result.refusals)


@given(st.sampled_from(paths(CLAIM)), VALUES)
def test_a_return_with_anything_anywhere_is_read_or_refused(path: tuple[Any, ...], new: Any) -> None:
    result = parse_returns(json.dumps(replaced(CLAIM, path, new)).encode(), ACCOUNT)
    assert all(refusal.reason for refusal in result.refusals)


@given(st.sampled_from(paths([row("ORDER_AMOUNT", 100), row("PAYMENT", -100)])), VALUES)
def test_a_settlement_with_anything_anywhere_adds_up_or_is_refused(path: tuple[Any, ...], new: Any) -> None:
    good = [row("ORDER_AMOUNT", 100), row("PAYMENT", -100)]
    with suppress(SchemaDrift):
        settlement = parse_settlement(json.dumps({"data": replaced(good, path, new)}).encode(), ACCOUNT)
        assert settlement.lines_total == settlement.payout


@given(st.text(max_size=80))
def test_a_voucher_with_anything_in_its_row_adds_up_or_is_refused(text: str) -> None:
    with suppress(SchemaDrift):
        settlement = parse_settlement(f"{HEADER}\n{text}".encode("utf-8", "replace"), ACCOUNT)
        assert settlement.lines_total == settlement.payout
