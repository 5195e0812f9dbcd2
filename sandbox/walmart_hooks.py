"""Notifications to the gateway: one event, ORDER_UPDATES, whose sub-event says what happened; signed with HMAC."""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from hashlib import sha256

from sandbox.walmart_answers import Payload, now, written
from sandbox.walmart_book import ACCOUNT, order_key
from sandbox.webhooks import WebhookSender

PATH = f"/webhooks/walmart/{ACCOUNT}"
SECRET = "walmart-sandbox-hook-71c0"
PARTNER_ID = "10000001"


class Hooks:
    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender

    def send(self, order: Payload, event: str, *, copies: int = 1) -> None:
        """Copies share one event id, as a vendor's duplicates do."""
        at = written(now())
        source = {"eventType": "ORDER_UPDATES", "eventVersion": "V1", "eventTime": at, "eventId": str(uuid.uuid4())}
        told = {"partnerId": PARTNER_ID, "subEventType": event, "order": _told(order)}
        body = json.dumps({"source": source, "payload": told}, separators=(",", ":")).encode()
        self._sender.send(PATH, body, headers(body), key=order_key(order["purchaseOrderId"]), copies=copies)


def headers(body: bytes) -> dict[str, str]:
    """HMAC-SHA256 over method, path, time and the hash of the body."""
    timestamp = str(int(time.time()))
    text = f"POST\n{PATH}\n{timestamp}\n{sha256(body).hexdigest()}"
    signature = base64.b64encode(hmac.new(SECRET.encode(), text.encode(), sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "WM_SEC.TIMESTAMP": timestamp,
        "WM_SEC.KEY_ID": "1",
        "WM_SEC.SIGNATURE": signature,
    }


def _told(order: Payload) -> Payload:
    """Less than the order: ids, dates and lines, whose quantities are written in another way than in Orders."""
    info = order["shippingInfo"]
    return {
        "purchaseOrderId": order["purchaseOrderId"],
        "customerOrderId": order.get("customerOrderId"),
        "orderDate": order["orderDate"],
        "estimatedDeliveryDate": info.get("estimatedDeliveryDate"),
        "estimatedShipDate": info.get("estimatedShipDate"),
        "orderLines": [
            {
                "lineNumber": str(line["lineNumber"]),
                "sku": line["item"].get("sku"),
                "productName": line["item"].get("productName"),
                "quantity": {
                    "unitOfMeasure": "EACH",
                    "measurementValue": line["orderLineQuantity"]["amount"],
                },
            }
            for line in order["orderLines"]["orderLine"]
        ],
    }
