"""From Walmart's words to ours: units, states, money, wishes, and what is refused by its name."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from connectors.walmart.parse import parse
from connectors.walmart.returns import parse_returns
from models.order import ChannelState, ChargeKind, FulfilmentSide
from models.returns import ReturnState
from tests.walmart.payloads import PLACED, amount, charge, line, order, read, shipped, single, status


def refusal_of(document: dict[str, Any]) -> tuple[str, str]:
    parsed = parse(single(document), "US")
    assert not parsed.orders
    (refusal,) = parsed.refusals
    assert refusal.external_id == "1796277083022"
    assert refusal.remedy
    return refusal.reason, refusal.path


def test_units_of_one_line_are_counted_in_each_of_its_statuses() -> None:
    found = read(
        line(1, status("Acknowledged", 1), shipped("1Z1", 2), shipped("1Z2", 1), status("Cancelled", 1), units=5),
        line(2, shipped("1Z1", 1), units=1),
    )
    first, second = found.lines
    assert (first.quantity, first.shipped, first.cancelled, first.open) == (5, 3, 1, 1)
    assert (second.shipped, second.open) == (1, 0)
    assert found.state is ChannelState.PARTIALLY_SHIPPED
    assert {each.tracking: each.quantities for each in found.parcels} == {"1Z1": {"1": 2, "2": 1}, "1Z2": {"1": 1}}


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ([status("Created")], ChannelState.OPEN),
        ([status("Acknowledged")], ChannelState.OPEN),
        ([status("OnHold")], ChannelState.PENDING),
        ([shipped("1Z1")], ChannelState.SHIPPED),
        ([status("Delivered")], ChannelState.SHIPPED),
        ([status("Refund")], ChannelState.SHIPPED),
        ([status("Cancelled")], ChannelState.CANCELLED),
    ],
)
def test_each_status_of_a_line_says_where_the_order_stands(statuses: list[Any], state: ChannelState) -> None:
    assert read(line(1, *statuses)).state is state


def test_an_order_of_shipped_and_cancelled_lines_is_shipped() -> None:
    assert read(line(1, shipped("1Z1")), line(2, status("Cancelled"))).state is ChannelState.SHIPPED


def test_a_status_nobody_knows_is_refused_by_its_name() -> None:
    reason, path = refusal_of(order(line(1, status("Teleported"))))
    assert reason == "unknown_status"
    assert path == "order.orderLines.orderLine[0].orderLineStatuses.orderLineStatus[0].status"


def test_more_units_gone_than_ordered_is_refused() -> None:
    assert refusal_of(order(line(1, status("Cancelled", 1), shipped("1Z1", 1))))[0] == "wrong_value"


def test_an_order_has_to_be_acknowledged_within_four_hours_while_a_unit_is_new() -> None:
    waiting = read(line(1, status("Acknowledged")), line(2))
    assert waiting.acknowledge_by == waiting.purchased_at + timedelta(hours=4)
    assert read(line(1, status("Acknowledged"))).acknowledge_by is None
    assert read(line(1), shipNode={"type": "WFSFulfilled"}).acknowledge_by is None


@pytest.mark.parametrize(
    ("node", "side"),
    [
        ("SellerFulfilled", FulfilmentSide.MERCHANT),
        ("3PLFulfilled", FulfilmentSide.MERCHANT),
        ("WFSFulfilled", FulfilmentSide.CHANNEL),
    ],
)
def test_the_ship_node_says_who_ships(node: str, side: FulfilmentSide) -> None:
    assert read(line(1), shipNode={"type": node}).fulfilled_by is side


def test_a_node_nobody_knows_is_refused_while_there_is_something_to_ship() -> None:
    assert refusal_of(order(line(1), shipNode={"type": "Drones"})) == ("unknown_fulfiller", "order.shipNode.type")
    assert read(line(1, shipped("1Z1")), shipNode={"type": "Drones"}).state is ChannelState.SHIPPED


def test_a_buyer_who_wants_to_cancel_is_heard_until_everything_is_gone() -> None:
    wish: dict[str, Any] = {"intentToCancel": "2026-06-01T10:00:00.000Z"}
    asked = read(line(1, status("Acknowledged"), **wish))
    assert asked.cancel_requested == "intentToCancel of line 1 since 2026-06-01T10:00:00.000Z"
    assert asked.version > read(line(1, status("Acknowledged"))).version
    assert read(line(1, shipped("1Z1"), **wish)).cancel_requested is None
    assert read(line(1, intentToCancel="false")).cancel_requested is None


def test_the_version_is_the_newest_time_of_a_line() -> None:
    older, newer = line(1), line(2)
    newer["statusDate"] = PLACED + 5000
    assert read(older, newer).version - read(older).version == timedelta(seconds=5)


def test_a_replacement_names_the_order_it_replaces() -> None:
    free = line(1, charges={"charge": [charge(0)]})
    found = read(free, orderType="REPLACEMENT", originalCustomerOrderID="1234567891234")
    assert found.replacement_of == "1234567891234"
    assert not found.total


def test_shipping_fees_and_discounts_are_counted_each_for_itself() -> None:
    charges = [
        charge(20.0, 1.6),
        charge(-2.0, name="SubscriptionDiscount"),
        charge(5.99, 0.48, "SHIPPING", "Shipping"),
        charge(1.5, kind="FEE", name="CA recycling fee"),
    ]
    found = read(line(1, status("Created", 2), units=2, charges={"charge": charges}))
    assert (str(found.total), str(found.totals.goods), str(found.totals.discounts)) == (
        "27.57 USD",
        "20.00 USD",
        "2.00 USD",
    )
    assert [(each.kind, str(each.amount), each.label) for each in found.charges] == [
        (ChargeKind.SHIPPING, "5.99 USD", "Shipping"),
        (ChargeKind.OTHER, "1.50 USD", "CA recycling fee"),
    ]
    assert str(found.lines[0].unit_price) == "10.00 USD"


def test_a_discount_lowers_the_price_whichever_sign_it_is_written_with() -> None:
    totals = {
        str(read(line(1, charges={"charge": [charge(20.0), charge(sign, name="SubscriptionDiscount")]})).total)
        for sign in (-2.0, 2.0)
    }
    assert totals == {"18.00 USD"}


def summary(value: float) -> dict[str, Any]:
    return {"totalAmount": {"currencyAmount": value, "currencyUnit": "USD"}}


@pytest.mark.parametrize(
    ("stated", "goods", "tax"),
    [(10.8, "10.00 USD", "0.80 USD"), (10.0, "10.00 USD", "0.00 USD")],
)
def test_a_stated_total_is_read_with_the_tax_or_without(stated: float, goods: str, tax: str) -> None:
    found = read(line(1), orderSummary=summary(stated))
    assert (str(found.totals.goods), str(found.totals.channel_tax)) == (goods, tax)


def test_a_stated_total_decides_that_charges_are_of_one_unit() -> None:
    found = read(line(1, status("Created", 3), units=3), orderSummary=summary(32.4))
    assert (str(found.lines[0].goods), str(found.lines[0].unit_price)) == ("30.00 USD", "10.00 USD")


def test_a_total_that_adds_up_in_no_reading_is_refused() -> None:
    reason, path = refusal_of(order(line(1), orderSummary=summary(11.11)))
    assert (reason, path) == ("totals_differ", "order.orderSummary.totalAmount")


def test_money_is_exact_and_in_one_currency() -> None:
    body = single(order(line(1, charges={"charge": [charge(0.1), charge(0.2), charge(1234567.89)]})))
    assert str(parse(body, "US").orders[0].total) == "1234568.19 USD"
    mixed = line(2, charges={"charge": [{**charge(1), "chargeAmount": amount(1, "CAD")}]})
    assert refusal_of(order(line(1), mixed))[0] == "currency_differs"
    assert refusal_of(order(line(1, charges={"charge": [charge(1.005)]})))[0] == "wrong_value"


def test_canadian_tax_is_the_sellers() -> None:
    told = {**charge(10), "chargeAmount": amount(10, "CAD"), "tax": {"taxName": "GST", "taxAmount": amount(0.5, "CAD")}}
    found = read(line(1, charges={"charge": [told]}))
    assert (str(found.totals.seller_tax), found.region) == ("0.50 CAD", "CA")


def test_a_line_without_its_price_is_refused_unless_it_is_cancelled() -> None:
    unpriced = {"charge": [{"chargeType": "PRODUCT", "chargeName": "ItemPrice"}, charge(1, kind="SHIPPING")]}
    assert refusal_of(order(line(1, charges=unpriced)))[0] == "missing"
    assert read(line(1, status("Cancelled"), charges=unpriced), line(2)).lines[0].open == 0


def test_an_unknown_charge_is_kept_under_its_own_name_and_counted() -> None:
    charges = [charge(10), charge(3, kind="CARBON", name="Carbon offset")]
    parsed = parse(single(order(line(1, charges={"charge": charges}))), "US")
    assert str(parsed.orders[0].total) == "13.00 USD"
    assert [(drift.kind, drift.value) for drift in parsed.drift] == [("unknown_value", "CARBON")]


def test_unknown_fields_are_counted_once_and_change_nothing() -> None:
    plain = order(line(1), line(2))
    more = order(line(1, giftWrap={"paper": "red"}), line(2, giftWrap=None), loyalty=True)
    known, parsed = parse(single(plain), "US"), parse(single(more), "US")
    assert parsed.orders == known.orders
    assert [drift.path for drift in parsed.drift] == ["order.orderLines.orderLine[].giftWrap", "order.loyalty"]


def test_a_line_alone_may_be_no_list() -> None:
    document = order(line(1))
    document["orderLines"]["orderLine"] = document["orderLines"]["orderLine"][0]
    assert parse(single(document), "US").orders == (read(line(1)),)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda each: {"order": each},
        lambda each: {"list": {"meta": {"totalCount": 1}, "elements": {"order": [each]}}},
        lambda each: {"meta": {}, "order": [each]},
        lambda each: [each],
        lambda each: each,
        lambda each: {"source": {"eventType": "ORDER_UPDATES"}, "payload": {"order": each}},
    ],
)
def test_an_order_is_found_wherever_it_stands(wrapped: Any) -> None:
    parsed = parse(json.dumps(wrapped(order(line(1)))).encode(), "US")
    assert parsed.orders == (read(line(1)),)


def test_an_empty_list_of_orders_is_no_refusal() -> None:
    parsed = parse(b'{"list":{"meta":{"totalCount":0},"elements":{"order":[]}}}', "US")
    assert (parsed.orders, parsed.refusals) == ((), ())


def test_one_bad_order_does_not_hide_the_others() -> None:
    document = {"list": {"elements": {"order": [order(line(1, status("Teleported"))), order(line(1))]}}}
    parsed = parse(json.dumps(document).encode(), "US")
    assert (len(parsed.orders), [refusal.reason for refusal in parsed.refusals]) == (1, ["unknown_status"])


def test_a_notification_is_no_order_and_names_the_one_it_is_about() -> None:
    body = {"source": {"eventType": "PO_CREATED"}, "payload": {"purchaseOrderId": "17", "orderLines": []}}
    (refusal,) = parse(json.dumps(body).encode(), "US").refusals
    assert (refusal.reason, refusal.value, refusal.external_id) == ("not_an_order", "'PO_CREATED'", "17")


def test_hostile_xml_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><order><purchaseOrderId>&a;</purchaseOrderId></order>'
    assert parse(bomb, "US").refusals[0].reason == "not_json"
    assert parse(b"<a>" * 5000, "US").refusals[0].reason == "not_json"


def return_order(*lines: dict[str, Any]) -> bytes:
    told = {"returnOrderId": "R1", "returnOrderDate": "2026-06-01T10:00:00.000Z", "returnOrderLines": list(lines)}
    return json.dumps({"returnOrders": [told]}).encode()


def return_line(number: int, word: str, purchase_order: str = "17", **more: Any) -> dict[str, Any]:
    return {
        "returnOrderLineNumber": number,
        "purchaseOrderId": purchase_order,
        "purchaseOrderLineNumber": number,
        "quantity": {"unitOfMeasure": "EACH", "measurementValue": 1},
        "status": word,
        "statusTime": "2026-06-02T10:00:00.000Z",
        **more,
    }


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["INITIATED", "COMPLETED"], ReturnState.APPROVED),
        (["DELIVERED", "COMPLETED"], ReturnState.RECEIVED),
        (["COMPLETED", "CANCELLED"], ReturnState.CLOSED),
        (["CANCELLED"], ReturnState.CANCELLED),
    ],
)
def test_a_return_is_where_its_slowest_line_is(words: list[str], state: ReturnState) -> None:
    lines = [return_line(number, word) for number, word in enumerate(words, start=1)]
    (found,) = parse_returns(return_order(*lines), "US").returns
    assert (found.state, found.return_id, str(found.order_key)) == (state, "R1", "walmart/US/17")


def test_a_return_of_several_orders_is_one_of_each() -> None:
    lines = return_line(1, "INITIATED", "17"), return_line(2, "INITIATED", "18")
    found = parse_returns(return_order(*lines), "US").returns
    assert [(each.return_id, each.order_key.external_id, each.rma) for each in found] == [
        ("R1#17", "17", "R1"),
        ("R1#18", "18", "R1"),
    ]


def test_a_return_in_a_state_nobody_knows_is_refused_by_its_name() -> None:
    (refusal,) = parse_returns(return_order(return_line(1, "EATEN")), "US").refusals
    assert (refusal.reason, refusal.value, refusal.external_id) == ("unknown_status", "'EATEN'", "R1")
