"""Properties of the parsers: total over any bytes, and over payloads that somebody broke."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import SchemaDrift
from connectors.walmart.parse import parse
from connectors.walmart.returns import parse_returns
from connectors.walmart.settlement import parse_settlement
from tests.walmart.contract import FILES
from tests.walmart.payloads import charge, line, order, shipped, single, status

ODD: list[Any] = [
    None, "", 0, -1, 10**40, "x", [], {}, True, 1.5, 1e300, "1e5", "\ud800", "\x00", "9" * 5000, "NaN", [[]], [None],
    "٣",
]  # fmt: skip
OWN = order(
    line(
        1,
        status("Created", 1),
        shipped("1Z1", 2),
        units=3,
        charges={"charge": [charge(30, 2.4), charge(-1, name="Discount")]},
    ),
    line(
        2,
        refund={
            "refundId": "r",
            "refundCharges": {"refundCharge": [{"refundReason": "x", "charge": charge(-1, -0.1)}]},
        },
    ),
    shipNode={"type": "SellerFulfilled"},
)
REPORT = {
    "reportData": [
        {
            "Transaction Type": "PaymentSummary",
            "Total Payable": "8.49",
            "Currency": "USD",
            "Period End Date": "12/19/2025",
        },
        {"Transaction Type": "Sale", "Amount Type": "Product Price", "Amount": "9.99", "Purchase Order #": "17"},
        {
            "Transaction Type": "Sale",
            "Amount Type": "Commission on Product",
            "Amount": "-1.50",
            "Purchase Order #": "17",
        },
    ]
}
BODIES = [json.dumps(REPORT).encode(), *(path.read_bytes() for path in FILES)]
DOCUMENTS = [json.loads(body) for body in BODIES if body.lstrip().startswith((b"{", b"["))]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*path, name))


def broken(document: Any, path: tuple[str | int, ...], value: Any) -> bytes:
    if not path:
        return json.dumps(value).encode("utf-8", "surrogatepass")
    changed = copy.deepcopy(document)
    inner = changed
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return json.dumps(changed).encode("utf-8", "surrogatepass")


def read_every_way(body: bytes) -> None:
    parsed = parse(body, "US")
    assert all(not found.totals.difference for found in parsed.orders)
    assert all(refusal.reason and refusal.path and refusal.remedy for refusal in parsed.refusals)
    returned = parse_returns(body, "US")
    assert all(refusal.reason and refusal.remedy for refusal in returned.refusals)
    with suppress(SchemaDrift):
        settlement = parse_settlement(body, "US")
        assert settlement.lines_total == settlement.payout


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(body: bytes) -> None:
    read_every_way(body)


@given(st.sampled_from([*BODIES, single(OWN)]), st.integers(0, 40_000), st.binary(max_size=3))
def test_a_document_that_was_cut_or_touched_is_read_without_an_exception(body: bytes, at: int, noise: bytes) -> None:
    at %= len(body) + 1
    read_every_way(body[:at] + noise)
    read_every_way(body[:at] + noise + body[at + len(noise) :])


@settings(max_examples=400)
@given(st.sampled_from([{"order": OWN}, *DOCUMENTS]), st.data())
def test_a_document_that_is_broken_in_one_place_is_read_without_an_exception(
    document: Any, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(list(places(document))))
    read_every_way(broken(document, path, data.draw(st.sampled_from(ODD) | st.text(max_size=4))))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 999_999),
            st.integers(0, 99_999),
            st.sampled_from([("PRODUCT", "ItemPrice"), ("SHIPPING", "Shipping"), ("FEE", "Fee"), ("NEW", "New")]),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 9),
)
def test_an_order_costs_the_sum_of_its_charges_and_taxes(charges: list[tuple[int, int, Any]], units: int) -> None:
    told = [charge(cents / 100, tax / 100, kind, name) for cents, tax, (kind, name) in charges]
    first = charge(1, 0)
    body = single(order(line(1, status("Created", units), units=units, charges={"charge": [first, *told]})))
    (found,) = parse(body, "US").orders
    assert found.total.amount == 1 + sum((Decimal(cents + tax) / 100 for cents, tax, _ in charges), Decimal(0))
    assert found.totals.channel_tax.amount == sum((Decimal(tax) / 100 for _, tax, _ in charges), Decimal(0))


@given(st.permutations(["Created", "Acknowledged", "Shipped", "Cancelled", "Delivered"]), st.integers(1, 4))
def test_the_order_of_the_statuses_means_nothing(words: list[str], units: int) -> None:
    def state(each: list[str]) -> tuple[object, int, int]:
        told = line(1, *(status(word, units) for word in each), units=5 * units)
        (found,) = parse(single(order(told)), "US").orders
        return found.state, found.lines[0].shipped, found.lines[0].cancelled

    assert state(words) == state(sorted(words)) == (state(words)[0], 2 * units, units)


def test_depth_is_no_danger() -> None:
    for body in (
        b"[" * 100_000,
        b'{"order":' * 5000,
        b'{"list":{"elements":{"order":' + b"[" * 900 + b"]" * 900 + b"}}}",
    ):
        read_every_way(body)
