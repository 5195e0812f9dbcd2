"""Authenticity of Shopify webhooks: HMAC-SHA256 of the raw body with the app's client secret, base64.

shopify.dev, "Verify webhook deliveries". After a rotation the former secret may still sign for up to an hour.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from hashlib import sha256

from connectors.errors import SchemaDrift
from connectors.ports import HINT_TOPIC, WebhookEvent, WebhookRefused
from connectors.shopify.documents import orders_in
from connectors.shopify.node import Node, decode
from connectors.shopify.order import external_id

SIGNATURE = "x-shopify-hmac-sha256"
DELIVERY = "x-shopify-webhook-id"
TOPIC = "x-shopify-topic"
WITH_ORDER = frozenset(
    {"orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled",
     "orders/partially_fulfilled"}
)  # fmt: skip
"""Topics whose body is the order itself. `orders/edited` has the edit, `orders/risk_assessment_changed` the risk …"""
DELETED = "orders/delete"
"""Its body is the order's id alone: `{"id": …}`."""
WRAPPERS = ("order_edit", "fulfillment_order", "fulfillment", "refund", "transaction")


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
    """A body that is neither order nor return is kept all the same, under Shopify's own topic."""
    topic = headers.get(TOPIC, "")
    delivery_id = headers.get(DELIVERY) or f"sha256:{sha256(topic.encode() + body).hexdigest()}"
    if topic in WITH_ORDER:
        return WebhookEvent(delivery_id=delivery_id, topic=topic, external_id=_id_of_order(body))
    if topic.startswith("returns/"):
        return WebhookEvent(delivery_id=delivery_id, topic=topic, external_id=_named_order(body))
    named = _id_of_order(body) if topic == DELETED else _named_order(body)
    return WebhookEvent(delivery_id=delivery_id, topic=HINT_TOPIC if named else topic, external_id=named)


def _id_of_order(body: bytes) -> str | None:
    """None for a body that is no order: parsing will name the reason."""
    try:
        document = decode(body)
        found = next((each for each in orders_in(document) if isinstance(each, Node)), Node(document))
        return external_id(found)
    except SchemaDrift:
        return None


def _named_order(body: bytes) -> str | None:
    """The order that a refund, a fulfilment, an edit, a transaction, a dispute or a return is about."""
    try:
        node = Node(decode(body))
    except SchemaDrift:
        return None
    inner = next((node.at(name) for name in WRAPPERS if isinstance(node.at(name).value, dict)), node)
    order = inner.at("order")
    for found in (inner.at("order_id"), order.at("id"), order.at("admin_graphql_api_id")):
        try:
            if not found.absent:
                return found.identity()
        except SchemaDrift:
            continue
    return None
