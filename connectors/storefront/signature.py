"""Authenticity of a shop's webhooks: HMAC-SHA256 over time, delivery, topic and raw body; see the contract.

A delivery id or a topic holds no dot, so what was signed can be cut in one way only.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from connectors.ports import WebhookEvent, WebhookRefused

KEY_ID = "Orderyard-Key-Id"
TIMESTAMP = "Orderyard-Timestamp"
DELIVERY = "Orderyard-Delivery"
TOPIC = "Orderyard-Topic"
SIGNATURE = "Orderyard-Signature"
SCHEME = "v1"
WINDOW = timedelta(minutes=5)
"""How far a delivery's time may be from ours, either way: what was recorded cannot be replayed for ever."""
_SHAPES = {
    KEY_ID: re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII),
    TIMESTAMP: re.compile(r"[0-9]{1,12}", re.ASCII),
    DELIVERY: re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII),
    TOPIC: re.compile(r"[a-z_]{1,40}/[a-z_]{1,40}", re.ASCII),
}


def sign(secret: str, timestamp: str, delivery: str, topic: str, body: bytes) -> str:
    """The value of `Orderyard-Signature`."""
    signed = f"{timestamp}.{delivery}.{topic}.".encode() + body
    return f"{SCHEME}={hmac.new(secret.encode(), signed, sha256).hexdigest()}"


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> WebhookEvent:
    """Raises `WebhookRefused` unless a current or former secret signed exactly this, and lately."""
    given = {name.lower(): value for name, value in headers.items()}
    key_id, timestamp, delivery, topic = (_header(given, name) for name in (KEY_ID, TIMESTAMP, DELIVERY, TOPIC))
    signatures = [part.strip() for part in given.get(SIGNATURE.lower(), "").split(",")]
    expected = [sign(secret, timestamp, delivery, topic, body) for secret in secrets if secret]
    # Every pair is compared: how long it takes does not tell which secret was close.
    matches = [_same(mine, theirs) for mine in expected for theirs in signatures]
    if not any(matches):
        raise WebhookRefused(f"{SIGNATURE} fits none of the account's secrets (signed with key {key_id})")
    late = abs(now.timestamp() - int(timestamp))
    if late > WINDOW.total_seconds():
        raise WebhookRefused(f"{TIMESTAMP} is {late:.0f} s from our time: sign each attempt anew, and set the clock")
    return WebhookEvent(delivery_id=delivery, topic=topic, external_id=_document_id(body))


def _header(given: Mapping[str, str], name: str) -> str:
    value = given.get(name.lower(), "")
    if not _SHAPES[name].fullmatch(value):
        raise WebhookRefused(f"{name} is missing or not as the contract says")
    return value


def _same(mine: str, theirs: str) -> bool:
    return hmac.compare_digest(mine.encode(), theirs.encode("utf-8", "replace"))


def _document_id(body: bytes) -> str | None:
    """None for a body without one: it is kept all the same, and parsing will name the reason."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    named = document.get("id") if isinstance(document, dict) else None
    return named if isinstance(named, str) and named.isprintable() and 0 < len(named) <= 100 else None
