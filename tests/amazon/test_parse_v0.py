"""Orders v0 with their items beside them become the same canonical orders."""

import json
from typing import Any

import pytest

from connectors.amazon.parse import parse
from models.money import Money
from models.order import ChannelState, FulfilmentSide, Remitter
from tests.amazon.payloads import accepted, item_v0, order_v0, refused

PRICED: dict[str, Any] = {"ItemPrice": "20.00", "ItemTax": "1.65"}


def dollars(amount: str) -> Money:
    return Money.of(amount, "USD")


def test_the_item_price_is_the_whole_lines() -> None:
    (line,) = accepted({"payload": order_v0("21.65", item_v0(**PRICED))}).lines
    assert (line.goods, line.unit_price) == (dollars("20.00"), dollars("10.00"))


def test_a_line_price_that_does_not_divide_has_no_unit_price() -> None:
    (line,) = accepted(order_v0("20.00", item_v0(quantity=3, ItemPrice="20.00"))).lines
    assert line.unit_price is None


def test_shipping_gift_wrap_taxes_and_discounts_find_their_places() -> None:
    wrapped = {
        "GiftWrapPrice": {"CurrencyCode": "USD", "Amount": "3.00"},
        "GiftWrapTax": {"CurrencyCode": "USD", "Amount": "0.25"},
    }
    line = item_v0(
        **PRICED,
        ShippingPrice="5.00",
        ShippingTax="0.40",
        PromotionDiscount="2.00",
        ShippingDiscount="1.00",
        BuyerInfo=wrapped,
    )
    found = accepted(order_v0("27.30", line))
    totals = found.totals
    assert (totals.shipping, totals.other, totals.discounts) == (dollars("5.00"), dollars("3.00"), dollars("3.00"))
    assert totals.seller_tax == dollars("2.30")


@pytest.mark.parametrize("total", ["18.00", "17.84"])
def test_the_tax_on_a_discount_is_taken_off_where_the_total_says_so(total: str) -> None:
    line = item_v0(ItemPrice="18.00", ItemTax="2.00", PromotionDiscount="2.00", PromotionDiscountTax="0.16")
    assert accepted(order_v0(total, line)).total == dollars(total)


def test_tax_collection_by_amazon_is_remitted_by_the_channel() -> None:
    collected = {"Model": "MarketplaceFacilitator", "ResponsibleParty": "Amazon Services, Inc."}
    found = accepted(order_v0("21.65", item_v0(**PRICED, TaxCollection=collected)))
    assert found.lines[0].taxes[0].remitter is Remitter.CHANNEL
    assert found.receivable == dollars("20.00")


@pytest.mark.parametrize(
    "document",
    [
        lambda order, items: {"order": order, "orderItems": items},
        lambda order, items: {"order": {"payload": order}, "orderItems": {"payload": {"OrderItems": items}}},
        lambda order, items: {"Order": order, "OrderItems": items},
        lambda order, items: [
            {"payload": {"Orders": [order]}},
            {"payload": {"AmazonOrderId": order["AmazonOrderId"], "OrderItems": items}},
        ],
        lambda order, items: {"payload": {"Orders": [{**order, "OrderItems": items}]}},
    ],
)
def test_items_are_found_beside_their_order(document: Any) -> None:
    order = order_v0("21.65")
    del order["OrderItems"]
    assert accepted(document(order, [item_v0(**PRICED)])).lines[0].line_id == "10001"


def test_an_order_without_items_says_how_to_get_them() -> None:
    refusal = refused({"payload": order_v0("21.65")})
    assert refusal.reason == "items_absent"
    assert "getOrderItems" in refusal.remedy


def test_items_without_their_order_are_refused() -> None:
    alone = {"payload": {"AmazonOrderId": "112-0000001-0000001", "OrderItems": [item_v0(**PRICED)]}}
    assert refused(alone).reason == "order_absent"


def test_items_of_another_order_are_not_taken() -> None:
    order = order_v0("21.65")
    del order["OrderItems"]
    other = {"AmazonOrderId": "112-9999999-9999999", "OrderItems": [item_v0(**PRICED)]}
    reasons = [refusal.reason for refusal in parse(json.dumps([order, other]).encode(), "US-1").refusals]
    assert reasons == ["items_absent", "order_absent"]


def test_the_address_comes_from_the_order_or_from_its_own_read() -> None:
    address = {"Name": "Ada", "AddressLine1": "1 Main St", "City": "Reno", "CountryCode": "US", "PostalCode": 89501}
    order = order_v0("21.65", item_v0(**PRICED))
    beside = {"order": order, "orderItems": order["OrderItems"], "address": {"ShippingAddress": address}}
    for document in ({**order, "ShippingAddress": address}, beside):
        ship_to = accepted(document).ship_to
        assert ship_to is not None
        assert (ship_to.lines, ship_to.postal_code, ship_to.missing) == (("1 Main St",), "89501", [])


def test_a_cancelled_order_needs_no_amounts() -> None:
    found = accepted(order_v0(None, item_v0(quantity=0), status="Canceled"))
    assert found.state is ChannelState.CANCELLED
    assert found.lines[0].open == 0


def test_an_order_that_waits_for_its_payment_is_refused_as_pending() -> None:
    assert refused(order_v0(None, status="Pending")).reason == "payment_pending"


def test_states_and_sides_are_translated() -> None:
    by_amazon = order_v0("21.65", item_v0(shipped=2, **PRICED), status="Shipped", FulfillmentChannel="AFN")
    found = accepted(by_amazon)
    assert (found.state, found.fulfilled_by) == (ChannelState.SHIPPED, FulfilmentSide.CHANNEL)
    assert found.lines[0].shipped == 2


def test_a_buyers_wish_to_cancel_is_passed_on() -> None:
    wish = {"IsBuyerRequestedCancel": "true", "BuyerCancelReason": "Found cheaper"}
    assert accepted(order_v0("21.65", item_v0(**PRICED, BuyerRequestedCancel=wish))).cancel_requested == "Found cheaper"


def test_a_replacement_costs_nothing_and_names_its_original() -> None:
    replacement = order_v0(None, item_v0(), IsReplacementOrder="true", ReplacedOrderId="112-7")
    found = accepted(replacement)
    assert (found.replacement_of, found.total) == ("112-7", dollars("0"))
