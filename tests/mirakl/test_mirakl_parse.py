"""Payloads of OR11 and RT11, made for the tests, to canonical orders and returns or named refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.mirakl.parse import parse
from connectors.mirakl.returns import parse_returns
from connectors.mirakl.vocabulary import LINE_STATES, VOCABULARY
from models.channel import CancelReason, RefundReason
from models.order import ChannelState, ChargeKind, FulfilmentSide, Remitter
from models.returns import ReturnState
from tests.mirakl.shop import ACCOUNT, eur, line_payload, order_payload, parsed, refused

ADDRESS = {
    "firstname": "Ada",
    "lastname": "Durand",
    "street_1": "12 rue des Lilas",
    "street_2": "",
    "zip_code": "69003",
    "city": "Lyon",
    "country": "France",
    "country_iso_code": "FRA",
}


def tax(amount: float, code: str = "VAT", *, payable: bool | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"code": code, "amount": amount, **more}
    if payable is not None:
        found["amount_breakdown"] = {"parts": [{"amount": amount, "payable_to_shop": payable}]}
    return found


def change(amount: float, quantity: int = 0, shipping: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "amount": amount,
        "shipping_amount": shipping,
        "quantity": quantity,
        "reason_code": "15",
        "created_date": "2026-11-02T10:00:00Z",
        **more,
    }


def test_an_order_to_be_shipped() -> None:
    payload = order_payload(
        "24.90",
        line_payload(shipping_price=4.90),
        customer={"firstname": "Ada", "lastname": "Durand", "shipping_address": ADDRESS},
        shipping_deadline="2026-11-04T23:59:59.999Z",
        references={"order_reference_for_customer": "PO-7"},
        channel={"code": "FR", "label": "France"},
    )
    order = parsed({"orders": [payload], "total_count": 1})
    assert (order.key.external_id, order.state, order.region) == ("A", ChannelState.OPEN, "FR")
    assert (order.total, order.totals.goods, order.totals.shipping) == (eur("24.90"), eur("20"), eur("4.90"))
    assert order.ship_to is not None
    assert (order.ship_to.name, order.ship_to.country, order.ship_to.lines) == (
        "Ada Durand",
        "FR",
        ("12 rue des Lilas",),
    )
    assert order.ship_by == datetime(2026, 11, 4, 23, 59, 59, 999000, UTC)
    assert (order.buyer.purchase_order, order.acknowledge_by) == ("PO-7", None)


@pytest.mark.parametrize(("word", "state"), [(word, state) for word, state in LINE_STATES.items()])
def test_every_state_of_a_line_is_known_and_every_word_of_ours_reads_back(word: str, state: ChannelState) -> None:
    order = parsed(order_payload("20", line_payload(order_line_state=word, shipped_date="2026-11-02T10:00:00Z")))
    expected = {ChannelState.PENDING: ChannelState.OPEN}.get(state, state)
    assert order.state in (expected, ChannelState.CANCELLED)
    assert all(LINE_STATES[word] is state for state, word in VOCABULARY.state_words.items())
    assert set(VOCABULARY.cancel_reasons) == set(CancelReason)
    assert set(VOCABULARY.refund_reasons) == set(RefundReason)


@pytest.mark.parametrize("word", ["STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"])
def test_nothing_is_shipped_before_the_buyer_is_debited(word: str) -> None:
    payload = order_payload("20", line_payload(order_line_state=word), state=word, customer={"lastname": "D"})
    order = parsed(payload)
    assert (order.state, order.ship_to) == (ChannelState.PENDING, None)
    expected = order.purchased_at + timedelta(hours=24) if word == "WAITING_ACCEPTANCE" else None
    assert order.acknowledge_by == expected


def test_a_refused_line_is_not_shipped_and_may_count_or_not() -> None:
    dead = line_payload(2, order_line_state="REFUSED")
    for total, goods in (("20", "20"), ("40", "40")):
        order = parsed(order_payload(total, line_payload(), dead))
        assert [line.open for line in order.lines] == [2, 0]
        assert order.totals.goods == eur(goods)


def test_cancelled_units_are_added_to_the_quantity_that_is_left() -> None:
    order = parsed(order_payload("20", line_payload(cancelations=[change(10, 1)])))
    assert [(line.quantity, line.cancelled, line.open) for line in order.lines] == [(3, 1, 2)]


def test_a_quantity_that_was_not_reduced_shows_by_its_price() -> None:
    order = parsed(order_payload("20", line_payload(quantity=3, price=20, cancelations=[change(10, 1)])))
    assert [(line.quantity, line.cancelled, line.open) for line in order.lines] == [(3, 1, 2)]


def test_a_line_cancelled_as_a_whole_keeps_its_units() -> None:
    line = line_payload(quantity=0, price=0, order_line_state="CANCELED", cancelations=[change(20, 2)])
    order = parsed(order_payload("0", line, state="CANCELED", order_state_reason_label="Changed mind"))
    assert (order.state, order.cancel_reason) == (ChannelState.CANCELLED, "Changed mind")
    assert [(line.quantity, line.cancelled) for line in order.lines] == [(2, 2)]


def test_refunds_that_reduced_the_price_are_told_beside_the_whole_total() -> None:
    line = line_payload(price=14, shipping_price=3, refunds=[change(6, 1, 1.5)])
    order = parsed(order_payload("17", line, state="RECEIVED"))
    assert (order.total, order.totals.goods, order.totals.shipping) == (eur("24.50"), eur("20"), eur("4.50"))
    assert [(each.amount, each.quantities) for each in order.refunds] == [(eur("7.50"), {"A-1": 1})]


def test_refunds_that_left_the_price_alone_leave_the_total_alone() -> None:
    order = parsed(order_payload("20", line_payload(refunds=[change(6)]), state="RECEIVED"))
    assert (order.total, [each.amount for each in order.refunds]) == (eur("20"), [eur("6")])


def test_tax_on_top_belongs_to_whom_the_breakdown_says() -> None:
    line = line_payload(
        shipping_price=5,
        taxes=[tax(4, payable=False, rate=20), tax(1, "ECO", payable=True)],
        shipping_taxes=[tax(1)],
    )
    order = parsed(order_payload("25", line, order_tax_mode="TAX_EXCLUDED"))
    assert (order.total, order.totals.channel_tax, order.totals.seller_tax) == (eur("31"), eur("4"), eur("2"))
    assert [each.rate for each in order.lines[0].taxes] == ["0.2", None]


def test_a_tax_may_be_split_between_the_operator_and_the_shop() -> None:
    parts = [{"amount": 3, "payable_to_shop": False}, {"amount": 1, "payable_to_shop": True}]
    line = line_payload(taxes=[{"code": "VAT", "amount": 4, "amount_breakdown": {"parts": parts}}])
    order = parsed(order_payload("20", line, order_tax_mode="TAX_EXCLUDED"))
    assert (order.totals.channel_tax, order.totals.seller_tax) == (eur("3"), eur("1"))


def test_tax_within_prices_is_counted_once() -> None:
    order = parsed(order_payload("20", line_payload(taxes=[tax(3.33)])))
    assert (order.total, order.totals.goods, order.totals.seller_tax) == (eur("20"), eur("16.67"), eur("3.33"))
    assert order.lines[0].taxes[0].remitter is Remitter.SELLER


def test_taxes_of_the_order_as_a_whole_count_where_lines_have_none() -> None:
    payload = order_payload("20", line_payload(), order_tax_mode="TAX_EXCLUDED")
    order = parsed({**payload, "order_taxes": [{"code": "VAT", "total_amount": 4}]})
    assert (order.total, order.totals.seller_tax) == (eur("24"), eur("4"))


def test_fees_are_part_of_the_total_or_are_said_to_be_outside() -> None:
    line = line_payload(fees=[{"code": "DEPOSIT", "amount": 0.25}])
    inside, outside = parsed(order_payload("20.25", line)), parsed(order_payload("20", line))
    assert [(each.kind, each.label) for each in inside.charges] == [(ChargeKind.OTHER, "DEPOSIT")]
    assert outside.extras["fees_outside_total"] == "0.25"


def test_shipping_that_no_line_states_is_the_orders() -> None:
    line = line_payload()
    del line["shipping_price"]
    order = parsed(order_payload("25", line, shipping_price=5))
    assert order.totals.shipping == eur("5")


def test_a_promotion_is_a_discount_where_the_price_is_what_it_left() -> None:
    promotion = {"id": "P", "promo_code": "TEN", "deduced_amount": 2}
    order = parsed(order_payload("18", line_payload(price=18, promotions=[promotion])))
    assert (order.totals.goods, order.totals.discounts) == (eur("20"), eur("2"))
    assert order.lines[0].discounts[0].code == "TEN"


def test_money_is_read_from_the_text_and_never_through_a_float() -> None:
    body = json.dumps(order_payload("20", line_payload()))
    body = body.replace('"price": 20.0', '"price": 20.10000').replace('"total_price": 20.0', '"total_price": 20.1')
    (order,) = parse(body.encode(), ACCOUNT).orders
    assert str(order.total) == "20.10 EUR"


def test_an_operators_warehouse_ships_what_no_seller_may_ship() -> None:
    center = {"center": {"code": "OPERATOR-1"}}
    order = parsed(order_payload("20", line_payload(), fulfillment=center, can_shop_ship=False))
    assert order.fulfilled_by is FulfilmentSide.CHANNEL


def test_some_lines_have_left() -> None:
    left = line_payload(2, order_line_state="SHIPPED", shipped_date="2026-11-02T10:00:00Z")
    payload = order_payload("40", line_payload(), left, shipping_company="DHL", shipping_tracking="JD1")
    order = parsed(payload)
    assert order.state is ChannelState.PARTIALLY_SHIPPED
    assert [(each.carrier, each.tracking, each.quantities) for each in order.parcels] == [("DHL", "JD1", {"A-2": 2})]


def test_an_order_closed_before_it_left_because_all_was_paid_back_is_cancelled() -> None:
    line = line_payload(price=0, order_line_state="CLOSED", refunds=[change(20, 2)])
    assert parsed(order_payload("0", line, state="CLOSED", fully_refunded=True)).state is ChannelState.CANCELLED


def without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in payload.items() if field != name}


WHOLE = order_payload("20", line_payload())
OF_CONNECT = {"channel_order_id": "7-A", "order_lines": []}


def of_line(**changes: Any) -> dict[str, Any]:
    return order_payload("20", {**line_payload(), **changes})


@pytest.mark.parametrize(
    ("payload", "reason", "path"),
    [
        ({"offers": []}, "not_an_order", "$"),
        (without(WHOLE, "order_id"), "missing", "order_id"),
        (without(WHOLE, "order_state"), "missing", "order_state"),
        (without(WHOLE, "currency_iso_code"), "missing", "currency_iso_code"),
        (without(WHOLE, "total_price"), "missing", "total_price"),
        (without(WHOLE, "last_updated_date"), "missing", "last_updated_date"),
        ({**WHOLE, "order_lines": []}, "items_absent", "order_lines"),
        ({**WHOLE, "order_state": "ON_HOLIDAY"}, "unknown_status", "order_state"),
        ({**WHOLE, "currency_iso_code": "XXQ"}, "wrong_value", "currency_iso_code"),
        ({**WHOLE, "total_price": 21}, "totals_differ", "total_price"),
        ({**WHOLE, "total_price": 20.001}, "wrong_value", "total_price"),
        ({**WHOLE, "total_price": True}, "wrong_type", "total_price"),
        ({**WHOLE, "created_date": "yesterday"}, "wrong_value", "created_date"),
        (
            of_line(order_line_state="LOST"),
            "unknown_status",
            "order_lines[0].order_line_state",
        ),
        (of_line(quantity=1.5), "wrong_type", "order_lines[0].quantity"),
        (of_line(quantity=-1), "wrong_value", "order_lines[0].quantity"),
        (order_payload("40", line_payload(), line_payload()), "duplicate", "order_lines[0].order_line_id"),
        (without(order_payload("20", line_payload(taxes=[tax(1)])), "order_tax_mode"), "missing", "order_tax_mode"),
        (
            order_payload("20", line_payload(taxes=[tax(1)]), order_tax_mode="MIXED"),
            "unknown_tax_mode",
            "order_tax_mode",
        ),
        (
            {"data": [OF_CONNECT]},
            "mirakl_connect_order",
            "data[0].channel_order_id",
        ),
    ],
)
def test_what_cannot_be_an_order_is_refused_by_name(payload: Any, reason: str, path: str) -> None:
    refusal = refused(payload)
    assert (refusal.reason, refusal.path) == (reason, path)
    assert refusal.remedy


def test_one_bad_order_does_not_hold_up_the_others() -> None:
    result = parse(json.dumps({"orders": [without(WHOLE, "order_state"), WHOLE, "nonsense"]}).encode(), ACCOUNT)
    assert [order.key.external_id for order in result.orders] == ["A"]
    assert [(each.reason, each.external_id) for each in result.refusals] == [("missing", "A"), ("not_an_order", None)]


def test_an_empty_list_is_no_refusal() -> None:
    assert parse(b'{"orders": [], "total_count": 0}', ACCOUNT) == parse(b"[]", ACCOUNT)


def test_what_the_contract_does_not_have_is_drift_and_harmless() -> None:
    payload = order_payload("20", line_payload(robot="R2"), payment_workflow="PAY_IN_SHELLS", mood="good")
    result = parse(json.dumps(payload).encode(), ACCOUNT)
    assert len(result.orders) == 1
    assert {(each.kind, each.path, each.value) for each in result.drift} == {
        ("unknown_field", "order_lines[].robot", ""),
        ("unknown_field", "mood", ""),
        ("unknown_value", "payment_workflow", "PAY_IN_SHELLS"),
    }


CLAIM = {
    "id": "R-1",
    "order_id": "A",
    "state": "IN_PROGRESS",
    "date_created": "2026-11-02T10:00:00Z",
    "last_updated": "2026-11-03T10:00:00Z",
    "reason_code": "RETURN_CHANGED_MIND",
    "rma": "RMA-1",
    "return_lines": [{"order_line_id": "A-1", "quantity": 1}],
    "tracking": {"carrier_name": "DHL", "tracking_number": "JD1"},
}


def test_a_return() -> None:
    result = parse_returns(json.dumps({"data": [CLAIM]}).encode(), ACCOUNT)
    (claim,) = result.returns
    assert (claim.return_id, str(claim.order_key), claim.state) == ("R-1", "mirakl/decora-eu/A", ReturnState.APPROVED)
    assert (claim.rma, claim.carrier, claim.tracking) == ("RMA-1", "DHL", "JD1")
    assert [(line.line_id, line.quantity, line.reason) for line in claim.lines] == [("A-1", 1, "RETURN_CHANGED_MIND")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "LOST"}, "unknown_status"),
        ({"state": None}, "missing"),
        ({"order_id": None}, "missing"),
        ({"return_lines": [{"order_line_id": "A-1", "quantity": 0}]}, "wrong_value"),
        ({"return_lines": []}, "invalid"),
    ],
)
def test_a_return_that_cannot_be_read_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    result = parse_returns(json.dumps({**CLAIM, **change}).encode(), ACCOUNT)
    assert [(each.reason, each.external_id) for each in result.refusals] == [(reason, "R-1")]
