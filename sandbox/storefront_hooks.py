"""The shop's signed webhooks."""

from __future__ import annotations

import hmac
import json
import time
import uuid
from hashlib import sha256
from typing import Any

from sandbox.storefront_book import ACCOUNT, order_key
from sandbox.webhooks import WebhookSender

KEY_ID = "sandbox-2026"
SECRET = "storefront-sandbox-2e5b8f1c94d7"
PATH = f"/webhooks/storefront/{ACCOUNT}"
Document = dict[str, Any]


class Hooks:
    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender

    def send(self, topic: str, document: Document, *, copies: int = 1) -> None:
        """Copies share one delivery id."""
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        key = order_key(str(document.get("order_id") or document.get("id")))
        self._sender.send(PATH, body, headers(topic, body), key=key, copies=copies)


def headers(topic: str, body: bytes) -> dict[str, str]:
    timestamp, delivery = str(int(time.time())), uuid.uuid4().hex
    signed = f"{timestamp}.{delivery}.{topic}.".encode() + body
    return {
        "Content-Type": "application/json",
        "Orderyard-Key-Id": KEY_ID,
        "Orderyard-Timestamp": timestamp,
        "Orderyard-Delivery": delivery,
        "Orderyard-Topic": topic,
        "Orderyard-Signature": f"v1={hmac.new(SECRET.encode(), signed, sha256).hexdigest()}",
    }
