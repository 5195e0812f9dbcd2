"""Every real payload at hand becomes an order that adds up, or a refusal with the right reason."""

from pathlib import Path

import pytest

from connectors.errors import SchemaDrift
from connectors.walmart.parse import parse
from connectors.walmart.returns import parse_returns
from connectors.walmart.settlement import parse_settlement
from models.order import ChannelState, FulfilmentSide, Remitter
from models.returns import ReturnState
from tests.walmart.contract import FILES, needs_samples, sample

ORDERS = {
    "ack__eolabs_response.json": ["10.80 USD open"],
    "ack__response.json": ["10.80 USD open"],
    "cancel__CA_response.xml": ["32.85 USD open"],
    "cancel__response.json": ["0.00 USD cancelled"],
    "order__CA_get.xml": ["0.00 USD open"],
    "order__MX_list.json": [*["14398.00 MXN open"] * 3, *["7199.00 MXN open"] * 2],
    "order__dropship_vendor_get.json": ["3.69 USD shipped"],
    "order__get.json": ["5.34 USD shipped"],
    "order__ventmere_get.json": ["21.69 USD shipped"],
    "refund__response.xml": ["138.10 USD shipped"],
    "sdkmock__orderAck.xml": ["135.91 USD open"],
    "sdkmock__orderCancel.xml": ["0.00 USD cancelled"],
    "sdkmock__shipOrder.xml": ["31.60 USD shipped"],
    "shipment__response.json": ["603.56 USD shipped"],
    "shipment__response.xml": ["135.91 USD shipped"],
}
"""Sample -> total and state of each of its orders."""
LISTS = {
    "order__list.xml": 10,
    "order__list_10_mixed_created_cancelled_shipped.json": 10,
    "sdkmock__listCancelledOrders.xml": 2,
    "sdkmock__listOrders.xml": 5,
}
RETURNS = {"return__MX_list.json": 5, "return__eolabs_list.json": 1, "return__list.json": 1}


@needs_samples
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_sample_is_orders_that_add_up_or_named_for_what_it_is(path: Path) -> None:
    parsed = parse(path.read_bytes(), "US")
    assert all(not found.totals.difference for found in parsed.orders)
    if path.name in ORDERS:
        assert [f"{found.total} {found.state}" for found in parsed.orders] == ORDERS[path.name]
    elif path.name in LISTS:
        assert len(parsed.orders) == LISTS[path.name]
    else:
        assert not parsed.orders
        assert [refusal.reason for refusal in parsed.refusals] == ["not_an_order"]
        return
    assert not parsed.refusals
    assert not parsed.drift


@needs_samples
def test_a_list_is_the_same_in_xml_and_json() -> None:
    as_json = parse(sample("order__list_10_mixed_created_cancelled_shipped.json"), "US").orders
    as_xml = parse(sample("order__list.xml"), "US").orders
    assert as_json == as_xml


@needs_samples
def test_a_mexican_order_has_its_tax_in_its_prices_and_names_what_is_outside_its_total() -> None:
    first = parse(sample("order__MX_list.json"), "MX").orders[0]
    assert str(first.totals.seller_tax) == "1976.28 MXN"
    assert not first.totals.channel_tax
    assert first.extras["charges_outside_total"] == "40.00 MXN"
    assert first.extras["discounts_outside_total"] == "120.34 MXN"
    assert first.region == "MX"
    assert first.bill_to is not None
    assert first.bill_to.city == "CIUDAD DE MEXICO"


@needs_samples
def test_refunds_and_parcels_are_read_from_xml() -> None:
    (found,) = parse(sample("refund__response.xml"), "US").orders
    assert [(str(refund.amount), refund.reason) for refund in found.refunds] == [("16.12 USD", "DamagedItem")]
    assert [(each.carrier, each.tracking, each.quantities) for each in found.parcels] == [
        ("FedEx", "12333634122", {"2": 1})
    ]
    assert found.fulfilled_by is FulfilmentSide.MERCHANT


@needs_samples
def test_walmart_remits_the_tax_of_the_us() -> None:
    (found,) = parse(sample("order__dropship_vendor_get.json"), "US").orders
    taxes = [tax for each in found.lines for tax in each.taxes]
    assert {tax.remitter for tax in taxes} == {Remitter.CHANNEL}
    assert str(found.receivable) == "3.54 USD"
    assert found.state is ChannelState.SHIPPED


@needs_samples
@pytest.mark.parametrize("name", sorted(RETURNS))
def test_a_sample_of_returns_is_read(name: str) -> None:
    parsed = parse_returns(sample(name), "US")
    assert len(parsed.returns) == RETURNS[name]
    assert not parsed.refusals
    assert not parsed.drift


@needs_samples
def test_what_was_refunded_of_a_return_is_counted_by_units() -> None:
    (found,) = parse_returns(sample("return__list.json"), "US").returns
    assert (found.state, str(found.refunded)) == (ReturnState.CLOSED, "127.45 USD")
    assert (found.carrier, found.tracking) == ("FEDEX", "785611449666")
    assert [(each.line_id, each.sku, each.quantity) for each in found.lines] == [("1", "ANTL_GDL-0700", 3)]


@needs_samples
@pytest.mark.parametrize("path", [path for path in FILES if path.name not in RETURNS], ids=lambda path: path.name)
def test_every_other_sample_is_no_return(path: Path) -> None:
    parsed = parse_returns(path.read_bytes(), "US")
    assert not parsed.returns
    assert [refusal.reason for refusal in parsed.refusals] == ["not_a_return"]


@needs_samples
def test_the_sample_of_a_report_is_one_page_of_many_and_does_not_add_up() -> None:
    with pytest.raises(SchemaDrift) as drift:
        parse_settlement(sample("settlement__recon_v1_json.json"), "US")
    assert drift.value.reason == "sum_differs"
    assert "0.74" in drift.value.value


@needs_samples
@pytest.mark.parametrize("path", [p for p in FILES if "recon_v1" not in p.name], ids=lambda path: path.name)
def test_every_other_sample_is_no_settlement(path: Path) -> None:
    with pytest.raises(SchemaDrift) as drift:
        parse_settlement(path.read_bytes(), "US")
    assert drift.value.reason == "not_a_settlement"
