"""Notifications: authentic ones are known, all others refused, whatever they are signed with."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from connectors.ports import HINT_TOPIC, WebhookRefused
from connectors.walmart.format import WalmartFormat
from connectors.walmart.webhook import WINDOW, signed_headers, verify

PATH = "/webhooks/walmart/US"
SECRET = f"{PATH} current secret with spaces"
FORMER = f"{PATH} former"
PASSWORD = "walmart:pass:word"
NOW = 1_780_000_000


def body(event: str = "ORDER_UPDATES", **payload: Any) -> bytes:
    told = payload or {"subEventType": "PO_CREATED", "order": {"purchaseOrderId": "17"}}
    return json.dumps({"source": {"eventType": event, "eventId": "e-1"}, "payload": told}).encode()


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def test_a_signed_notification_is_a_hint_about_its_order() -> None:
    event = verify(signed_headers(SECRET, body(), NOW), body(), (FORMER, SECRET), lambda: NOW)
    assert (event.topic, event.external_id, event.delivery_id) == (HINT_TOPIC, "17", "e-1")


@pytest.mark.parametrize("event", ["PO_CREATED", "PO_LINE_AUTOCANCELLED", "INTENT_TO_CANCEL"])
def test_the_older_single_events_name_their_order_too(event: str) -> None:
    told = body(event, purchaseOrderId="18", customerOrderId="9")
    found = verify(signed_headers(SECRET, told, NOW), told, (SECRET,), lambda: NOW)
    assert (found.topic, found.external_id) == (HINT_TOPIC, "18")


def test_an_event_about_something_else_is_no_hint() -> None:
    told = body("OFFER_UNPUBLISHED", sku="A")
    found = verify(signed_headers(SECRET, told, NOW), told, (SECRET,), lambda: NOW)
    assert (found.topic, found.external_id) == ("offer_unpublished", None)


@pytest.mark.parametrize("off", [0, WINDOW - 1, 1 - WINDOW])
def test_a_signature_counts_for_five_minutes_in_seconds_or_milliseconds(off: float) -> None:
    for at in (int(NOW + off), int((NOW + off) * 1000)):
        assert verify(signed_headers(SECRET, body(), at), body(), (SECRET,), lambda: NOW).external_id == "17"


@pytest.mark.parametrize("off", [WINDOW + 1, -WINDOW - 1, 86_400])
def test_an_older_or_a_later_one_is_refused(off: float) -> None:
    with pytest.raises(WebhookRefused):
        verify(signed_headers(SECRET, body(), int(NOW + off)), body(), (SECRET,), lambda: NOW)


def test_what_was_touched_is_refused() -> None:
    headers = signed_headers(SECRET, body(), NOW)
    later = {**headers, "WM_SEC.TIMESTAMP": str(NOW + 1)}
    for given, told in ((headers, body() + b" "), (later, body()), ({**headers, "WM_SEC.SIGNATURE": ""}, body())):
        with pytest.raises(WebhookRefused):
            verify(given, told, (SECRET,), lambda: NOW)


def test_a_signature_for_another_path_or_secret_is_refused() -> None:
    for secret in ("/webhooks/walmart/CA current secret with spaces", f"{PATH} other"):
        with pytest.raises(WebhookRefused):
            verify(signed_headers(secret, body(), NOW), body(), (SECRET,), lambda: NOW)


@pytest.mark.parametrize("secrets", [(), ("",), ("plain",), (PASSWORD,), ("/no-secret",)])
def test_secrets_of_another_kind_vouch_for_no_signature(secrets: tuple[str, ...]) -> None:
    with pytest.raises(WebhookRefused):
        verify(signed_headers(SECRET, body(), NOW), body(), secrets, lambda: NOW)


def test_user_and_password_count_as_well_during_a_rotation() -> None:
    event = WalmartFormat().verify(basic(PASSWORD), body(), ("walmart:new", PASSWORD))
    assert event.external_id == "17"
    for given in (basic("walmart:wrong"), basic(SECRET), {"Authorization": "Basic %%%"}, {"Authorization": "Bearer x"}):
        with pytest.raises(WebhookRefused):
            WalmartFormat().verify(given, body(), (PASSWORD, SECRET))


def test_a_body_that_is_no_json_is_kept_and_named_by_its_content() -> None:
    found = verify(signed_headers(SECRET, b"\xff", NOW), b"\xff", (SECRET,), lambda: NOW)
    assert (found.topic, found.external_id) == ("unnamed", None)
    assert found.delivery_id.startswith("sha256:")
