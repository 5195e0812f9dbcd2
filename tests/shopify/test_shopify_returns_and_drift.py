"""Refunds, edits, returns, words and unknown fields of payloads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import Declined, Failure, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.shopify.failing import TooCostly, failure
from connectors.shopify.format import ShopifyFormat
from connectors.shopify.graphql import sunset_of
from connectors.shopify.parse import KNOWN
from models.channel import CancelReason, RefundReason
from models.order import ChannelState, Order
from models.returns import ReturnState
from tests.shopify.shop import SAMPLES, Shop, line, money, order

FORMAT = ShopifyFormat()


def read(document: Any) -> Order:
    parsed = FORMAT.parse(json.dumps(document).encode(), "main")
    assert not parsed.refusals, parsed.refusals
    (found,) = parsed.orders
    assert not found.totals.difference
    return found


def refund(**changes: Any) -> dict[str, Any]:
    return {
        "id": 31,
        "created_at": "2026-11-21T08:00:00Z",
        "note": "wrong size",
        "refund_line_items": [{"id": 1, "line_item_id": 901, "quantity": 1, "restock_type": "return"}],
        "transactions": [{"id": 5, "kind": "refund", "status": "success", "amount": "4.00", "currency": "USD"}],
        **changes,
    }


def test_what_was_paid_back_is_told_with_its_units() -> None:
    (found,) = read(order(refunds=[refund()])).refunds
    assert (found.refund_id, str(found.amount), found.reason, found.quantities) == (
        "31", "4.00 USD", "wrong size", {"901": 1}
    )  # fmt: skip
    assert str(found.at) == "2026-11-21 08:00:00+00:00"


@pytest.mark.parametrize(
    "transactions",
    [
        [],
        [{"kind": "refund", "status": "failure", "amount": "4.00"}],
        [{"kind": "refund", "status": "pending", "amount": "4.00"}],
        [{"kind": "void", "status": "success", "amount": "4.00"}],
    ],
)
def test_a_refund_that_moved_no_money_is_none(transactions: list[dict[str, Any]]) -> None:
    assert read(order(refunds=[refund(transactions=transactions)])).refunds == ()


def test_a_refund_in_the_buyers_currency_is_told_in_the_shops() -> None:
    paid = [{"kind": "refund", "status": "success", "amount": "9.40", "currency": "CHF"}]
    rows = [{"line_item_id": 901, "quantity": 1, "restock_type": "return", "subtotal_set": money("9.00"),
             "total_tax_set": money("0.50")}]  # fmt: skip
    told = refund(
        transactions=paid,
        refund_line_items=rows,
        refund_shipping_lines=[{"subtotal_amount_set": money("1.00")}],
        order_adjustments=[{"kind": "refund_discrepancy", "amount_set": money("0.50")}],
    )
    (found,) = read(order(refunds=[told])).refunds
    assert str(found.amount) == "10.00 USD"


def test_shipping_that_is_told_twice_is_paid_back_once() -> None:
    paid = [{"kind": "refund", "status": "success", "amount": "1.00", "currency": "CHF"}]
    told = refund(
        transactions=paid,
        refund_line_items=[],
        refund_shipping_lines=[{"subtotal_amount_set": money("1.00")}],
        order_adjustments=[{"kind": "shipping_refund", "amount_set": money("-1.00")}],
    )
    assert str(read(order(refunds=[told])).refunds[0].amount) == "1.00 USD"


def test_graphql_states_what_was_paid_back() -> None:
    shown = {"shopMoney": {"amount": "4.0", "currencyCode": "USD"}}
    node = {
        "id": "gid://shopify/Order/5",
        "createdAt": "2026-11-20T09:00:00Z",
        "currencyCode": "USD",
        "displayFinancialStatus": "PARTIALLY_REFUNDED",
        "totalPriceSet": {"shopMoney": {"amount": "10.0", "currencyCode": "USD"}},
        "lineItems": {"nodes": [{"id": "gid://shopify/LineItem/901", "sku": "A", "quantity": 1, "currentQuantity": 1,
                                 "originalUnitPriceSet": {"shopMoney": {"amount": "10.0", "currencyCode": "USD"}}}]},
        "refunds": [{"id": "gid://shopify/Refund/7", "note": "late", "totalRefundedSet": shown}],
    }  # fmt: skip
    (found,) = read({"data": {"order": node}}).refunds
    assert (found.refund_id, str(found.amount), found.reason) == ("7", "4.00 USD", "late")


@pytest.mark.skipif(not SAMPLES.exists(), reason="the vendors' samples are not on this machine")
def test_the_refunds_of_a_real_sample_are_told() -> None:
    (found,) = FORMAT.parse((SAMPLES / "order__list_any.json").read_bytes(), "main").orders
    assert {each.refund_id for each in found.refunds} == {"509562969"}
    assert all(each.amount.amount > 0 for each in found.refunds)


def test_a_removed_unit_stays_in_the_total_and_is_cancelled() -> None:
    items = [line(quantity=3, current_quantity=2, fulfillable_quantity=2), line(id=902, current_quantity=0,
             fulfillable_quantity=0)]  # fmt: skip
    found = read(order(line_items=items, total_price="50.00", current_total_price="20.00"))
    assert [(each.quantity, each.cancelled, each.open) for each in found.lines] == [(3, 1, 2), (2, 2, 0)]
    assert found.extras["current_total"] == "20.00"


def test_an_added_line_is_a_line_like_any_other() -> None:
    items = [line(), line(id=902, quantity=1, current_quantity=1, fulfillable_quantity=1)]
    assert [each.line_id for each in read(order(line_items=items, total_price="30.00")).lines] == ["901", "902"]


def test_a_total_that_was_edited_too_is_read_at_the_current_quantities() -> None:
    tax = [{"title": "VAT", "rate": 0.1, "price": "3.00"}]
    off = [{"amount": "3.00", "discount_application_index": 0}]
    items = [
        line(quantity=3, current_quantity=2, fulfillable_quantity=2, tax_lines=tax, discount_allocations=off),
        line(id=902, current_quantity=0, fulfillable_quantity=0),
    ]
    found = read(order(line_items=items, total_price="20.00", total_tax="2.00", total_discounts="2.00"))
    assert [(each.line_id, each.quantity, each.cancelled) for each in found.lines] == [("901", 2, 0)]
    assert (str(found.lines[0].taxes[0].amount), str(found.totals.discounts)) == ("2.00 USD", "2.00 USD")


def test_a_total_that_no_reading_explains_is_refused_with_the_stated_sums() -> None:
    items = [line(quantity=3, current_quantity=2)]
    parsed = FORMAT.parse(json.dumps(order(line_items=items, total_price="21.00")).encode(), "main")
    assert parsed.refusals[0].reason == "totals_differ"
    assert "computed 30.00" in parsed.refusals[0].value


def test_unknown_fields_and_words_are_told_once_and_refuse_nothing() -> None:
    items = [line(gift_wrap={"paper": "secret"}), line(id=902, gift_wrap=1)]
    parsed = FORMAT.parse(
        json.dumps(order(line_items=items, total_price="40.00", fulfillment_status="teleported", mood="x")).encode(),
        "main",
    )
    assert len(parsed.orders) == 1
    assert {(each.kind, each.path, each.value) for each in parsed.drift} == {
        ("unknown_field", "line_items[].gift_wrap", ""),
        ("unknown_field", "mood", ""),
        ("unknown_value", "fulfillment_status", "teleported"),
    }
    assert len(parsed.drift) == 3


@pytest.mark.skipif(not SAMPLES.exists(), reason="the vendors' samples are not on this machine")
def test_real_samples_hold_nothing_unknown_but_one_word() -> None:
    drift = {
        (each.path, each.value)
        for path in SAMPLES.glob("order__*.json")
        for each in FORMAT.parse(path.read_bytes(), "main").drift
    }
    assert drift == {("fulfillment_status", "pending")}


async def test_nothing_that_the_twin_says_is_unknown() -> None:
    shop = Shop()
    for number in range(1, 30):
        if number != 6:
            assert not FORMAT.parse(shop.body(shop.sell(number)), "main").drift
    for task in shop.sandbox.tasks:
        task.cancel()


def test_nesting_beyond_reason_never_raises() -> None:
    for deep in (b"[" * 900 + b"]" * 900, b'{"tax_lines":' * 900 + b"1" + b"}" * 900):
        body = json.dumps(order()).encode().replace(b'"tax_lines": []', b'"tax_lines": ' + deep)
        assert FORMAT.parse(body, "main").drift is not None
        assert FORMAT.parse_returns(deep, "main").refusals


def returned(**changes: Any) -> dict[str, Any]:
    """A return as a webhook tells it."""
    return {
        "id": 5001,
        "admin_graphql_api_id": "gid://shopify/Return/5001",
        "order": {"id": 77, "admin_graphql_api_id": "gid://shopify/Order/77"},
        "name": "#1001-R1",
        "status": "requested",
        "created_at": "2026-11-20T09:00:00-05:00",
        "return_line_items": [
            {
                "id": 9,
                "quantity": 2,
                "return_reason": "size_too_small",
                "customer_note": "Too tight",
                "fulfillment_line_item": {"id": 3, "line_item": {"id": 901}},
            }
        ],
        **changes,
    }


def test_a_return_of_a_webhook_is_read() -> None:
    (found,) = FORMAT.parse_returns(json.dumps(returned()).encode(), "main").returns
    assert str(found.order_key) == "shopify/main/77"
    assert (found.return_id, found.rma, found.state) == ("5001", "#1001-R1", ReturnState.REQUESTED)
    (item,) = found.lines
    assert (item.return_line_id, item.line_id, item.quantity) == ("9", "901", 2)
    assert item.reason == "size_too_small: Too tight"
    assert found.version == found.requested_at


@pytest.mark.parametrize(
    ("status", "changes", "state"),
    [
        ("open", {}, ReturnState.APPROVED),
        ("OPEN", {"unprocessed_quantity": 1}, ReturnState.APPROVED),
        ("open", {"unprocessed_quantity": 0}, ReturnState.RECEIVED),
        ("closed", {}, ReturnState.CLOSED),
        ("declined", {}, ReturnState.REFUSED),
        ("canceled", {}, ReturnState.CANCELLED),
    ],
)
def test_the_state_of_a_return_is_shopifys_status_and_what_is_back(
    status: str, changes: dict[str, Any], state: ReturnState
) -> None:
    document = returned(status=status)
    document["return_line_items"][0].update(changes)
    assert FORMAT.parse_returns(json.dumps(document).encode(), "main").returns[0].state is state


def test_a_return_without_a_moment_never_overwrites_one_with() -> None:
    dated, undated = (
        FORMAT.parse_returns(json.dumps(returned(created_at=moment)).encode(), "main").returns[0]
        for moment in ("2026-11-20T09:00:00Z", None)
    )
    assert undated.version < dated.version


@pytest.mark.parametrize(
    ("document", "reason", "path"),
    [
        ([], "not_a_return", "$"),
        ({"id": 1}, "not_a_return", "$"),
        (returned(status="lost"), "unknown_status", "status"),
        (returned(status=None), "missing", "status"),
        (returned(order=None), "missing", "order_id"),
        (returned(return_line_items=[]), "wrong_value", "lines"),
        (returned(return_line_items=[{"id": 1, "quantity": 0}]), "wrong_value", "quantity"),
        ({"data": {"return": {"id": "gid://shopify/Return/1", "status": "OPEN", "order": {"id": "x"},
                              "returnLineItems": {"nodes": []}}}}, "wrong_id", "data.return.order.id"),
    ],
)  # fmt: skip
def test_what_is_no_return_is_refused_by_name(document: Any, reason: str, path: str) -> None:
    parsed = FORMAT.parse_returns(json.dumps(document).encode(), "main")
    assert not parsed.returns
    assert (parsed.refusals[0].reason, parsed.refusals[0].path) == (reason, path)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_no_return_and_never_raise(body: bytes) -> None:
    assert not FORMAT.parse_returns(body, "main").returns


def test_every_word_reads_back() -> None:
    words = FORMAT.vocabulary
    assert {words.states[word] for word in words.state_words.values()} == set(ChannelState)
    assert all(words.states[word] is state for state, word in words.state_words.items())
    assert set(words.cancel_reasons) == set(CancelReason)
    assert set(words.refund_reasons) == set(RefundReason)


@pytest.mark.parametrize(
    ("code", "written", "read_only"),
    [
        ("THROTTLED", Unavailable, Unavailable),
        ("INTERNAL_SERVER_ERROR", InDoubt, Unavailable),
        ("MAX_COST_EXCEEDED", TooCostly, TooCostly),
        ("ACCESS_DENIED", Unauthorized, Unauthorized),
        ("undefinedField", SchemaDrift, SchemaDrift),
        ("IDEMPOTENCY_CONCURRENT_REQUEST", Unavailable, Unavailable),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", InDoubt, Unavailable),
        ("http_500", InDoubt, Unavailable),
        ("http_423", Unauthorized, Unauthorized),
        ("INVALID", Declined, Declined),
        ("A_CODE_OF_NEXT_YEAR", Declined, Declined),
    ],
)
def test_every_code_has_its_meaning(code: str, written: type[Exception], read_only: type[Exception]) -> None:
    assert isinstance(failure(code, "no", writes=True), written)
    assert isinstance(failure(code, "no", writes=False), read_only)
    assert FORMAT.vocabulary.failures.get(code, Failure.DECLINED) in Failure


def test_a_version_ends_a_year_after_its_release() -> None:
    assert str(sunset_of("2026-10")) == "2027-10-01"
    assert sunset_of("unstable") is None


def test_the_list_of_fields_is_of_paths() -> None:
    assert len(KNOWN) > 500
