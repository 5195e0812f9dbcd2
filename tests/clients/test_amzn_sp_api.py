"""amzn-sp-api, Amazon's own SDK: it reads every answer into typed models, so that it is a check of our shapes too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from spapi import ApiException, SPAPIClient, SPAPIConfig  # type: ignore[import-untyped]
from spapi.api.orders_v0.orders_v0_api import OrdersV0Api  # type: ignore[import-untyped]
from spapi.api.orders_v2026_01_01.get_order_api import GetOrderApi  # type: ignore[import-untyped]
from spapi.api.orders_v2026_01_01.search_orders_api import SearchOrdersApi  # type: ignore[import-untyped]

from tests.clients.conftest import RunningSandbox


@pytest.fixture
def client(sandbox: RunningSandbox) -> Any:
    told = sandbox.credentials("amazon")
    config = SPAPIConfig(told["client_id"], told["client_secret"], refresh_token=told["refresh_token"])
    return SPAPIClient(config, oauth_endpoint=told["token_url"], endpoint=told["base_url"]).api_client


def test_it_logs_in_lists_and_gets(sandbox: RunningSandbox, client: Any) -> None:
    found = SearchOrdersApi(client).search_orders(
        last_updated_after="2020-01-01T00:00:00Z", included_data=["BUYER", "PROCEEDS", "FULFILLMENT", "RECIPIENT"]
    )
    assert {order.order_id for order in found.orders} == set(sandbox.sold("amazon"))
    assert {order.fulfillment.fulfilled_by for order in found.orders} <= {"MERCHANT", "AMAZON"}
    order = GetOrderApi(client).get_order(found.orders[0].order_id).order
    assert order.order_id == found.orders[0].order_id
    assert all(item.quantity_ordered >= 1 for item in order.order_items)


def test_it_confirms_a_shipment(sandbox: RunningSandbox, client: Any) -> None:
    from spapi.models.orders_v0.confirm_shipment_order_item import ConfirmShipmentOrderItem  # type: ignore[import-untyped]
    from spapi.models.orders_v0.confirm_shipment_request import ConfirmShipmentRequest  # type: ignore[import-untyped]
    from spapi.models.orders_v0.package_detail import PackageDetail  # type: ignore[import-untyped]

    orders = OrdersV0Api(client)
    listed = orders.get_orders(["ATVPDKIKX0DER"], created_after="2020-01-01T00:00:00Z", order_statuses=["Unshipped"])
    order_id = listed.payload.orders[-1].amazon_order_id
    item = orders.get_order_items(order_id).payload.order_items[0]
    detail = PackageDetail(
        package_reference_id="7",
        carrier_code="UPS",
        tracking_number="1Z000000007",
        ship_date=datetime.now(UTC).isoformat(timespec="seconds"),
        order_items=[ConfirmShipmentOrderItem(order_item_id=item.order_item_id, quantity=1)],
    )
    request = ConfirmShipmentRequest(package_detail=detail, marketplace_id="ATVPDKIKX0DER")
    orders.confirm_shipment(order_id, request)
    confirmed = sandbox.effects("amazon", "shipment_confirmed")
    assert [entry for entry in confirmed if entry["key"].endswith(order_id) and entry["detail"]["package"] == "7"]


def test_a_refusal_is_told_as_such(client: Any) -> None:
    with pytest.raises(ApiException) as refused:
        GetOrderApi(client).get_order("000-0000000-0000000")
    assert refused.value.status == 404
