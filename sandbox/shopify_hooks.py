"""Signed webhooks of the shop, in REST shape."""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sandbox.shopify_book import ACCOUNT
from sandbox.webhooks import WebhookSender

CLIENT_SECRET = "shpss_sandbox_4f1c9d27"
"""The app's client secret signs its webhooks and buys its tokens."""
SHOP_DOMAIN = "orderyard-sandbox.myshopify.com"
API_VERSION = "2026-10"
PATH = f"/webhooks/shopify/{ACCOUNT}"


class Hooks:
    def __init__(self, sender: WebhookSender) -> None:
        self._sender = sender

    def send(self, topic: str, document: dict[str, Any], *, copies: int = 1, key: str | None = None) -> None:
        """Copies share one delivery id, as a vendor's duplicates do. `key`: the order's id, where it is not in `id`."""
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        order_key = f"shopify/{ACCOUNT}/{key or document.get('id')}"
        self._sender.send(PATH, body, headers(topic, body), key=order_key, copies=copies)


def headers(topic: str, body: bytes) -> dict[str, str]:
    signature = hmac.new(CLIENT_SECRET.encode(), body, sha256).digest()
    return {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-SHA256": base64.b64encode(signature).decode(),
        "X-Shopify-Shop-Domain": SHOP_DOMAIN,
        "X-Shopify-API-Version": API_VERSION,
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-Triggered-At": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
