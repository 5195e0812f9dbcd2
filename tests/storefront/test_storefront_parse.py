"""Orders, returns and payouts of the contract: understood to the cent, or refused by name."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import SchemaDrift
from connectors.ports import Refusal
from connectors.storefront.format import StorefrontFormat
from models.money import Money
from models.order import ChannelState, ChargeKind, Funder, Order, Remitter
from models.returns import ReturnState
from models.settlement import LineType
from tests.storefront.shop import VAT_ORDER, body, line, order

FORMAT = StorefrontFormat()


def understood(document: Any) -> Order:
    parsed = FORMAT.parse(body(document), "shop")
    assert not parsed.refusals, parsed.refusals
    (found,) = parsed.orders
    assert not found.totals.difference
    return found


def refused(document: Any) -> Refusal:
    parsed = FORMAT.parse(document if isinstance(document, bytes) else body(document), "shop")
    assert not parsed.orders
    (refusal,) = parsed.refusals
    return refusal


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def test_an_order_with_prices_that_include_their_tax() -> None:
    found = understood(VAT_ORDER)
    totals = found.totals
    assert str(found.key) == "storefront/shop/SF-20011"
    assert found.state is ChannelState.OPEN
    assert found.version.isoformat() == "2026-11-23T09:12:44.120331+00:00"
    assert (totals.goods, totals.discounts, totals.shipping) == (eur("426.44"), eur("49.80"), eur("4.12"))
    assert (totals.seller_tax, totals.channel_tax) == (eur("72.34"), eur("0"))
    assert found.extras == {"number": "#20011"}


def test_tax_that_a_marketplace_collects_on_top_is_kept_apart() -> None:
    taxes = [
        {"amount": "20.00", "collected_by": "marketplace", "jurisdiction": "KY"},
        {"amount": "1.50", "collected_by": "seller"},
    ]
    document = order(
        currency="USD",
        prices_include_tax=False,
        lines=[line(discounts=[{"amount": "8.00", "funded_by": "marketplace"}], taxes=taxes)],
        charges=[],
        total="511.50",
    )
    found = understood(document)
    assert [tax.remitter for tax in found.lines[0].taxes] == [Remitter.CHANNEL, Remitter.SELLER]
    assert found.lines[0].discounts[0].funded_by is Funder.CHANNEL
    assert found.totals.channel_tax == Money.of("20.00", "USD")
    assert found.receivable == Money.of("491.50", "USD")


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        ({"total": 453.10}, "wrong_type", "total"),
        ({"total": "453,10"}, "wrong_amount", "total"),
        ({"total": "-453.10"}, "wrong_amount", "total"),
        ({"total": "453.101"}, "wrong_amount", "total"),
        ({"total": "NaN"}, "wrong_amount", "total"),
        ({"total": "٤٥٣"}, "wrong_amount", "total"),
        ({"total": "453.11"}, "totals_differ", "total"),
        ({"prices_include_tax": False}, "totals_differ", "total"),
        ({"prices_include_tax": None}, "missing", "prices_include_tax"),
        ({"prices_include_tax": "yes"}, "wrong_type", "prices_include_tax"),
        ({"currency": "EURO"}, "unknown_currency", "currency"),
        ({"currency": "JPY"}, "wrong_amount", "lines[0].discounts[0].amount"),
        ({"state": "bewitched"}, "unknown_word", "state"),
        ({"state": "shipped", "lines": [line(quantity_shipped=0)]}, "state_differs", "state"),
        ({"state": "cancelled", "lines": [line(quantity_shipped=1)]}, "state_differs", "state"),
        ({"state": "partially_shipped"}, "state_differs", "state"),
        ({"lines": [line(quantity_cancelled=2)]}, "state_differs", "state"),
        ({"lines": [line(quantity_shipped=2, quantity_cancelled=1)]}, "wrong_quantity", "lines[0]"),
        ({"lines": []}, "wrong_value", "lines"),
        ({"lines": [line(quantity="2")]}, "wrong_type", "lines[0].quantity"),
        ({"lines": [line(quantity=True)]}, "wrong_type", "lines[0].quantity"),
        ({"lines": [line(quantity=0)]}, "wrong_value", "lines[0].quantity"),
        ({"lines": [line(price="497.99")]}, "amounts_differ", "lines[0].price"),
        ({"lines": [line(), line()]}, "duplicate_line", "lines[1].id"),
        ({"lines": [line(sku="")]}, "wrong_value", "lines[0].sku"),
        ({"lines": [line(taxes=[{"amount": "1.00"}])]}, "missing", "lines[0].taxes[0].collected_by"),
        (
            {"lines": [line(taxes=[{"amount": "1.00", "collected_by": "nobody"}])]},
            "unknown_word",
            "lines[0].taxes[0].collected_by",
        ),
        ({"charges": [{"kind": "shipping", "amount": "-1.00"}]}, "wrong_amount", "charges[0].amount"),
        ({"charges": [{"kind": "tip", "amount": "1.00", "line_id": "9"}]}, "unknown_line", "charges[0].line_id"),
        (
            {"parcels": [{"id": "P1", "lines": [{"line_id": "9", "quantity": 1}]}]},
            "unknown_line",
            "parcels[0].lines[0].line_id",
        ),
        ({"updated_at": "2026-11-23T09:12:44"}, "no_time_zone", "updated_at"),
        ({"updated_at": 1763888000}, "wrong_type", "updated_at"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "wrong_time", "updated_at"),
        ({"created_at": None}, "missing", "created_at"),
        ({"id": "a/b"}, "wrong_id", "id"),
        ({"id": 20011}, "wrong_type", "id"),
        ({"ship_to": {"country": "Germany"}}, "wrong_value", "ship_to.country"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason_and_path(change: dict[str, Any], reason: str, path: str) -> None:
    found = refused(order(**change))
    assert (found.reason, found.path) == (reason, path)
    assert found.remedy.endswith(".") or found.remedy.endswith("?")
    assert found.external_id == (None if "id" in change and change["id"] == 20011 else order(**change)["id"])


def test_a_refusal_names_the_other_wrong_fields_too() -> None:
    found = refused(order(total=1, created_at=None))
    assert "Also wrong: total." in found.remedy


def test_a_total_that_is_wrong_is_told_what_it_should_be() -> None:
    assert "453.10 EUR" in refused(order(total="1.00")).remedy


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "not_json"),
        (b"\xff", "not_json"),
        (b"NaN", "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"null", "not_an_order"),
        (b"{}", "not_an_order"),
        (b"[]", "empty"),
        (b'{"orders": []}', "empty"),
        (body({"id": "RT-1", "order_id": "SF-1", "lines": []}), "not_an_order"),
    ],
)
def test_what_is_no_order_is_refused_as_such(document: bytes, reason: str) -> None:
    assert refused(document).reason == reason


def test_one_bad_order_of_a_page_does_not_hide_the_others() -> None:
    page = {"orders": [order(), order(id="SF-2", total="1.00"), order(id="SF-3")], "next_cursor": "x"}
    parsed = FORMAT.parse(body(page), "shop")
    assert [found.key.external_id for found in parsed.orders] == ["SF-20011", "SF-3"]
    assert [(refusal.external_id, refusal.reason) for refusal in parsed.refusals] == [("SF-2", "totals_differ")]


def test_units_that_are_not_stated_follow_from_the_state() -> None:
    shipped, cancelled = understood(order(state="delivered")), understood(order(state="cancelled"))
    assert (shipped.state, shipped.lines[0].shipped) == (ChannelState.SHIPPED, 2)
    assert cancelled.lines[0].cancelled == 2
    part = understood(order(state="shipped", lines=[line(quantity_cancelled=1)]))
    assert (part.lines[0].shipped, part.lines[0].cancelled) == (1, 1)


def test_null_is_as_if_left_out_and_free_text_is_made_safe() -> None:
    document = order(buyer=None, cancel_request=None, note="a\x00b", extras={"kept": "yes", "not text": {"a": 1}})
    document["lines"][0]["title"] = None
    found = understood(document)
    assert found.extras == {"kept": "yes", "number": "#20011", "note": "ab"}


def test_a_wish_to_cancel_is_no_cancellation() -> None:
    asked = understood(order(cancel_request={"reason": "ordered twice"}))
    assert (asked.state, asked.cancel_requested) == (ChannelState.OPEN, "ordered twice")
    done = understood(order(state="cancelled", cancel_request={"reason": "ordered twice"}))
    assert done.cancel_requested is None


def test_unknown_fields_and_harmless_words_are_counted() -> None:
    document = order(mood="fine", charges=[*VAT_ORDER["charges"], {"kind": "carbon", "amount": "0.00"}])
    document["lines"][0]["colour"] = {"of": ["which", 1]}
    parsed = FORMAT.parse(body(document), "shop")
    assert {(drift.kind, drift.path, drift.value) for drift in parsed.drift} == {
        ("unknown_field", "mood", ""),
        ("unknown_field", "lines[].colour", ""),
        ("unknown_value", "charges[].kind", "carbon"),
    }
    assert parsed.orders[0].charges[1].kind is ChargeKind.OTHER
    assert parsed.orders[0].charges[1].label == "carbon"


AMOUNTS = st.integers(0, 10**8).map(lambda cents: Decimal(cents).scaleb(-2))


@given(
    prices=st.lists(st.tuples(AMOUNTS, AMOUNTS, st.sampled_from(("seller", "marketplace"))), min_size=1, max_size=5),
    shipping=AMOUNTS,
    included=st.booleans(),
    off_by=st.sampled_from((0, 0, 1)),
)
@settings(max_examples=150, deadline=None)
def test_totals_are_proven_to_the_cent(
    prices: list[tuple[Decimal, Decimal, str]], shipping: Decimal, included: bool, off_by: int
) -> None:
    lines = [
        {
            "id": str(number),
            "sku": "S",
            "quantity": 1,
            "price": str(price),
            "taxes": [{"amount": str(min(tax, price)), "collected_by": by}],
        }
        for number, (price, tax, by) in enumerate(prices)
    ]
    taxes = Decimal(0) if included else sum(min(tax, price) for price, tax, _ in prices)
    total = sum(price for price, _, _ in prices) + shipping + taxes + Decimal(off_by).scaleb(-2)
    document = order(
        lines=lines,
        charges=[{"kind": "shipping", "amount": str(shipping)}],
        prices_include_tax=included,
        total=str(total),
    )
    parsed = FORMAT.parse(body(document), "shop")
    if off_by:
        assert [refusal.reason for refusal in parsed.refusals] == ["totals_differ"]
    else:
        assert not parsed.orders[0].totals.difference


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted({*VAT_ORDER, "refunds", "parcels", "buyer", "ship_to", "extras"})), value=JSON)
@settings(max_examples=300, deadline=None)
def test_no_value_in_any_field_makes_it_raise(field: str, value: Any) -> None:
    document = json.dumps({**VAT_ORDER, field: value}).encode()
    parsed = FORMAT.parse(document, "shop")
    assert len(parsed.orders) + len(parsed.refusals) == 1
    for text in [text for refusal in parsed.refusals for text in (refusal.value, refusal.remedy, refusal.path)]:
        assert "\x00" not in text
        assert text.encode()


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_by_name(document: bytes) -> None:
    assert FORMAT.parse(document, "shop").refusals
    assert FORMAT.parse_returns(document, "shop").refusals
    with pytest.raises(SchemaDrift):
        FORMAT.parse_settlement(document, "shop")


def a_return(**changes: Any) -> dict[str, Any]:
    rows = [{"id": "1", "line_id": "1", "quantity": 1, "reason": "too small"}]
    times = {"created_at": "2026-11-24T10:00:00Z", "updated_at": "2026-11-24T10:00:00Z"}
    return {"id": "RT-1", "order_id": "SF-20011", "state": "requested", "lines": rows, **times, **changes}


def test_a_return_is_read() -> None:
    document = a_return(refunded={"amount": "12.00", "currency": "EUR"}, mood="bad")
    parsed = FORMAT.parse_returns(body(document), "shop")
    (found,) = parsed.returns
    assert (found.return_id, str(found.order_key)) == ("RT-1", "storefront/shop/SF-20011")
    assert found.state is ReturnState.REQUESTED
    assert found.refunded == eur("12.00")
    assert [drift.path for drift in parsed.drift] == ["mood"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (VAT_ORDER, "not_a_return"),
        (a_return(state="lost"), "unknown_word"),
        (a_return(refunded={"amount": "1.001", "currency": "EUR"}), "wrong_amount"),
        (a_return(lines=[{"id": "1", "quantity": 1}, {"id": "1", "quantity": 1}]), "duplicate_line"),
    ],
)
def test_a_return_that_is_wrong_is_refused(document: Any, reason: str) -> None:
    assert [refusal.reason for refusal in FORMAT.parse_returns(body(document), "shop").refusals] == [reason]


def payout(**changes: Any) -> dict[str, Any]:
    lines = [
        {"type": "goods", "label": "sale", "amount": "100.00", "order_id": "SF-1", "sku": "S", "quantity": 1},
        {"type": "tax_withheld", "amount": "-7.00", "order_id": "SF-1"},
        {"type": "fee", "amount": "-3.20"},
        {"type": "moon_tax", "label": "because of the moon", "amount": "-0.80"},
    ]
    return {
        "id": "PO-1",
        "currency": "EUR",
        "amount": "89.00",
        "paid_at": "2026-11-30T00:00:00Z",
        "lines": lines,
        **changes,
    }


def test_a_payout_adds_up_and_what_nobody_knows_is_a_residual_with_its_label() -> None:
    found = FORMAT.parse_settlement(body(payout()), "shop")
    assert found.lines_total == found.payout == eur("89.00")
    assert [each.type for each in found.lines] == [
        LineType.GOODS,
        LineType.TAX_WITHHELD,
        LineType.FEE,
        LineType.UNKNOWN,
    ]
    assert found.lines[3].label == "because of the moon"


@pytest.mark.parametrize(
    ("change", "reason", "path"),
    [
        ({"amount": "89.01"}, "sum_differs", "amount"),
        ({"amount": 89}, "wrong_type", "amount"),
        ({"currency": "XXQ"}, "unknown_currency", "currency"),
        ({"lines": [{"type": "goods", "amount": "1.001"}]}, "wrong_amount", "lines[0].amount"),
        ({"lines": [{"type": "goods"}]}, "missing", "lines[0].amount"),
    ],
)
def test_a_payout_that_is_wrong_names_the_place(change: dict[str, Any], reason: str, path: str) -> None:
    with pytest.raises(SchemaDrift) as drift:
        FORMAT.parse_settlement(body(payout(**change)), "shop")
    assert (drift.value.reason, drift.value.path) == (reason, path)
