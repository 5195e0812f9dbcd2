"""Authenticity of Walmart's notifications: HMAC over path, time and body, or HTTP Basic, as the subscription says.

A webhook secret is written as what it belongs to: `/webhooks/walmart/US the-secret` for HMAC, where the path is that of
the URL registered with Walmart (it is signed too, and a proxy may show us another), or `user:password` for Basic.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Mapping
from hashlib import sha256

from connectors.ports import HINT_TOPIC, WebhookEvent, WebhookRefused
from connectors.walmart.documents import order_id
from connectors.walmart.node import Node, decode_json

SIGNATURE = "wm_sec.signature"
TIMESTAMP = "wm_sec.timestamp"
WINDOW = 300.0
"""Seconds that a signature counts for, by either clock."""
_ORDER_EVENTS = frozenset({"ORDER_UPDATES", "PO_CREATED", "PO_LINE_AUTOCANCELLED", "INTENT_TO_CANCEL"})
"""The three single events are removed on 2026-12-15, and are what `payload.subEventType` of the first tells."""
_LATEST = 10**11
"""A number of seconds beyond this (the year 5138) is one of milliseconds."""


def signed_headers(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of a delivery, for a secret written as `/path secret`. `timestamp` in epoch seconds."""
    return {"WM_SEC.TIMESTAMP": str(timestamp), "WM_SEC.SIGNATURE": _signature(secret, body, str(timestamp))}


def verify(
    headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], clock: Callable[[], float] = time.time
) -> WebhookEvent:
    """Raises `WebhookRefused` unless a current or former secret vouches for the delivery."""
    given = {name.lower(): value for name, value in headers.items()}
    if SIGNATURE in given:
        _require_signature(given, body, secrets)
        _require_recent(given.get(TIMESTAMP, ""), clock())
    elif given.get("authorization", "").lower().startswith("basic "):
        _require_password(given["authorization"][len("basic ") :], secrets)
    else:
        raise WebhookRefused("neither WM_SEC.SIGNATURE nor Basic authentication: not from Walmart")
    return _event(body)


def _require_signature(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> None:
    signature = headers[SIGNATURE].strip().encode("utf-8", "replace")
    timestamp = headers.get(TIMESTAMP, "")
    keys = [secret for secret in secrets if secret.startswith("/") and " " in secret]
    matches = [hmac.compare_digest(signature, _signature(key, body, timestamp).encode()) for key in keys]
    if not any(matches):
        raise WebhookRefused("WM_SEC.SIGNATURE does not match path, time and body under any of the account's secrets")


def _signature(secret: str, body: bytes, timestamp: str) -> str:
    """HMAC-SHA256 in base64 over method, path, time and the hex digest of the raw body, a line each."""
    path, _, key = secret.partition(" ")
    text = f"POST\n{path}\n{timestamp}\n{sha256(body).hexdigest()}"
    return base64.b64encode(hmac.new(key.encode(), text.encode("utf-8", "replace"), sha256).digest()).decode("ascii")


def _require_recent(timestamp: str, now: float) -> None:
    try:
        seconds = float(timestamp)
    except ValueError:
        raise WebhookRefused("WM_SEC.TIMESTAMP is not a number of seconds") from None
    at = seconds / 1000 if seconds > _LATEST else seconds
    if not abs(now - at) <= WINDOW:
        raise WebhookRefused(f"WM_SEC.TIMESTAMP is more than {WINDOW:.0f} s away: a delivery sent again by somebody")


def _require_password(encoded: str, secrets: tuple[str, ...]) -> None:
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise WebhookRefused("the Basic authentication is not base64") from None
    pairs = [secret for secret in secrets if ":" in secret and not secret.startswith("/")]
    matches = [hmac.compare_digest(given, pair.encode()) for pair in pairs]
    if not any(matches):
        raise WebhookRefused("user and password are none of the account's")


def _event(body: bytes) -> WebhookEvent:
    """An order's notification is a hint: what it says of the order is not all, so the order is read again."""
    try:
        root = Node(decode_json(body))
    except ValueError:
        root = Node(None)
    source = root["source"]
    kind = source["eventType"].text() or root["eventType"].text()
    order = order_id(root)
    return WebhookEvent(
        delivery_id=source["eventId"].text() or f"sha256:{sha256(body).hexdigest()}",
        topic=HINT_TOPIC if order or kind in _ORDER_EVENTS else kind.lower() or "unnamed",
        external_id=order,
    )
