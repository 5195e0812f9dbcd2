"""Every payload becomes a canonical order whose sums add up, or a refusal that names path, value and remedy."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.ports import Refusal
from connectors.shopify.parse import parse
from models.order import ChannelState, ChargeKind, Order, Remitter
from tests.shopify.shop import SAMPLES, line, money, order

samples = sorted(SAMPLES.glob("*.json"))
ORDERS = {
    "cancel__order_no_refund": (ChannelState.CANCELLED, "598.94 USD"),
    "cancel__order_with_amount": (ChannelState.CANCELLED, "598.94 USD"),
    "order__close": (ChannelState.OPEN, "598.94 USD"),
    "order__create_1": (ChannelState.OPEN, "238.47 EUR"),
    "order__create_3": (ChannelState.PENDING, "199.00 USD"),
    "order__create_5": (ChannelState.OPEN, "199.00 USD"),
    "order__create_6": (ChannelState.SHIPPED, "199.00 USD"),
    "order__create_8": (ChannelState.OPEN, "270.37 USD"),
    "order__go_order": (ChannelState.CANCELLED, "10.00 USD"),
    "order__list_any": (ChannelState.OPEN, "598.94 USD"),
}
NAMED_REFUSALS = {"order__py_order": ("totals_differ", "order.total_price")}


def read(document: Any) -> Order:
    parsed = parse(json.dumps(document).encode(), "main")
    assert not parsed.refusals, parsed.refusals
    (found,) = parsed.orders
    return found


def refused(document: Any) -> Refusal:
    parsed = parse(json.dumps(document).encode(), "main")
    assert not parsed.orders
    (refusal,) = parsed.refusals
    return refusal


@pytest.mark.skipif(not samples, reason="the vendors' samples are not on this machine")
@pytest.mark.parametrize("path", samples, ids=lambda path: path.stem)
def test_a_real_sample_is_an_order_that_adds_up_or_a_refusal_that_says_what_it_is(path: Any) -> None:
    parsed = parse(path.read_bytes(), "main")
    if path.stem in ORDERS:
        (found,) = parsed.orders
        assert (found.state, str(found.total)) == ORDERS[path.stem]
        assert not found.totals.difference
        return
    (refusal,) = parsed.refusals
    assert not parsed.orders
    if path.stem in NAMED_REFUSALS:
        assert (refusal.reason, refusal.path) == NAMED_REFUSALS[path.stem]
        assert "409.94" in refusal.value
        assert "608.94" in refusal.value
    else:
        assert refusal.reason == "not_an_order"


@pytest.mark.skipif(not samples, reason="the vendors' samples are not on this machine")
def test_what_was_refunded_before_shipping_is_cancelled_and_the_rest_is_open() -> None:
    found = parse((SAMPLES / "order__list_any.json").read_bytes(), "main").orders[0]
    assert {item.sku: (item.cancelled, item.open) for item in found.lines} == {
        "IPOD2008GREEN": (1, 0),
        "IPOD2008RED": (0, 1),
        "IPOD2008BLACK": (1, 0),
    }


def edges(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"orders": {"edges": [{"node": node} for node in nodes]}}}


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda o: o,
        lambda o: {"order": o},
        lambda o: {"orders": [o]},
        lambda o: {"method": "GET", "status": 200, "response_body": {"orders": [o]}},
        lambda o: {"data": {"order": o}},
        lambda o: {"data": {"orderByIdentifier": o}},
        lambda o: {"data": {"orders": {"nodes": [o]}}, "extensions": {"cost": {}}},
        edges,
        lambda o: [o],
    ],
)
def test_any_wrapper_gives_the_same_order(wrapped: Any) -> None:
    assert read(wrapped(order())) == read(order())


def test_one_bad_order_of_a_page_does_not_hide_the_others() -> None:
    bad = order(line_items=[line(), line(id=902, price="ten")])
    parsed = parse(json.dumps({"orders": [order(), bad, "x", order(id=5)]}).encode(), "main")
    assert [found.key.external_id for found in parsed.orders] == ["820982911946154508", "5"]
    assert [(r.reason, r.path) for r in parsed.refusals] == [
        ("wrong_type", "orders[1].line_items[1].price"),
        ("wrong_type", "orders[2]"),
    ]
    assert parsed.refusals[0].value == "'ten'"
    assert parsed.refusals[0].external_id == "820982911946154508"


@pytest.mark.parametrize(
    ("changes", "reason", "path"),
    [
        ({"id": None}, "missing", "order.id"),
        ({"id": "abc"}, "wrong_id", "order.id"),
        ({"currency": None}, "missing", "order.currency"),
        ({"currency": "USX"}, "unknown_currency", "order.currency"),
        ({"total_price": "20.001"}, "inexact_amount", "order.total_price"),
        ({"total_price": None}, "missing", "order.total_price"),
        ({"total_price": True}, "wrong_type", "order.total_price"),
        ({"total_price": "1e900"}, "out_of_range", "order.total_price"),
        ({"total_price": "21.00"}, "totals_differ", "order.total_price"),
        ({"updated_at": "2026-11-20T09:00:00"}, "no_time_zone", "order.updated_at"),
        ({"updated_at": "yesterday"}, "wrong_time", "order.updated_at"),
        ({"updated_at": "0001-01-01T00:00:00+10:00"}, "wrong_time", "order.updated_at"),
        ({"created_at": None}, "missing", "order.created_at"),
        ({"financial_status": "paid_in_gold"}, "unknown_status", "order.financial_status"),
        ({"line_items": None}, "missing", "order.line_items"),
        ({"line_items": {"a": 1}}, "wrong_type", "order.line_items"),
        ({"line_items": [None]}, "wrong_type", "order.line_items[0]"),
        ({"line_items": [line(quantity=0)], "total_price": "0.00"}, "no_lines", "order.line_items"),
        ({"line_items": [line(quantity="two")]}, "wrong_type", "order.line_items[0].quantity"),
        ({"line_items": [line(quantity=1.5)]}, "wrong_quantity", "order.line_items[0].quantity"),
        ({"line_items": [line(quantity=-1)]}, "wrong_quantity", "order.line_items[0].quantity"),
        ({"line_items": [line(price=None)]}, "missing", "order.line_items[0].price"),
        ({"line_items": [line(id=None)]}, "missing", "order.line_items[0].id"),
        ({"line_items": [line(quantity=1), line(quantity=1)]}, "duplicate_line", "order.line_items[1].id"),
        (
            {"line_items": [line(price_set=money("10.00", "EUR"))]},
            "currency_differs",
            "order.line_items[0].price_set.shop_money.currency_code",
        ),
    ],
)
def test_a_refusal_names_the_path_the_value_and_a_remedy(changes: dict[str, Any], reason: str, path: str) -> None:
    refusal = refused({"order": order(**changes)})
    assert (refusal.reason, refusal.path) == (reason, path)
    assert refusal.value
    assert refusal.remedy


def test_a_missing_payment_status_is_named_and_a_null_one_means_not_paid() -> None:
    silent = order()
    del silent["financial_status"]
    assert refused(silent).path == "financial_status"
    assert read(order(financial_status=None)).state is ChannelState.PENDING


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"financial_status": "authorized"}, ChannelState.OPEN),
        ({"financial_status": "pending"}, ChannelState.PENDING),
        ({"financial_status": "partially_paid"}, ChannelState.PENDING),
        ({"financial_status": "expired"}, ChannelState.PENDING),
        ({"financial_status": "voided"}, ChannelState.CANCELLED),
        ({"cancelled_at": "2026-11-20T10:00:00Z", "financial_status": "nobody_knows"}, ChannelState.CANCELLED),
        ({"fulfillment_status": "fulfilled", "financial_status": "nobody_knows"}, ChannelState.SHIPPED),
        ({"fulfillment_status": "a_new_one"}, ChannelState.OPEN),
    ],
)
def test_the_state_follows_payment_cancellation_and_fulfilment(changes: dict[str, Any], state: ChannelState) -> None:
    assert read(order(**changes)).state is state


@pytest.mark.parametrize(
    "changes",
    [
        {"customer": "nobody"},
        {"shipping_address": None},
        {"shipping_address": {}},
        {"note": {"a": 1}},
        {"tags": None},
        {"note_attributes": "odd"},
        {"note_attributes": [{"name": 2}]},
        {"line_items": [line(properties=[{"name": 2}], sku=None, title=None)]},
        {"client_details": [1, 2], "unknown_field": {"deep": [1]}},
        {"shipping_lines": None, "refunds": None, "fulfillments": None, "tax_lines": None},
        {"line_items": [line(quantity="2", price=10, id="901")]},
        {"total_price": 20.0, "total_price_set": {"shop_money": None}},
        {"email": "a\u0000b\ud800@example.com"},
        {"total_price_set": {"shop_money": {"amount": "20.0", "currency_code": "USD"}, "presentment_money": "?"}},
    ],
)
def test_nothing_that_is_not_needed_makes_an_order_refused(changes: dict[str, Any]) -> None:
    assert str(read(order(**changes)).total) == "20.00 USD"


@pytest.mark.parametrize(
    ("changes", "sku"),
    [
        ({}, "MUG"),
        ({"sku": ""}, "variant:55"),
        ({"sku": None, "variant_id": None}, "product:66"),
        ({"sku": " ", "variant_id": None, "product_id": None}, "title:Mug"),
        ({"sku": 4711}, "4711"),
    ],
)
def test_goods_without_a_sku_are_known_by_variant_product_or_title(changes: dict[str, Any], sku: str) -> None:
    assert read(order(line_items=[line(**changes)])).lines[0].sku == sku


def tax(price: str, **changes: Any) -> dict[str, Any]:
    return {"title": "VAT", "rate": 0.19, "price": price, **changes}


def test_included_tax_is_counted_once_and_channel_tax_is_the_channels() -> None:
    found = read(order(taxes_included=True, line_items=[line(tax_lines=[tax("3.19", channel_liable=True)])]))
    assert found.lines[0].taxes[0].included
    assert found.lines[0].taxes[0].remitter is Remitter.CHANNEL
    assert (str(found.totals.goods), str(found.totals.channel_tax)) == ("16.81 USD", "3.19 USD")
    assert str(found.receivable) == "16.81 USD"


def test_taxes_that_only_the_order_states_are_spread_over_the_lines_exactly() -> None:
    lines = [line(quantity=1), line(id=902, quantity=1), line(id=903, quantity=1)]
    found = read(order(line_items=lines, total_price="31.00", total_tax="1.00", tax_lines=[tax("1.00")]))
    assert [str(item.taxes[0].amount) for item in found.lines] == ["0.34 USD", "0.33 USD", "0.33 USD"]


def test_line_discounts_without_allocations_count_when_the_total_proves_them() -> None:
    found = read(order(line_items=[line(total_discount="5.00")], total_discounts="5.00", total_price="15.00"))
    assert str(found.totals.discounts) == "5.00 USD"


def test_an_order_discount_without_allocations_is_spread_over_the_lines() -> None:
    lines = [line(quantity=1), line(id=902, quantity=1, price="30.00")]
    found = read(order(line_items=lines, total_discounts="4.00", total_price="36.00"))
    assert [str(item.discounts[0].amount) for item in found.lines] == ["1.00 USD", "3.00 USD"]


def test_shipping_tips_duties_and_fees_are_charges() -> None:
    shipping = {"title": "Express", "price": "8.00", "discounted_price": "6.00", "tax_lines": [tax("0.50")]}
    duties = [{"id": 1, "shop_money": {"amount": "1.25", "currency_code": "USD"}, "tax_lines": []}]
    found = read(
        order(
            shipping_lines=[shipping, {"title": "Old", "price": "99.00", "is_removed": True}],
            total_tip_received="2.00",
            line_items=[line(duties=duties)],
            original_total_additional_fees_set=money("0.75"),
            total_price="30.50",
        )
    )
    assert {charge.kind: str(charge.amount) for charge in found.charges} == {
        ChargeKind.SHIPPING: "8.00 USD",
        ChargeKind.TIP: "2.00 USD",
        ChargeKind.DUTY: "1.25 USD",
        ChargeKind.OTHER: "0.75 USD",
    }
    assert found.service_level == "express"


def test_a_tip_that_is_also_a_line_is_counted_once() -> None:
    tip = line(id=7, sku=None, title="Tip", variant_id=None, product_id=None, quantity=1, price="3.00")
    found = read(order(line_items=[line(), {**tip, "requires_shipping": False}], total_tip_received="3.00",
                       total_price="23.00"))  # fmt: skip
    assert [item.line_id for item in found.lines] == ["901"]
    assert [(charge.kind, str(charge.amount)) for charge in found.charges] == [(ChargeKind.TIP, "3.00 USD")]


def test_cash_rounding_counts_only_where_the_total_contains_it() -> None:
    rounding = {"total_cash_rounding_payment_adjustment_set": money("0.02")}
    assert not read(order(**rounding)).charges
    assert read(order(**rounding, total_price="20.02")).charges[0].kind is ChargeKind.ROUNDING


def test_shop_money_is_reconciled_and_the_buyers_currency_stands_beside_it() -> None:
    total = {"shop_money": {"amount": "20.00", "currency_code": "USD"},
             "presentment_money": {"amount": "3000", "currency_code": "JPY"}}  # fmt: skip
    found = read(order(total_price="3000", total_price_set=total))
    assert (str(found.total), str(found.buyer_total)) == ("20.00 USD", "3000 JPY")


def test_a_currency_without_decimals_takes_trailing_zeros_and_nothing_else() -> None:
    yen = {"currency": "JPY", "line_items": [line(price="1200.00")]}
    assert str(read(order(**yen, total_price="2400.0")).total) == "2400 JPY"
    refusal = refused(order(currency="JPY", line_items=[line(price="1200.50")], total_price="2401"))
    assert (refusal.reason, refusal.path) == ("inexact_amount", "line_items[0].price")


@pytest.mark.parametrize(
    "order_id", [9223372036854775807, "9223372036854775807", "gid://shopify/Order/9223372036854775807"]
)
def test_the_id_is_the_same_as_number_text_and_global_id(order_id: Any) -> None:
    assert read({"order": order(id=order_id)}).key.external_id == "9223372036854775807"


def fulfilment(units: int, **changes: Any) -> dict[str, Any]:
    return {"id": 31, "status": "success", "created_at": "2026-11-21T08:00:00Z", "tracking_company": "DHL",
            "tracking_number": "T1", "line_items": [{"id": 901, "quantity": units}], **changes}  # fmt: skip


def test_successful_fulfilments_are_shipped_quantities_and_parcels() -> None:
    items = [line(quantity=3, current_quantity=3, fulfillable_quantity=1)]
    found = read(
        order(
            line_items=items,
            total_price="30.00",
            fulfillment_status="partial",
            fulfillments=[fulfilment(2), fulfilment(1, id=32, status="failure")],
        )
    )
    assert (found.lines[0].shipped, found.lines[0].open) == (2, 1)
    assert found.state is ChannelState.PARTIALLY_SHIPPED
    assert [(p.parcel_id, p.carrier, p.tracking, p.quantities) for p in found.parcels] == [
        ("31", "DHL", "T1", {"901": 2})
    ]


@pytest.mark.parametrize("restock", ["return", "no_restock"])
def test_a_unit_that_came_back_after_shipping_was_shipped_and_not_cancelled(restock: str) -> None:
    refund = {"id": 1, "refund_line_items": [{"line_item_id": 901, "quantity": 1, "restock_type": restock}]}
    items = [line(quantity=3, current_quantity=2, fulfillable_quantity=1)]
    found = read(order(line_items=items, total_price="30.00", fulfillments=[fulfilment(2)], refunds=[refund]))
    assert (found.lines[0].shipped, found.lines[0].cancelled, found.lines[0].open) == (2, 0, 1)


def test_a_full_refund_before_shipping_leaves_nothing_to_ship() -> None:
    found = read(order(financial_status="refunded", line_items=[line(current_quantity=0, fulfillable_quantity=0)]))
    assert found.state is ChannelState.CANCELLED
    assert found.lines[0].cancelled == 2


def test_an_order_whose_lines_go_on_on_another_page_is_refused() -> None:
    node = {
        "id": "gid://shopify/Order/5",
        "createdAt": "2026-11-20T09:00:00Z",
        "currencyCode": "USD",
        "displayFinancialStatus": "PAID",
        "totalPriceSet": {"shopMoney": {"amount": "1.0", "currencyCode": "USD"}},
        "lineItems": {"pageInfo": {"hasNextPage": True}, "nodes": []},
    }
    refusal = refused({"data": {"order": node}})
    assert (refusal.reason, refusal.path) == ("truncated", "data.order.lineItems")


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff\xfe\x00", b"{", b"null", b"[]", b"3", b'"order"', b'{"order": NaN}', b"[" * 100_000,
     b'{"a":1e99999999999999999999}',
     b'{"errors":"Not Found"}', b'{"data":null,"errors":[{"message":"x"}]}', b'{"order":null}', b'{"id":1}',
     b'{"data":{"draftOrder":{"id":"gid://shopify/DraftOrder/1"}}}', "{\"order\": \"größe\"}".encode("latin-1")],
)  # fmt: skip
def test_garbage_is_refused_and_never_raises(body: bytes) -> None:
    parsed = parse(body, "main")
    assert not parsed.orders
    assert parsed.refusals[0].reason in {"not_json", "not_an_order", "wrong_type"}


def test_an_empty_page_holds_nothing_and_is_no_error() -> None:
    parsed = parse(b'{"orders":[]}', "main")
    assert (parsed.orders, parsed.refusals) == ((), ())


def test_amounts_are_exact_decimals_even_when_written_as_json_numbers() -> None:
    body = (
        json.dumps(order(total_price=0)).replace('"total_price": 0', '"total_price": 20.10').replace('"10.00"', "10.05")
    )
    found = parse(body.encode(), "main").orders[0]
    assert found.total.amount == Decimal("20.10")
