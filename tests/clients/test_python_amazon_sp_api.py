"""python-amazon-sp-api, the community's client, unmodified but for the host."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sp_api.api.orders.orders_2026_01_01 import OrdersV20260101  # type: ignore[import-untyped]
from sp_api.api.orders.orders_v0 import OrdersV0  # type: ignore[import-untyped]
from sp_api.auth.access_token_client import AccessTokenClient  # type: ignore[import-untyped]
from sp_api.auth.exceptions import AuthorizationError  # type: ignore[import-untyped]
from sp_api.base import Marketplaces, SellingApiException  # type: ignore[import-untyped]

from tests.clients.conftest import RunningSandbox


@pytest.fixture
def credentials(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the client wants to know; its hosts are the sandbox."""
    monkeypatch.setattr(Marketplaces.US, "endpoint", sandbox.url)
    monkeypatch.setattr(AccessTokenClient, "scheme", "http://")
    monkeypatch.setattr(AccessTokenClient, "host", sandbox.url.removeprefix("http://"))
    told = sandbox.credentials("amazon")
    return {
        "refresh_token": told["refresh_token"],
        "lwa_app_id": told["client_id"],
        "lwa_client_secret": told["client_secret"],
    }


def test_it_logs_in_and_is_told_when_a_secret_is_wrong(credentials: dict[str, str]) -> None:
    orders = OrdersV20260101(credentials=credentials, marketplace=Marketplaces.US)
    assert orders.auth.access_token.startswith("Atza|")
    wrong = {**credentials, "lwa_client_secret": "wrong", "refresh_token": "of-somebody-else"}
    with pytest.raises(AuthorizationError) as refused:
        OrdersV20260101(credentials=wrong, marketplace=Marketplaces.US).search_orders(
            lastUpdatedAfter="2020-01-01T00:00:00Z"
        )
    assert refused.value.error_code == "invalid_client"


def test_it_lists_and_gets_orders_of_2026(sandbox: RunningSandbox, credentials: dict[str, str]) -> None:
    orders = OrdersV20260101(credentials=credentials, marketplace=Marketplaces.US)
    asked = {"lastUpdatedAfter": "2020-01-01T00:00:00Z", "maxResultsPerPage": 4}
    answer = orders.search_orders(**asked)
    listed: list[dict[str, Any]] = list(answer.payload["orders"])
    while token := (answer.pagination or {}).get("nextToken"):
        answer = orders.search_orders(**asked, paginationToken=token)
        listed += answer.payload["orders"]
    # The client asks for its own marketplace alone, and our buyers live in three countries.
    assert {order["orderId"] for order in listed} == {
        sold for sold in sandbox.sold("amazon") if sold.startswith("112-")
    }
    one = orders.get_order(listed[0]["orderId"], includedData="PROCEEDS,FULFILLMENT")
    assert one.payload["order"]["orderId"] == listed[0]["orderId"]
    assert one.payload["order"]["proceeds"]["grandTotal"]["amount"]


def test_it_lists_gets_and_confirms_orders_of_v0(sandbox: RunningSandbox, credentials: dict[str, str]) -> None:
    orders = OrdersV0(credentials=credentials, marketplace=Marketplaces.US)
    listed = orders.get_orders(CreatedAfter="2020-01-01T00:00:00Z", OrderStatuses=["Unshipped"]).payload["Orders"]
    assert {order["AmazonOrderId"] for order in listed} <= set(sandbox.sold("amazon"))
    order_id = listed[0]["AmazonOrderId"]
    assert orders.get_order(order_id).payload["AmazonOrderId"] == order_id
    (item, *_) = orders.get_order_items(order_id).payload["OrderItems"]
    orders.confirm_shipment(order_id, marketplaceId="ATVPDKIKX0DER", packageDetail=package(item, "1"))
    confirmed = sandbox.effects("amazon", "shipment_confirmed")
    assert [entry for entry in confirmed if entry["key"].endswith(order_id) and entry["detail"]["package"] == "1"]


def test_an_order_that_is_not_there_is_an_error_that_the_client_understands(credentials: dict[str, str]) -> None:
    orders = OrdersV0(credentials=credentials, marketplace=Marketplaces.US)
    with pytest.raises(SellingApiException):
        orders.get_order("000-0000000-0000000")


def package(item: dict[str, Any], reference: str) -> dict[str, Any]:
    return {
        "packageReferenceId": reference,
        "carrierCode": "UPS",
        "trackingNumber": "1Z000000001",
        "shipDate": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "orderItems": [{"orderItemId": item["OrderItemId"], "quantity": item["QuantityOrdered"]}],
    }
