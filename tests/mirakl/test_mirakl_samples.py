"""The vendor's own examples: each parsed with totals proven, or refused for the reason that is right for it."""

from __future__ import annotations

import pytest

from connectors.errors import SchemaDrift
from connectors.mirakl.format import MiraklFormat
from models.money import Money
from models.order import ChannelState
from models.returns import ReturnState
from tests.mirakl.shop import ACCOUNT, SAMPLES

pytestmark = pytest.mark.skipif(not SAMPLES.exists(), reason="the vendor's examples (../shared) are not here")
FORMAT = MiraklFormat()
ORDERS = {
    "order__OR11_received_refund_cancelation_taxes.json": ("Order_00010-A", "213.00 USD"),
}
REFUSED = {
    # OR12 states no currency, and the connector reads orders with OR11.
    "order__OR12_shipping_two_lines.json": [("missing", "currency_iso_code")],
    "order__connect_list.json": [
        ("mirakl_connect_order", "data[0].channel_order_id"),
        ("mirakl_connect_order", "data[1].channel_order_id"),
    ],
}
SETTLEMENTS = {
    "settlement__PaymentVoucher_PayoutShop01.csv": "29.14 EUR",
}
UNSETTLED = {
    "settlement__TL02_transactions.json": "payment_absent",
    "settlement__tl01_payments.json": "sum_differs",
    "settlement__tl01_simpleOrder.json": "payment_absent",
    "settlement__tl01_withRefund.json": "payment_absent",
    "settlement__tl01_withoutShipping.json": "payment_absent",
}


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


@pytest.mark.parametrize(("name", "expected"), ORDERS.items())
def test_an_order_is_parsed_and_adds_up(name: str, expected: tuple[str, str]) -> None:
    result = FORMAT.parse(sample(name), ACCOUNT)
    (order,) = result.orders
    assert not result.drift
    assert (order.key.external_id, str(order.total)) == expected
    assert not order.totals.difference


def test_the_order_that_was_received_in_detail() -> None:
    (order,) = FORMAT.parse(sample("order__OR11_received_refund_cancelation_taxes.json"), ACCOUNT).orders
    assert order.state is ChannelState.SHIPPED
    assert (order.totals.goods, order.totals.shipping) == (Money.of(165, "USD"), Money.of(8, "USD"))
    # What a cancelation of the line says of each tax: it is not payable to the shop.
    assert (order.totals.channel_tax, order.totals.seller_tax) == (Money.of(40, "USD"), Money.zero("USD"))
    assert [str(refund.amount) for refund in order.refunds] == ["14.21 USD"]
    # The example's order level says 80 of tax, its lines say 40; the lines are what is charged.
    assert order.extras["order_taxes"] == "80.00"
    assert order.ship_to is not None
    assert (order.ship_to.country, order.ship_to.company) == ("US", "LIMARK Company, Paris branch")


@pytest.mark.parametrize(("name", "expected"), REFUSED.items())
def test_what_is_like_an_order_and_cannot_be_one_is_refused_for_the_right_reason(
    name: str, expected: list[tuple[str, str]]
) -> None:
    result = FORMAT.parse(sample(name), ACCOUNT)
    assert not result.orders
    assert [(refusal.reason, refusal.path) for refusal in result.refusals] == expected


def test_every_other_example_is_no_order() -> None:
    others = [path for path in SAMPLES.iterdir() if path.name not in {**ORDERS, **REFUSED}]
    assert len(others) > 30
    for path in others:
        (refusal,) = FORMAT.parse(path.read_bytes(), ACCOUNT).refusals
        assert refusal.reason in ("not_an_order", "not_json", "missing"), path.name


def test_the_example_of_returns() -> None:
    result = FORMAT.parse_returns(sample("return__RT11_list.json"), ACCOUNT)
    assert not result.refusals
    assert not result.drift
    assert [(each.state, each.carrier) for each in result.returns] == [
        (ReturnState.REQUESTED, "UPS"),
        (ReturnState.REFUSED, ""),
    ]


@pytest.mark.parametrize(("name", "payout"), SETTLEMENTS.items())
def test_a_settlement_adds_up(name: str, payout: str) -> None:
    settlement = FORMAT.parse_settlement(sample(name), ACCOUNT)
    assert str(settlement.payout) == payout
    assert settlement.lines_total == settlement.payout


@pytest.mark.parametrize(("name", "reason"), UNSETTLED.items())
def test_lines_without_their_payment_are_refused_for_the_right_reason(name: str, reason: str) -> None:
    with pytest.raises(SchemaDrift) as drift:
        FORMAT.parse_settlement(sample(name), ACCOUNT)
    assert drift.value.reason == reason


def test_every_other_example_is_no_settlement() -> None:
    for path in SAMPLES.iterdir():
        if path.name not in {**SETTLEMENTS, **UNSETTLED}:
            with pytest.raises(SchemaDrift) as drift:
                FORMAT.parse_settlement(path.read_bytes(), ACCOUNT)
            assert drift.value.reason == "not_a_settlement", path.name
