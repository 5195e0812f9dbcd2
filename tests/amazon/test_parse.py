"""Orders 2026-01-01 become canonical orders, or a refusal that says where and why."""

import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.amazon.parse import parse
from models.money import Money
from models.order import ChannelState, ChargeKind, FulfilmentSide, Remitter
from tests.amazon.payloads import accepted, breakdown, item, order, proceeds, refused

FACILITATOR = {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}]}


def dollars(amount: str) -> Money:
    return Money.of(amount, "USD")


def test_a_line_without_a_breakdown_costs_its_unit_price_times_its_quantity() -> None:
    (line,) = accepted({"order": order("20.00", item())}).lines
    assert (line.goods, line.unit_price, line.sku) == (dollars("20.00"), dollars("10.00"), "SKU-1")


def test_each_part_of_the_proceeds_finds_its_place() -> None:
    stated = proceeds(
        breakdown("ITEM", "20.00"),
        breakdown("SHIPPING", "5.00"),
        breakdown("GIFT_WRAP", "3.00"),
        breakdown("COD_FEE", "1.00"),
        breakdown("SOMETHING_NEW", "0.50"),
        breakdown("DISCOUNT", "-4.00", ITEM="-3.00", SHIPPING="-1.00"),
        breakdown("TAX", "2.50", ITEM="1.60", SHIPPING="0.40", GIFT_WRAP="0.30"),
    )
    found = accepted({"order": order("28.00", item(proceeds=stated))})
    charges = {charge.label: charge for charge in found.charges}
    assert {label: str(charge.amount.amount) for label, charge in charges.items()} == {
        "SHIPPING": "5.00",
        "GIFT_WRAP": "3.00",
        "COD_FEE": "1.00",
        "SOMETHING_NEW": "0.50",
    }
    assert charges["SOMETHING_NEW"].kind is ChargeKind.OTHER
    assert charges["SHIPPING"].discounts[0].amount == dollars("1.00")
    assert charges["SHIPPING"].taxes[0].amount == dollars("0.40")
    assert found.lines[0].discounts[0].amount == dollars("3.00")
    assert found.lines[0].taxes[0].amount == dollars("1.80"), "the tax that no detail explains is on the goods"
    assert {charge.line_id for charge in found.charges} == {"10001"}


@pytest.mark.parametrize("stated", ["-4.00", "4.00"])
def test_a_discount_lowers_the_price_whichever_sign_it_has(stated: str) -> None:
    money = proceeds(breakdown("ITEM", "20.00"), breakdown("DISCOUNT", stated))
    assert accepted({"order": order("16.00", item(proceeds=money))}).totals.discounts == dollars("4.00")


def test_tax_that_amazon_collects_is_remitted_by_the_channel_and_not_owed_to_the_seller() -> None:
    money = proceeds(breakdown("ITEM", "20.00"), breakdown("TAX", "1.65", ITEM="1.65"))
    found = accepted({"order": order("21.65", item(proceeds=money, tax=FACILITATOR))})
    assert found.lines[0].taxes[0].remitter is Remitter.CHANNEL
    assert found.receivable == dollars("20.00")


def test_a_facilitator_on_one_line_does_not_remit_the_tax_of_another() -> None:
    money = proceeds(breakdown("ITEM", "20.00"), breakdown("TAX", "1.00"))
    found = accepted({"order": order("42.00", item(1, proceeds=money, tax=FACILITATOR), item(2, proceeds=money))})
    assert [line.taxes[0].remitter for line in found.lines] == [Remitter.CHANNEL, Remitter.SELLER]


def test_vat_that_the_total_does_not_add_is_included_in_the_prices() -> None:
    money = proceeds(breakdown("ITEM", "20.00"), breakdown("TAX", "3.19", ITEM="3.19"))
    german = {"channelName": "AMAZON", "marketplaceId": "A1PA6795UKMFR9"}
    found = accepted({"order": order("20.00", item(proceeds=money), salesChannel=german)})
    assert found.lines[0].taxes[0].included
    assert found.totals.goods == dollars("16.81")
    assert found.receivable == dollars("20.00")


def test_us_tax_that_is_outside_the_total_is_not_taken_off_what_the_seller_gets() -> None:
    money = proceeds(breakdown("ITEM", "20.00"), breakdown("TAX", "1.65"))
    found = accepted({"order": order("20.00", item(proceeds=money, tax=FACILITATOR))})
    assert found.receivable == dollars("20.00")
    assert found.extras["tax_outside_total"] == "1.65 USD"


def test_a_tip_is_a_charge_of_the_order() -> None:
    money = {
        "grandTotal": {"amount": "25.00", "currencyCode": "USD"},
        "breakdowns": [breakdown("DELIVERY_TIP", "5.00")],
    }
    (charge,) = accepted({"order": order(None, item(), proceeds=money)}).charges
    assert (charge.kind, charge.line_id, charge.amount) == (ChargeKind.TIP, None, dollars("5.00"))


def test_what_only_the_order_states_is_a_charge_of_the_order_and_not_counted_twice() -> None:
    money = {
        "grandTotal": {"amount": "25.00", "currencyCode": "USD"},
        "breakdowns": [
            breakdown("ITEM", "20.00"),
            breakdown("SHIPPING", "6.00"),
            breakdown("TAX", "2.00"),
            breakdown("DISCOUNT", "3.00"),
        ],
    }
    with_shipping = item(proceeds=proceeds(breakdown("ITEM", "20.00"), breakdown("SHIPPING", "4.00")))
    totals = accepted({"order": order(None, with_shipping, proceeds=money)}).totals
    assert (totals.shipping, totals.seller_tax, totals.discounts) == (dollars("6.00"), dollars("2.00"), dollars("3.00"))


def test_totals_that_no_reading_explains_are_refused_with_both_sums() -> None:
    refusal = refused({"order": order("99.00", item())})
    assert (refusal.reason, refusal.path) == ("totals_differ", "order.proceeds.grandTotal")
    assert "99.00" in refusal.value
    assert "20.00" in refusal.value
    assert refusal.external_id == "112-0000001-0000001"


def test_yen_have_no_decimals_and_a_fraction_of_one_is_refused() -> None:
    def yen(amount: str) -> dict[str, Any]:
        price = {"price": {"unitPrice": {"amount": amount, "currencyCode": "JPY"}}, "sellerSku": "S"}
        total = {"grandTotal": {"amount": "5980", "currencyCode": "JPY"}}
        return {"order": order(None, item(quantity=1, product=price), proceeds=total)}

    assert accepted(yen("5980.00")).total.amount == Decimal(5980)
    refusal = refused(yen("5979.50"))
    assert refusal.path == "order.orderItems[0].product.price.unitPrice.amount"
    assert "5979.50" in refusal.value


def test_amounts_may_be_numbers_and_are_still_exact() -> None:
    body = b'{"order": %s}' % json.dumps(order("20.00", item())).replace('"20.00"', "20.00").encode()
    (found,) = parse(body, "US-1").orders
    assert found.total == dollars("20.00")


def test_an_order_without_proceeds_says_that_they_have_to_be_read() -> None:
    refusal = refused({"order": order(None, item())})
    assert (refusal.reason, refusal.path) == ("proceeds_absent", "order.proceeds")
    assert "PROCEEDS" in refusal.remedy


def test_a_pending_order_without_proceeds_waits_for_its_payment() -> None:
    assert refused({"order": order(None, item(), status="PENDING")}).reason == "payment_pending"


def test_a_pending_order_with_proceeds_is_known_as_pending() -> None:
    assert accepted({"order": order("20.00", item(), status="PENDING")}).state is ChannelState.PENDING


def test_an_unknown_status_is_refused_because_guessing_could_ship() -> None:
    refusal = refused({"order": order("20.00", item(), status="TELEPORTED")})
    assert (refusal.reason, refusal.path) == ("unknown_status", "order.fulfillment.fulfillmentStatus")


def test_an_open_order_that_does_not_say_who_ships_is_refused_and_a_shipped_one_is_not() -> None:
    silent = {"fulfillmentStatus": "UNSHIPPED"}
    assert refused({"order": order("20.00", item(), fulfillment=silent)}).path == "order.fulfillment.fulfilledBy"
    shipped = item(fulfillment={"quantityFulfilled": 2, "quantityUnfulfilled": 0})
    found = accepted({"order": order("20.00", shipped, fulfillment={"fulfillmentStatus": "SHIPPED"})})
    assert found.state is ChannelState.SHIPPED


def test_an_order_that_amazon_ships_is_on_the_channels_side() -> None:
    by_amazon = {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "AMAZON"}
    assert accepted({"order": order("20.00", item(), fulfillment=by_amazon)}).fulfilled_by is FulfilmentSide.CHANNEL


def test_units_that_are_neither_shipped_nor_left_are_cancelled() -> None:
    counts = {"quantityFulfilled": 1, "quantityUnfulfilled": 1}
    (line,) = accepted(
        {"order": order("30.00", item(quantity=3, fulfillment=counts), status="PARTIALLY_SHIPPED")}
    ).lines
    assert (line.shipped, line.cancelled, line.open) == (1, 1, 1)


def test_the_price_of_a_partly_cancelled_line_may_be_that_of_what_is_left() -> None:
    counts = {"quantityFulfilled": 0, "quantityUnfulfilled": 2}
    (line,) = accepted({"order": order("20.00", item(quantity=3, fulfillment=counts))}).lines
    assert (line.goods, line.cancelled) == (dollars("20.00"), 1)


def test_a_cancellation_that_was_executed_after_shipping_does_not_unship() -> None:
    done = {"cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": "asked"}}
    counts = {"quantityFulfilled": 2, "quantityUnfulfilled": 0}
    (line,) = accepted({"order": order("20.00", item(fulfillment=counts, cancellation=done), status="SHIPPED")}).lines
    assert (line.shipped, line.cancelled) == (2, 0)


def test_a_request_to_cancel_is_passed_on_until_the_order_has_shipped() -> None:
    asked = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "Changed mind"}}
    assert accepted({"order": order("20.00", item(cancellation=asked))}).cancel_requested == "Changed mind"
    counts = {"quantityFulfilled": 2, "quantityUnfulfilled": 0}
    shipped = order("20.00", item(cancellation=asked, fulfillment=counts), status="SHIPPED")
    assert accepted({"order": shipped}).cancel_requested is None


@pytest.mark.parametrize(("total", "quantity"), [(None, 0), (None, 2), ("0.00", 0), ("0.00", 2), ("20.00", 2)])
def test_a_cancelled_order_is_known_as_cancelled_with_or_without_prices(total: str | None, quantity: int) -> None:
    gone = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "Changed mind"}}
    line = item(quantity=quantity, fulfillment={"quantityFulfilled": 0, "quantityUnfulfilled": 0}, cancellation=gone)
    found = accepted({"order": order(total, line, status="CANCELLED")})
    assert found.state is ChannelState.CANCELLED
    assert found.lines[0].open == 0
    assert found.cancel_reason == "BUYER: Changed mind"
    assert found.total.currency == "USD"


def test_an_order_that_amazon_cannot_fulfil_is_cancelled() -> None:
    found = accepted({"order": order("0.00", item(unit="0.00"), status="UNFULFILLABLE")})
    assert (found.state, found.cancel_reason) == (ChannelState.CANCELLED, "unfulfillable")


def test_a_sku_falls_back_to_the_asin_and_then_to_the_item() -> None:
    price = {"price": {"unitPrice": {"amount": "10.00", "currencyCode": "USD"}}}
    by_asin, bare = item(1, product={"asin": "B00X", **price}), item(2, product=price)
    assert [line.sku for line in accepted({"order": order("40.00", by_asin, bare)}).lines] == ["B00X", "item:10002"]


def test_without_the_role_for_addresses_there_is_no_address() -> None:
    found = accepted({"order": order("20.00", item())})
    assert found.ship_to is None
    assert found.buyer.name == ""


def test_a_replacement_names_the_order_it_replaces() -> None:
    link = [{"orderId": "112-0000000-0000009", "associationType": "REPLACEMENT_ORIGINAL_ID"}]
    assert accepted({"order": order("20.00", item(), associatedOrders=link)}).replacement_of == "112-0000000-0000009"


def test_ids_may_be_numbers_of_any_length() -> None:
    big = order("20.00", {**item(), "orderItemId": 123456789012345678901234})
    assert accepted({"order": big}).lines[0].line_id == "123456789012345678901234"


def test_what_is_not_needed_may_be_odd_and_is_noted() -> None:
    package = {"packageReferenceId": 7, "shipTime": "soon", "packageItems": [{"orderItemId": "10001", "quantity": "x"}]}
    odd = order("20.00", item(promotion={"breakdowns": "none"}), buyer={"buyerName": ["?"]}, programs={"a": 1})
    odd |= {"recipient": None, "packages": [package]}
    found = accepted({"order": odd})
    assert found.parcels[0].parcel_id == "7"
    unreadable = found.extras["unreadable"].split(",")
    assert {"order.buyer.buyerName", "order.packages[0].shipTime", "order.programs"} <= set(unreadable)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("orderItems", 0, "quantityOrdered"), "two", "order.orderItems[0].quantityOrdered"),
        (("orderItems", 0, "quantityOrdered"), -1, "order.orderItems[0].quantityOrdered"),
        (("orderItems", 0, "quantityOrdered"), 1.5, "order.orderItems[0].quantityOrdered"),
        (("orderItems", 0, "orderItemId"), None, "order.orderItems[0].orderItemId"),
        (("orderItems",), None, "order.orderItems"),
        (("orderItems",), {"a": 1}, "order.orderItems"),
        (("proceeds", "grandTotal", "amount"), "1,00", "order.proceeds.grandTotal.amount"),
        (("proceeds", "grandTotal", "amount"), True, "order.proceeds.grandTotal.amount"),
        (("proceeds", "grandTotal", "currencyCode"), "EURO", "order.proceeds.grandTotal.currencyCode"),
        (("orderItems", 0, "product", "price", "unitPrice", "currencyCode"), "EUR",
         "order.orderItems[0].product.price.unitPrice.currencyCode"),
        (("orderItems", 0, "fulfillment", "quantityFulfilled"), 3, "order.orderItems[0].fulfillment.quantityFulfilled"),
        (("createdTime",), "yesterday", "order.createdTime"),
        (("lastUpdatedTime",), None, "order.lastUpdatedTime"),
        (("orderId",), None, "order.orderId"),
    ],
)  # fmt: skip
def test_what_is_needed_and_wrong_is_refused_at_its_exact_path(path: tuple[Any, ...], value: Any, where: str) -> None:
    document = order("20.00", item())
    holder: Any = document
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    assert refused({"order": document}).path == where


def test_two_items_with_one_id_are_refused_at_the_second() -> None:
    assert refused({"order": order("40.00", item(), item())}).path == "order.orderItems[1]"


def test_one_bad_order_of_a_page_does_not_lose_the_others() -> None:
    good, bad = order("20.00", item()), order("99.00", item())
    parsed = parse(json.dumps({"orders": [good, bad, None, {**good, "orderId": "112-2"}]}).encode(), "US-1")
    assert [found.key.external_id for found in parsed.orders] == ["112-0000001-0000001", "112-2"]
    assert [refusal.path for refusal in parsed.refusals] == ["orders[1].proceeds.grandTotal", "orders[2]"]


def test_an_empty_page_holds_nothing_and_is_no_error() -> None:
    parsed = parse(b'{"orders": [], "lastUpdatedBefore": "2026-11-01T00:00:00Z"}', "US-1")
    assert (parsed.orders, parsed.refusals) == ((), ())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda o: o,
        lambda o: [o],
        lambda o: {"order": o},
        lambda o: {"orders": [o]},
        lambda o: {"payload": o},
        lambda o: {"payload": {"orders": [o]}},
        lambda o: {"request": {}, "response": {"order": o}},
        lambda o: [{"request": {"method": "GET"}, "response": {"status": 200, "body": {"order": o}}}],
        lambda o: [{"request": {"method": "GET"}, "response": {"status": 200, "body": json.dumps({"order": o})}}],
    ],
)
def test_an_order_is_found_in_every_wrapper(wrap: Any) -> None:
    assert accepted(wrap(order("20.00", item()))).key.external_id == "112-0000001-0000001"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_json"),
        (b"\xff\xfe\x00", "not_json"),
        (b"<xml/>", "not_json"),
        (b"[" * 200_000, "not_json"),
        (b'{"a": 1e999999999999999999999}', "not_json"),
        (b"NaN", "not_json"),
        (b"null", "not_an_order"),
        (b"{}", "not_an_order"),
        (b"[]", "not_an_order"),
        (b'{"payload":' * 40 + b"{}" + b"}" * 40, "not_an_order"),
    ],
)
def test_garbage_is_refused_and_never_raised(body: bytes, reason: str) -> None:
    assert [refusal.reason for refusal in parse(body, "US-1").refusals] == [reason]


def test_the_prices_of_a_cancelled_order_do_not_count_when_its_total_is_nothing() -> None:
    line = item(proceeds=proceeds(breakdown("ITEM", "20.00"), breakdown("SHIPPING", "5.00")))
    found = accepted({"order": order("0.00", line, status="CANCELLED")})
    assert (found.lines[0].goods, found.charges, found.lines[0].cancelled) == (dollars("0"), (), 2)


def test_a_cancelled_order_that_still_costs_something_else_is_refused() -> None:
    assert refused({"order": order("7.00", item(), status="CANCELLED")}).reason == "totals_differ"
