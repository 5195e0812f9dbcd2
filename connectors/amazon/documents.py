"""Finds the orders in any document: lists, single orders, `payload` and recorded `request`/`response` wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.amazon.node import Node, decode
from connectors.errors import SchemaDrift

WHAT_IT_IS = (
    ("errors", "an error answer"),
    ("error", "an error answer"),
    ("access_token", "a login token"),
    ("restrictedDataToken", "a restricted data token"),
    ("NotificationType", "a notification"),
    ("notificationType", "a notification"),
    ("ShippingAddress", "an order's address alone"),
    ("BuyerEmail", "an order's buyer alone"),
    ("RegulatedInformation", "an order's regulated information"),
    ("reports", "a list of reports"),
    ("reportId", "a report"),
    ("reportDocumentId", "a report's document"),
    ("feeds", "a list of feeds"),
    ("feedId", "a feed"),
    ("feedDocumentId", "a feed's document"),
    ("transactions", "financial transactions"),
    ("FinancialEvents", "financial events"),
    ("FinancialEventGroupList", "financial event groups"),
    ("payouts", "payouts"),
    ("shipments", "shipments"),
    ("Shipment", "a shipment"),
    ("ShipmentId", "a shipment"),
    ("shipmentInfo", "a shipment"),
    ("returnMetadata", "a return"),
    ("packageDetail", "a shipment confirmation"),
    ("returns", "returns"),
    ("returnId", "a return"),
    ("balances", "account balances"),
    ("subscriptionId", "a subscription to notifications"),
    ("destinationId", "a destination of notifications"),
    ("marketplace", "a marketplace participation"),
    ("sku", "a listing"),
    ("summaries", "a financial summary"),
)
REMEDY = "This is {what}, not an order: send the answer of searchOrders or getOrder."
ORDER_FIELDS = ("orderItems", "salesChannel", "createdTime", "lastUpdatedTime", "fulfillment")
ORDER_FIELDS_V0 = ("OrderStatus", "PurchaseDate", "LastUpdateDate", "OrderTotal")
DEEPEST = 12
"""Wrappers within wrappers that are followed."""


@dataclass
class Found:
    """What a document holds."""

    orders: list[Node] = field(default_factory=list)
    """Orders of version 2026-01-01."""
    orders_v0: list[tuple[Node, Node]] = field(default_factory=list)
    """Orders of version 0, and the object in which their items may stand beside them."""
    items_v0: list[Node] = field(default_factory=list)
    """Objects with an `OrderItems` list and no order."""
    addresses_v0: list[Node] = field(default_factory=list)
    refusals: list[SchemaDrift] = field(default_factory=list)


def find(root: Node) -> Found:
    found = Found()
    _walk(root, found, 0)
    return found


def _walk(node: Node, found: Found, depth: int) -> None:
    if isinstance(node.value, list) and depth < DEEPEST:
        _each(node, found, depth)
    elif isinstance(node.value, dict) and depth < DEEPEST:
        _object(node, found, depth)
    else:
        found.refusals.append(node.drift("not_an_order", "An order is a JSON object with an `orderId`."))


def _each(node: Node, found: Found, depth: int) -> None:
    if not node.value and not node.path.endswith(("orders", "Orders")):
        found.refusals.append(node.drift("not_an_order", "This list is empty: there is no order in it."))
    for element in node.each():
        _walk(element, found, depth + 1)


def _object(node: Node, found: Found, depth: int) -> None:
    if _is_order(node):
        found.orders.append(node)
    elif _is_order_v0(node):
        found.orders_v0.append((node, node))
    elif node.has("NotificationType", "notificationType"):
        found.refusals.append(_not_an_order(node))
    elif not _aside(node, found):
        wrapped = list(_inside(node))
        for inner in wrapped:
            _walk(inner, found, depth + 1)
        if not wrapped:
            found.refusals.append(_not_an_order(node))


def _is_order(node: Node) -> bool:
    """Even without its id an order is known by its other fields: then the missing id is what to report."""
    marks = sum(node.has(name) for name in ORDER_FIELDS)
    return marks >= 2 or (marks == 1 and node.has("orderId"))


def _is_order_v0(node: Node) -> bool:
    marks = sum(node.has(name) for name in ORDER_FIELDS_V0)
    return marks >= 2 or (marks == 1 and node.has("AmazonOrderId"))


def _aside(node: Node, found: Found) -> bool:
    """Parts of v0 orders: an order with its items beside it, items alone, an address alone."""
    for name in ("order", "Order"):
        if node.has("orderItems", "OrderItems", "items") and _is_order_v0(_unwrapped(node[name])):
            found.orders_v0.append((_unwrapped(node[name]), node))
            return True
    if isinstance(node["OrderItems"].value, list):
        found.items_v0.append(node)
        return True
    if node.has("ShippingAddress") and node.has("AmazonOrderId"):
        found.addresses_v0.append(node)
        return True
    return False


def _unwrapped(node: Node) -> Node:
    return node["payload"] if node.has("payload") else node


def _inside(node: Node) -> Iterator[Node]:
    """What a wrapper wraps."""
    for name in ("orders", "Orders", "order", "Order", "payload"):
        if node.has(name):
            yield node[name]
    if node.has("response"):
        response = node["response"]
        yield _body(response["body"]) if response.has("body") else response
    elif node.has("body") and node.has("status", "statusCode", "headers"):
        yield _body(node["body"])


def _body(node: Node) -> Node:
    """A recorded body may be the text of a JSON document."""
    if not isinstance(node.value, str):
        return node
    try:
        return Node(decode(node.value), node.path, node.unread)
    except ValueError:
        return node


def _not_an_order(node: Node) -> SchemaDrift:
    what = next((what for name, what in WHAT_IT_IS if node.has(name)), None)
    fields = ", ".join(sorted(str(name) for name in node.value)[:6]) or "no field"
    what = what or f"a document with {fields}"
    return SchemaDrift("not_an_order", node.path, f"object with {fields}", REMEDY.format(what=what))
