"""ShopifyAPI, Shopify's own Python library: REST resources and GraphQL."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
import shopify  # type: ignore[import-untyped]
from pyactiveresource.connection import ResourceNotFound, UnauthorizedAccess  # type: ignore[import-untyped]
from shopify.api_version import ApiVersion, Release  # type: ignore[import-untyped]

from tests.clients.conftest import RunningSandbox

# The library leaves its connections to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

FULFILMENT_ORDERS = """
query ($id: ID!) {
  order(id: $id) {
    fulfillmentOrders(first: 10) {
      nodes { id status lineItems(first: 10) { nodes { id remainingQuantity } } }
    }
  }
}
"""
FULFIL = """
mutation ($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id status trackingInfo { company number } }
    userErrors { field message }
  }
}
"""


@pytest.fixture(params=["2026-07", "2026-10"])
def session(request: pytest.FixtureRequest, sandbox: RunningSandbox) -> Iterator[Any]:
    ApiVersion.define_version(Release(request.param))
    token = sandbox.credentials("shopify")["access_token"]
    shopify.Session.protocol = "http"
    session = shopify.Session("sandbox", request.param, token)
    session.url = sandbox.url.removeprefix("http://")
    shopify.ShopifyResource.activate_session(session)
    yield session
    shopify.ShopifyResource.clear_session()
    shopify.Session.protocol = "https"
    gc.collect()


def graphql(query: str, **variables: Any) -> Any:
    answer = json.loads(shopify.GraphQL().execute(query, variables))
    assert "errors" not in answer, answer
    return answer["data"]


@pytest.mark.usefixtures("session")
def test_it_lists_and_gets_orders() -> None:
    listed = shopify.Order.find(status="any", limit=50)
    assert len(listed) >= 9
    order = shopify.Order.find(listed[0].id)
    assert (order.id, order.name) == (listed[0].id, listed[0].name)
    assert [line.sku for line in order.line_items] == [line.sku for line in listed[0].line_items]


@pytest.mark.usefixtures("session")
def test_it_fulfils_an_order(sandbox: RunningSandbox) -> None:
    order = next(order for order in shopify.Order.find(status="open") if order.financial_status == "paid"
                 and not order.fulfillments and not order.cancelled_at)  # fmt: skip
    nodes = graphql(FULFILMENT_ORDERS, id=f"gid://shopify/Order/{order.id}")["order"]["fulfillmentOrders"]["nodes"]
    open_orders = [{"fulfillmentOrderId": node["id"]} for node in nodes if node["status"] == "OPEN"][:1]
    tracking = {"company": "UPS", "number": f"1Z{order.id}"}
    wanted = {"lineItemsByFulfillmentOrder": open_orders, "trackingInfo": tracking}
    created = graphql(FULFIL, fulfillment=wanted)["fulfillmentCreate"]
    assert created["userErrors"] == []
    assert created["fulfillment"]["status"] == "SUCCESS"
    assert [
        entry for entry in sandbox.effects("shopify", "fulfillment_created") if entry["key"].endswith(str(order.id))
    ]
    assert shopify.Order.find(order.id).fulfillments[0].tracking_number == f"1Z{order.id}"


@pytest.mark.usefixtures("session")
def test_an_order_that_is_not_there_is_not_found() -> None:
    with pytest.raises(ResourceNotFound):
        shopify.Order.find(1)


def test_a_wrong_token_is_refused(session: Any) -> None:
    session.token = "wrong"
    shopify.ShopifyResource.activate_session(session)
    with pytest.raises(UnauthorizedAccess):
        shopify.Order.find(limit=1)
