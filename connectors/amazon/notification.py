"""Notifications that reach us by HTTPS: an EventBridge API destination posts them with a secret in a header.

The secret is all that authenticates them (no body is signed), so a notification is a hint: the order is read again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping
from hashlib import sha256

from connectors.amazon.node import Node, decode
from connectors.ports import HINT_TOPIC, WebhookEvent, WebhookRefused

HEADERS = ("authorization", "x-api-key")
ORDER_CHANGE = "ORDER_CHANGE"
UNREADABLE = "unreadable"
WRAPPERS = ("detail", "Message", "body", "Body", "Records", "Messages")
"""EventBridge, SNS, SQS: the notification is inside, as an object or as its text."""
DEEPEST = 8


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
    """Raises `WebhookRefused` unless a header brings a current or former secret."""
    given = {name.lower(): value for name, value in headers.items()}
    offered = [each for name in HEADERS for each in _offered(given.get(name, ""))]
    if not offered:
        raise WebhookRefused("no Authorization or X-Api-Key header: not from our EventBridge connection")
    # Every pair is compared, so that the time taken says nothing of which one fits.
    matches = [hmac.compare_digest(each, secret.encode()) for each in offered for secret in secrets if secret]
    if not any(matches):
        raise WebhookRefused("the secret of the delivery is none of the account's")
    return _event(body)


def _offered(header: str) -> Iterator[bytes]:
    """What a header may mean by its secret: a bare key, a bearer token, or a password with or without its user."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() == "bearer" and rest:
        yield rest.strip().encode("utf-8", "replace")
    elif scheme.lower() == "basic" and rest:
        try:
            pair = base64.b64decode(rest.strip(), validate=True)
        except (binascii.Error, ValueError):
            return
        yield pair
        yield pair.partition(b":")[2]
    elif header.strip():
        yield header.strip().encode("utf-8", "replace")


def _event(body: bytes) -> WebhookEvent:
    digest = f"sha256:{sha256(body).hexdigest()}"
    try:
        root = Node(decode(body))
    except ValueError:
        return WebhookEvent(delivery_id=digest, topic=UNREADABLE)
    found = list(_notifications(root, 0))
    if len(found) != 1:
        return WebhookEvent(delivery_id=digest, topic=UNREADABLE)
    (notification,) = found
    kind = _either(notification, "NotificationType").text()
    metadata = _either(notification, "NotificationMetadata")
    delivery_id = _either(metadata, "NotificationId").text() or root["id"].text() or digest
    if kind != ORDER_CHANGE:
        return WebhookEvent(delivery_id=delivery_id, topic=kind)
    change = _either(_either(notification, "Payload"), "OrderChangeNotification")
    external_id = _either(change, "AmazonOrderId").text() or None
    return WebhookEvent(delivery_id=delivery_id, topic=HINT_TOPIC, external_id=external_id)


def _notifications(node: Node, depth: int) -> Iterator[Node]:
    node = _opened(node)
    if depth > DEEPEST:
        return
    if isinstance(node.value, list):
        for index in range(len(node.value)):
            yield from _notifications(node.at(index), depth + 1)
    elif _either(node, "NotificationType").text():
        yield node
    elif isinstance(node.value, dict):
        for name in WRAPPERS:
            if node.has(name):
                yield from _notifications(node[name], depth + 1)


def _opened(node: Node) -> Node:
    if not isinstance(node.value, str):
        return node
    try:
        return Node(decode(node.value), node.path)
    except ValueError:
        return node


def _either(node: Node, name: str) -> Node:
    """Some notifications write their names with a capital, others without."""
    return node[name] if node.has(name) else node[name[0].lower() + name[1:]]
