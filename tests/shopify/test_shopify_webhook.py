"""Only what Shopify signed is believed."""

from __future__ import annotations

import json
import random

import pytest

from connectors.ports import HINT_TOPIC, WebhookRefused
from connectors.shopify.format import ShopifyFormat
from connectors.shopify.webhook import sign
from tests.shopify.shop import Shop, order

SECRET = "shpss_now"
FORMER = "shpss_before"
BODY = json.dumps(order(), indent=1).encode()
FORMAT = ShopifyFormat()
OPENSSL = "cFCw8AfToKWDTILZK/CReSJzB1sVEBhS5CCInZzkJ5c="


def headers(body: bytes = BODY, secret: str = SECRET, changes: dict[str, str] | None = None) -> dict[str, str]:
    return {
        "X-Shopify-Hmac-SHA256": sign(body, secret),
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
        "X-Shopify-Topic": "orders/create",
        **(changes or {}),
    }


def test_the_signature_is_the_one_that_openssl_computes() -> None:
    # printf '{"id":1}' | openssl dgst -sha256 -hmac shpss_now -binary | base64
    assert sign(b'{"id":1}', "shpss_now") == OPENSSL


def test_a_signed_delivery_says_its_id_topic_and_order() -> None:
    event = FORMAT.verify(headers(), BODY, (SECRET,))
    assert event.delivery_id == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert event.topic == "orders/create"
    assert event.external_id == "820982911946154508"


def test_header_names_are_read_in_any_case() -> None:
    shouted = {name.upper(): value for name, value in headers().items()}
    assert FORMAT.verify(shouted, BODY, (SECRET,)).external_id == "820982911946154508"


def test_a_former_secret_still_signs_during_a_rotation() -> None:
    FORMAT.verify(headers(secret=FORMER), BODY, (SECRET, FORMER))


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (headers(), BODY.replace(b"20.00", b"20.01")),
        (headers(), json.dumps(json.loads(BODY)).encode()),
        (headers(secret="shpss_other"), BODY),
        (headers(secret=FORMER), BODY),
        ({"X-Shopify-Topic": "orders/create"}, BODY),
        (headers(changes={"X-Shopify-Hmac-SHA256": ""}), BODY),
        (headers(changes={"X-Shopify-Hmac-SHA256": "größe=="}), BODY),
        (headers(changes={"X-Shopify-Hmac-SHA256": "\udcff"}), BODY),
        (headers(changes={"X-Shopify-Hmac-SHA256": sign(BODY, SECRET) + " "}), BODY),
    ],
    ids=[
        "tampered",
        "re-serialised",
        "wrong secret",
        "retired secret",
        "missing",
        "empty",
        "non-ASCII",
        "surrogate",
        "padded",
    ],
)
def test_anything_else_is_refused(given: dict[str, str], body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        FORMAT.verify(given, body, (SECRET,))


def test_no_secret_means_no_delivery_is_believed() -> None:
    for secrets in ((), ("",)):
        with pytest.raises(WebhookRefused):
            FORMAT.verify(headers(secret=""), BODY, secrets)


def test_no_changed_byte_is_accepted() -> None:
    chance = random.Random(7)
    given = headers()
    for _ in range(2000):
        changed = bytearray(BODY)
        changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
        with pytest.raises(WebhookRefused):
            FORMAT.verify(given, bytes(changed), (SECRET,))


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"order_edit":{"order_id":3}}'])
def test_a_signed_body_that_is_no_order_is_authentic_all_the_same(body: bytes) -> None:
    event = FORMAT.verify(headers(body), body, (SECRET,))
    assert event.external_id is None


def test_a_deleted_order_is_known_by_its_id() -> None:
    body = b'{"id":820982911946154508}'
    event = FORMAT.verify(headers(body, changes={"X-Shopify-Topic": "orders/delete"}), body, (SECRET,))
    assert event.external_id == "820982911946154508"


def test_a_delivery_about_something_else_names_no_order() -> None:
    event = FORMAT.verify(headers(changes={"X-Shopify-Topic": "fulfillments/create"}), BODY, (SECRET,))
    assert event.external_id is None


def test_without_a_delivery_id_the_same_body_has_the_same_one() -> None:
    given = headers()
    del given["X-Shopify-Webhook-Id"]
    first, second = (FORMAT.verify(given, BODY, (SECRET,)) for _ in range(2))
    assert first.delivery_id == second.delivery_id


@pytest.mark.parametrize(
    ("topic", "document"),
    [
        ("refunds/create", {"id": 5, "order_id": 77, "refund_line_items": []}),
        ("fulfillments/create", {"id": 5, "order_id": 77, "line_items": []}),
        ("fulfillments/update", {"id": 5, "order_id": "77", "status": "success"}),
        ("orders/edited", {"order_edit": {"id": 5, "order_id": 77, "line_items": {}}}),
        ("order_transactions/create", {"id": 5, "order_id": 77, "kind": "sale"}),
        ("orders/risk_assessment_changed", {"order_id": 77, "risk_level": "high"}),
        ("disputes/create", {"id": 5, "order_id": 77}),
        ("orders/delete", {"id": 77}),
    ],
)
def test_what_names_an_order_and_is_none_is_a_hint_to_read_it_again(topic: str, document: dict[str, object]) -> None:
    body = json.dumps(document).encode()
    event = FORMAT.verify(headers(body, changes={"X-Shopify-Topic": topic}), body, (SECRET,))
    assert (event.topic, event.external_id) == (HINT_TOPIC, "77")


@pytest.mark.parametrize("topic", ["app/uninstalled", "inventory_levels/update", "disputes/create"])
def test_what_names_no_order_keeps_shopifys_topic(topic: str) -> None:
    body = b'{"id": 5, "order_id": null}'
    event = FORMAT.verify(headers(body, changes={"X-Shopify-Topic": topic}), body, (SECRET,))
    assert (event.topic, event.external_id) == (topic, None)


def test_a_return_keeps_its_topic_and_names_its_order() -> None:
    body = b'{"id": 5, "order": {"id": 77, "admin_graphql_api_id": "gid://shopify/Order/77"}, "status": "requested"}'
    event = FORMAT.verify(headers(body, changes={"X-Shopify-Topic": "returns/request"}), body, (SECRET,))
    assert (event.topic, event.external_id) == ("returns/request", "77")


async def test_the_twins_webhooks_are_authentic_and_parse() -> None:
    shop = Shop()
    shop.sell(1)
    (_, body, given), *copies = shop.webhooks.sent
    event = FORMAT.verify(given, body, shop.connection().resolved_webhook_secrets)
    assert len(copies) == 2
    assert {copy[2]["X-Shopify-Webhook-Id"] for copy in copies} == {event.delivery_id}
    assert FORMAT.parse(body, "main").orders[0].key.external_id == event.external_id
