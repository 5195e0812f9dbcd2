"""ORDER_CHANGE notifications: events of EventBridge, posted by an API destination with a bearer token."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sandbox.amazon_answers import Payload, now, written
from sandbox.amazon_listings import SELLER_ID
from sandbox.amazon_shelf import ACCOUNT, AmazonShelf, order_key
from sandbox.amazon_v0 import STATUSES
from sandbox.webhooks import WebhookSender

SECRET = "eb-sandbox-9c41f6"
PATH = f"/webhooks/amazon/{ACCOUNT}"
APPLICATION = "amzn1.sellerapps.app.sandbox"


class AmazonNotifications:
    """Tells of every order and every change; a new order's is doubled or lost as its story says."""

    def __init__(self, shelf: AmazonShelf, webhooks: WebhookSender) -> None:
        self._webhooks = webhooks
        shelf.listeners.append(self._heard)

    def _heard(self, record: Payload, is_new: bool) -> None:
        copies = int(record.get("copies", 1)) if is_new else 1
        if copies:
            body = json.dumps(event(record["id"], record["order"])).encode()
            headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {SECRET}"}
            self._webhooks.send(PATH, body, headers, key=order_key(record["id"]), copies=copies)


def event(order_id: str, order: Payload) -> Payload:
    """EventBridge's envelope around the notification."""
    at = written(now())
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ORDER_CHANGE",
        "source": "aws.partner/sellingpartnerapi.amazon.com/sandbox",
        "account": "444455556666",
        "time": at,
        "region": "us-east-1",
        "resources": [],
        "detail": notification(order_id, order, at),
    }


def notification(order_id: str, order: Payload, at: str) -> Payload:
    items = [_object(item) for item in _listed(order.get("orderItems"))]
    asks = any(_object(item.get("cancellation")).get("cancellationRequest") for item in items)
    change = {
        "NotificationLevel": "OrderLevel",
        "SellerId": SELLER_ID,
        "AmazonOrderId": order_id,
        "OrderChangeType": "BuyerRequestedChange" if asks else "OrderStatusChange",
        "OrderChangeTrigger": {
            "TimeOfOrderChange": at,
            "ChangeReason": "Buyer Requested Cancel" if asks else "Order Status Change",
        },
        "Summary": _summary(order, items),
    }
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": at,
        "Payload": {"OrderChangeNotification": change},
        "NotificationMetadata": {
            "ApplicationId": APPLICATION,
            "SubscriptionId": "sandbox-subscription",
            "PublishTime": at,
            "NotificationId": str(uuid.uuid4()),
        },
    }


def _summary(order: Payload, items: list[Payload]) -> Payload:
    fulfilment = _object(order.get("fulfillment"))
    counts = [_object(item.get("fulfillment")) for item in items]
    return {
        "MarketplaceId": str(_object(order.get("salesChannel")).get("marketplaceId", "")),
        "OrderStatus": STATUSES.get(str(fulfilment.get("fulfillmentStatus")), "Pending"),
        "PurchaseDate": order.get("createdTime"),
        "DestinationPostalCode": None,
        "FulfillmentType": "AFN" if fulfilment.get("fulfilledBy") == "AMAZON" else "MFN",
        "OrderType": "StandardOrder",
        "NumberOfItemsShipped": sum(_count(count.get("quantityFulfilled")) for count in counts),
        "NumberOfItemsUnshipped": sum(_count(count.get("quantityUnfulfilled")) for count in counts),
        "OrderItems": [
            {
                "OrderItemId": str(item.get("orderItemId", "")),
                "SellerSKU": str(_object(item.get("product")).get("sellerSku", "")),
                "SupplySourceId": None,
                "Quantity": _count(item.get("quantityOrdered")),
            }
            for item in items
        ],
    }


def _object(value: Any) -> Payload:
    """Orders that were loaded from a file may be odd in any place."""
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) else 0
