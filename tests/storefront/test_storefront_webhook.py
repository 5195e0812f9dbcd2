"""A delivery counts when a secret of the account has signed just this, lately."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from connectors.ports import WebhookRefused
from connectors.storefront.format import StorefrontFormat
from sandbox.storefront_hooks import SECRET
from tests.storefront.shop import Shop

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
FORMAT = StorefrontFormat(clock=lambda: NOW)
BODY = b'{"id": "SF-1", "total": "1.00"}'
Headers = dict[str, str]


def signed(
    secret: str = "new",
    *,
    at: datetime = NOW,
    delivery: str = "d-1",
    topic: str = "orders/created",
    body: bytes = BODY,
) -> Headers:
    """As the documentation tells a shop to do it."""
    timestamp = str(int(at.timestamp()))
    content = f"{timestamp}.{delivery}.{topic}.".encode() + body
    return {
        "Orderyard-Key-Id": "k-2026",
        "Orderyard-Timestamp": timestamp,
        "Orderyard-Delivery": delivery,
        "Orderyard-Topic": topic,
        "Orderyard-Signature": "v1=" + hmac.new(secret.encode(), content, sha256).hexdigest(),
    }


def test_what_is_signed_is_believed() -> None:
    event = FORMAT.verify(signed(), BODY, ("new",))
    assert (event.delivery_id, event.topic, event.external_id) == ("d-1", "orders/created", "SF-1")


def test_old_and_new_secret_count_during_a_rotation_and_two_signatures_may_come() -> None:
    for secret in ("old", "new"):
        assert FORMAT.verify(signed(secret), BODY, ("new", "old")).delivery_id == "d-1"
    both = {**signed("new"), "Orderyard-Signature": f"v1=00, {signed('old')['Orderyard-Signature']}"}
    assert FORMAT.verify(both, BODY, ("old",)).delivery_id == "d-1"


def without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def changed(name: str, value: str) -> Callable[[Headers], Headers]:
    return lambda headers: {**headers, name: value}


@pytest.mark.parametrize(
    "change",
    [
        *(without(name) for name in signed()),
        changed("Orderyard-Timestamp", str(int(NOW.timestamp()) + 1)),
        changed("Orderyard-Timestamp", "soon"),
        changed("Orderyard-Delivery", "d-2"),
        changed("Orderyard-Delivery", "d.1"),
        changed("Orderyard-Delivery", "x" * 101),
        changed("Orderyard-Topic", "orders/cancelled"),
        changed("Orderyard-Topic", "orders"),
        changed("Orderyard-Signature", "v1=" + "0" * 64),
        changed("Orderyard-Signature", "ü"),
    ],
)
def test_a_header_that_is_absent_or_was_touched_is_refused(change: Callable[[Headers], Headers]) -> None:
    with pytest.raises(WebhookRefused):
        FORMAT.verify(change(signed()), BODY, ("new", "old"))


@pytest.mark.parametrize("secrets", [(), ("",), ("other",)])
def test_no_secret_of_the_account_means_no(secrets: tuple[str, ...]) -> None:
    with pytest.raises(WebhookRefused, match="k-2026"):
        FORMAT.verify(signed(), BODY, secrets)


def test_an_empty_secret_signs_nothing() -> None:
    with pytest.raises(WebhookRefused):
        FORMAT.verify(signed(""), BODY, ("", "new"))


def test_a_body_that_was_touched_is_refused() -> None:
    with pytest.raises(WebhookRefused):
        FORMAT.verify(signed(), BODY.replace(b"1.00", b"0.01"), ("new",))


def test_what_was_signed_can_be_cut_in_one_way_only() -> None:
    """Delivery and topic hold no dot, so no byte can wander from one to the other or into the body."""
    headers = signed(delivery="d-1", topic="orders/created", body=b"x.{}")
    with pytest.raises(WebhookRefused):
        FORMAT.verify({**headers, "Orderyard-Topic": "orders/created.x"}, b"{}", ("new",))


@pytest.mark.parametrize("minutes", [-4.9, 0, 4.9])
def test_five_minutes_either_way_are_allowed(minutes: float) -> None:
    assert FORMAT.verify(signed(at=NOW + timedelta(minutes=minutes)), BODY, ("new",)).delivery_id == "d-1"


@pytest.mark.parametrize("minutes", [-5.1, 5.1, 60 * 24 * 365])
def test_beyond_that_it_may_be_a_replay(minutes: float) -> None:
    with pytest.raises(WebhookRefused, match="Timestamp"):
        FORMAT.verify(signed(at=NOW + timedelta(minutes=minutes)), BODY, ("new",))


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"id": 7}', b'{"id": ""}', b"[" * 100_000])
def test_a_signed_body_without_an_id_is_kept_all_the_same(body: bytes) -> None:
    assert FORMAT.verify(signed(body=body), body, ("new",)).external_id is None


async def test_the_twin_signs_as_the_contract_says(shop: Shop) -> None:
    order_id = shop.sell(1, duplicates=3)
    events = {
        StorefrontFormat().verify(headers, body, (SECRET,)).model_dump_json()
        for headers, body in shop.webhooks.sent
        if headers["Orderyard-Topic"] == "orders/created"
    }
    assert len(events) == 1
    assert order_id in events.pop()
