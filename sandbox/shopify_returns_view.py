"""A return as GraphQL shows it, and as a webhook tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.shopify_pages import connection, gid, utc

Document = dict[str, Any]


def return_view(found: Document, order: Callable[[], Document], outcome: Callable[..., Document]) -> Document:
    """`order` gives the order's own view; `outcome` the suggestion for some of the return's lines."""
    return {
        "__typename": "Return",
        "id": gid("Return", found["id"]),
        "name": found["name"],
        "status": found["status"],
        "createdAt": utc(found["created_at"]),
        "requestApprovedAt": utc(found["approved_at"]),
        "closedAt": utc(found["closed_at"]),
        "decline": found["decline"],
        "totalQuantity": sum(line["quantity"] for line in found["lines"]),
        "order": lambda _info: order(),
        "refunds": lambda info, **page: connection(
            [each for each in order()["refunds"](info) if each["id"].rsplit("/", 1)[-1] in found["refunds"]]
        )(info, **page),
        "returnLineItems": lambda info, **page: connection([_line_view(line, order()) for line in found["lines"]])(
            info, **page
        ),
        "reverseFulfillmentOrders": connection(_reverse(found)),
        "suggestedFinancialOutcome": outcome,
    }


def hook_body(found: Document) -> Document:
    """REST spelling; Shopify shows the lines with their fulfilment lines, and the order by its id alone."""
    return {
        "id": int(found["id"]),
        "admin_graphql_api_id": gid("Return", found["id"]),
        "order": {"id": int(found["order_id"]), "admin_graphql_api_id": gid("Order", found["order_id"])},
        "name": found["name"],
        "status": found["status"].lower(),
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "request_approved_at": found["approved_at"],
        "closed_at": found["closed_at"],
        "decline": found["decline"],
        "total_return_line_items": len(found["lines"]),
        "return_line_items": [_hook_line(line) for line in found["lines"]],
    }


def _hook_line(line: Document) -> Document:
    sold = line["line_item_id"]
    return {
        "id": int(line["id"]),
        "admin_graphql_api_id": gid("ReturnLineItem", line["id"]),
        "fulfillment_line_item": {
            "id": int(line["fulfillment_line_item_id"]),
            "admin_graphql_api_id": gid("FulfillmentLineItem", line["fulfillment_line_item_id"]),
            "line_item": {"id": int(sold), "admin_graphql_api_id": gid("LineItem", sold)},
        },
        "quantity": line["quantity"],
        "unprocessed_quantity": line["quantity"] - line["processed"],
        "refunded_quantity": line["refunded"],
        "return_reason": line["reason"].lower(),
        "return_reason_note": "",
        "customer_note": line["note"],
    }


def _line_view(line: Document, order: Document) -> Document:
    handle = line["reason"].lower().replace("_", "-")
    sold = next(
        each for each in order["lineItems"](None)["nodes"] if each["id"].rsplit("/", 1)[-1] == line["line_item_id"]
    )
    waiting = line["quantity"] - line["processed"]
    return {
        "__typename": "ReturnLineItem",
        "id": gid("ReturnLineItem", line["id"]),
        "quantity": line["quantity"],
        "processedQuantity": line["processed"],
        "unprocessedQuantity": waiting,
        "processableQuantity": waiting,
        "refundedQuantity": line["refunded"],
        "refundableQuantity": line["quantity"] - line["refunded"],
        "returnReason": line["reason"],
        "returnReasonDefinition": {"id": gid("ReturnReasonDefinition", handle), "handle": handle, "name": handle},
        "returnReasonNote": "",
        "customerNote": line["note"],
        "fulfillmentLineItem": {
            "id": gid("FulfillmentLineItem", line["fulfillment_line_item_id"]),
            "quantity": line["quantity"],
            "lineItem": sold,
        },
    }


def _reverse(found: Document) -> list[Document]:
    if not found.get("tracking"):
        return []
    deliverable = {"__typename": "ReverseDeliveryShippingDeliverable", "tracking": {**found["tracking"], "url": None}}
    delivery = {"id": gid("ReverseDelivery", found["id"]), "deliverable": deliverable}
    return [{"id": gid("ReverseFulfillmentOrder", found["id"]), "reverseDeliveries": connection([delivery])}]
