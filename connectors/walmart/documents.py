"""Which orders a document holds: a list, a single answer, a notification, or one alone; JSON or XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.errors import SchemaDrift
from connectors.walmart.markup import decode_xml, looks_like_xml
from connectors.walmart.node import Node, decode_json

LISTS = ("list", "OrdersListType")
"""What the root of a list of orders is called; the second in XML that some SDKs write."""
_OTHERS = {
    "statusCode": "an account report",
    "errors": "an error answer",
    "error": "an error answer",
    "returnOrders": "a list of returns",
    "returnOrderId": "a return",
    "orderShipment": "a request to ship",
    "orderCancellation": "a request to cancel",
    "orderRefund": "a request to refund",
    "shipments": "a request to ship",
    "refundLines": "a refund of a return",
    "reportData": "a reconciliation report",
    "availableApReportDates": "a list of report dates",
    "access_token": "an access token",
    "expire_at": "the detail of an access token",
    "InventoryHeader": "an inventory feed",
    "inventories": "an inventory request",
    "nodes": "an inventory answer",
    "quantity": "a quantity of stock",
    "feedId": "the status of a feed",
    "events": "a webhook subscription",
    "eventType": "a webhook test",
    "subscriptionId": "a webhook subscription",
    "requests": "a list of report requests",
    "reportType": "a report request",
}


def decode(body: bytes) -> Any:
    """JSON or XML. Raises `ValueError` for anything else."""
    return decode_xml(body) if looks_like_xml(body) else decode_json(body)


def orders_in(root: Node) -> Iterator[Node | SchemaDrift]:
    """Each order of the document, or why there is none."""
    if isinstance(root.value, list):
        for each in root.each():
            yield from orders_in(each)
        return
    found = _listed(root)
    if found is None:
        yield _not_an_order(root)
    else:
        yield from found


def _listed(root: Node) -> Iterator[Node] | None:
    """None when the document is of another kind. An empty list of orders is a list all the same."""
    for name in LISTS:
        if root[name].has("elements", "meta"):
            return root[name]["elements"]["order"].each()
    if root.has("elements"):
        return root["elements"]["order"].each()
    if root.has("order"):
        return root["order"].each()
    if root["payload"].has("order"):
        return root["payload"]["order"].each()
    if root.has("purchaseOrderId") and root.has("orderLines", "orderDate"):
        return iter((root,))
    return None


def _not_an_order(root: Node) -> SchemaDrift:
    event = root["source"]["eventType"].text()
    if event:
        remedy = f"A notification ({event}) names an order: read it with GET /v3/orders/{{purchaseOrderId}}."
        return SchemaDrift("not_an_order", "payload", event, remedy)
    remedy = "Answers of GET /v3/orders and GET /v3/orders/{purchaseOrderId} hold orders"
    what = next((words for name, words in _OTHERS.items() if root.has(name) or root["payload"].has(name)), "")
    return root.drift("not_an_order", f"{remedy}; this is {what}." if what else f"{remedy}.")


def order_id(node: Node) -> str | None:
    """The purchase order's id wherever the document has it; None where it has none."""
    for holder in (node, node["payload"], node["payload"]["order"], node["order"]):
        if found := holder["purchaseOrderId"].text():
            return found
    return None
