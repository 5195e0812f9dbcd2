"""Authenticity of Shopify webhooks: HMAC-SHA256 of the raw body with the app's client secret, base64.

shopify.dev, "Verify webhook deliveries". After a rotation the former secret may still sign for up to an hour.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256

from connectors.errors import SchemaDrift
from connectors.ports import WebhookEvent, WebhookRefused
from connectors.shopify.documents import orders_in
from connectors.shopify.node import Node, decode
from connectors.shopify.order import external_id

SIGNATURE = "x-shopify-hmac-sha256"
DELIVERY = "x-shopify-webhook-id"
TOPIC = "x-shopify-topic"


def sign(body: bytes, secret: str) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, sha256).digest()).decode("ascii")


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
    """Raises `WebhookRefused` unless a current or former secret signed exactly these bytes."""
    given = {name.lower(): value for name, value in headers.items()}
    signature = given.get(SIGNATURE, "").encode("utf-8", "replace")
    if not signature:
        raise WebhookRefused("no X-Shopify-Hmac-SHA256 header: not from Shopify")
    matches = [hmac.compare_digest(signature, sign(body, secret).encode()) for secret in secrets if secret]
    if not any(matches):
        raise WebhookRefused("X-Shopify-Hmac-SHA256 does not match the body under any of the account's secrets")
    return _event(given, body)


def _event(headers: Mapping[str, str], body: bytes) -> WebhookEvent:
    topic = headers.get(TOPIC, "")
    delivery_id = headers.get(DELIVERY) or f"sha256:{sha256(topic.encode() + body).hexdigest()}"
    order_id = _order_id(body) if topic.startswith("orders/") else None
    return WebhookEvent(delivery_id=delivery_id, topic=topic, external_id=order_id)


def _order_id(body: bytes) -> str | None:
    """None for a body that is no order: it is kept all the same, and parsing will name the reason."""
    try:
        document = decode(body)
        found = next((each for each in orders_in(document) if isinstance(each, Node)), Node(document))
        return external_id(found)
    except SchemaDrift:
        return None
