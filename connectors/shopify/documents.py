"""Which orders a document holds, and what it is when it holds none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.errors import SchemaDrift
from connectors.shopify.node import Node, is_camel

ORDER_FIELDS = frozenset(
    {
        "line_items", "financial_status", "fulfillment_status", "total_price", "total_price_set", "subtotal_price",
        "order_number", "total_tax", "taxes_included", "cancelled_at", "processed_at", "billing_address",
        "shipping_lines",
        "lineItems", "displayFinancialStatus", "displayFulfillmentStatus", "totalPriceSet", "subtotalPriceSet",
        "totalTaxSet", "taxesIncluded", "cancelledAt", "processedAt", "billingAddress", "shippingLines",
    }
)  # fmt: skip
FOREIGN_FIELDS = frozenset(
    {
        "order_id", "orderId", "invoice_url", "invoiceUrl", "abandoned_checkout_url", "abandonedCheckoutUrl",
        "assigned_location_id", "assignedLocation", "refund_line_items", "refundLineItems", "tracking_number",
        "trackingInfo",
    }
)  # fmt: skip
"""Fields of drafts, checkouts, refunds and fulfilments, which have line items too."""

EVIDENCE = 3
"""So many of an order's fields make a bare object an order."""

REMEDY = "Send an order: bare, in `order` or `orders`, or a GraphQL `data.order` or `data.orders`."


def orders_in(document: Any) -> Iterator[Node | SchemaDrift]:
    """Each order of a decoded document, or why something in the place of an order is none."""
    yield from _opened(Node(document))


def _opened(node: Node) -> Iterator[Node | SchemaDrift]:
    value = node.value
    if isinstance(value, list) and value:
        yield from _each(node)
    elif not isinstance(value, dict):
        yield node.drift("not_an_order", f"This is {_kind_of_scalar(value)}. {REMEDY}")
    elif looks_like_order(value):
        yield _spelt(node)
    else:
        yield from _unwrapped(node)


def _unwrapped(node: Node) -> Iterator[Node | SchemaDrift]:
    for name in ("response_body", "data"):
        if isinstance(node.value.get(name), dict | list):
            yield from _opened(node.at(name))
            return
    if isinstance(node.value.get("orders"), dict | list):
        yield from _each(node.at("orders"))
    elif (wrapped := _wrapped(node)) is not None:
        yield _claimed(wrapped)
    else:
        yield node.drift("not_an_order", f"This is {kind(node.value)}. {REMEDY}")


def _wrapped(node: Node) -> Node | None:
    if "id" in node.value:
        return None
    camel = Node(node.value, node.path, camel=True)
    return next((camel.at(name) for name in ("order", "order_by_identifier") if camel.has(name)), None)


def _each(node: Node) -> Iterator[Node | SchemaDrift]:
    """Elements of a page of orders. Not lazy about pages that follow: a page of orders is complete in itself."""
    rows = node if isinstance(node.value, list) else node.at("nodes", "edges")
    try:
        for element in rows.items():
            if node.path:
                yield _claimed(element)
            else:
                yield from _opened(element)
    except SchemaDrift as drift:
        yield drift


def _claimed(node: Node) -> Node | SchemaDrift:
    """What stands where an order should be: taken for one, unless it plainly is something else."""
    if node.absent:
        return node.drift("not_an_order", f"There is no order here. {REMEDY}")
    if not isinstance(node.value, dict):
        return node.drift("wrong_type", "An order object is expected here.")
    if _global_type(node.value) not in ("", "Order"):
        return node.drift("not_an_order", f"This is {kind(node.value)}. {REMEDY}")
    return _spelt(node)


def _spelt(node: Node) -> Node:
    return Node(node.value, node.path, camel=is_camel(node.value))


def looks_like_order(value: dict[str, Any]) -> bool:
    """By its global id where there is one, else by its fields."""
    if FOREIGN_FIELDS & value.keys():
        return False
    if named := _global_type(value):
        return named == "Order"
    return len(ORDER_FIELDS & value.keys()) >= EVIDENCE


def _global_type(value: dict[str, Any]) -> str:
    """`Order` of `gid://shopify/Order/123`."""
    for name in ("admin_graphql_api_id", "id"):
        text = value.get(name)
        if isinstance(text, str) and text.startswith("gid://shopify/"):
            return text.removeprefix("gid://shopify/").split("/", 1)[0]
    return ""


def kind(value: dict[str, Any]) -> str:
    """What a document is, in words, for the person who reads the refusal."""
    if named := _global_type(value):
        return f"a Shopify {named}"
    if "errors" in value:
        return f"an error answer ({str(value['errors'])[:80]})"
    if "refund_line_items" in value or "refundLineItems" in value:
        return "a refund"
    if len(value) <= EVIDENCE and value:
        return f"a document about {', '.join(sorted(map(str, value)))[:80]!r}"
    return f"an object with the fields {', '.join(list(map(str, value))[:6])[:80]}"


def _kind_of_scalar(value: Any) -> str:
    if value is None:
        return "nothing (null)"
    return "an empty list" if isinstance(value, list) else f"a {type(value).__name__}"
