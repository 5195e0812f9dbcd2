"""Notifications by HTTPS: authentic by a shared secret, and a hint to read the order again."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.amazon.format import AmazonFormat
from connectors.ports import HINT_TOPIC, WebhookEvent, WebhookRefused
from sandbox.amazon import AmazonTwin
from sandbox.amazon_notifications import SECRET, notification
from sandbox.core import Sandbox, SandboxOptions
from sandbox.traits import Traits, by_sku
from sandbox.webhooks import WebhookSender
from tests.amazon.payloads import SAMPLES, SPECS, order
from tests.systems.running import free_socket, served, until

NEW, OLD = "new-secret", "old-secret"
CHANGE = notification("903-8868176-2219830", order("1.00"), "2026-11-01T10:00:00Z")
ITEMS = ((by_sku("HEADLAMP"), 1),)


def verify(body: Any, **headers: str) -> WebhookEvent:
    given = headers or {"Authorization": f"Bearer {NEW}"}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return AmazonFormat().verify({name.replace("_", "-"): value for name, value in given.items()}, raw, (NEW, OLD))


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {NEW}"},
        {"AUTHORIZATION": f"bearer {OLD}"},
        {"authorization": basic(f"orderyard:{NEW}")},
        {"Authorization": NEW},
        {"X_Api_Key": OLD},
    ],
)
def test_a_current_or_former_secret_counts_however_it_is_brought(headers: dict[str, str]) -> None:
    event = verify(CHANGE, **headers)
    assert (event.topic, event.external_id) == (HINT_TOPIC, "903-8868176-2219830")
    assert event.delivery_id == CHANGE["NotificationMetadata"]["NotificationId"]


def test_a_secret_may_be_user_and_password() -> None:
    headers = {"Authorization": basic("user:pass")}
    assert AmazonFormat().verify(headers, b"{}", ("user:pass",)).topic


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/json"},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer other"},
        {"Authorization": "Basic ???"},
        {"Authorization": basic("new-secret:")},
        {"Authorization": basic("user:other")},
        {"X_Api_Key": "é\udcff"},
    ],
)
def test_anything_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused):
        verify(CHANGE, **headers)


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_an_account_without_a_secret_takes_nothing(secrets: tuple[str, ...]) -> None:
    with pytest.raises(WebhookRefused):
        AmazonFormat().verify({"Authorization": "Bearer "}, b"{}", secrets)
    with pytest.raises(WebhookRefused):
        AmazonFormat().verify({"Authorization": "Bearer x"}, b"{}", secrets)


@pytest.mark.parametrize(
    "wrapped",
    [
        {"version": "0", "id": "E", "detail-type": "ORDER_CHANGE", "detail": CHANGE},
        {"Type": "Notification", "MessageId": "S", "Message": json.dumps(CHANGE)},
        {"Records": [{"messageId": "Q", "body": json.dumps(CHANGE)}]},
        {"Records": [{"body": json.dumps({"Type": "Notification", "Message": json.dumps({"detail": CHANGE})})}]},
        [CHANGE],
    ],
)
def test_it_is_found_in_the_envelopes_of_aws(wrapped: Any) -> None:
    assert verify(wrapped) == verify(CHANGE)


def test_names_may_begin_with_a_small_letter() -> None:
    def small(value: Any) -> Any:
        return (
            {name[0].lower() + name[1:]: small(each) for name, each in value.items()}
            if isinstance(value, dict)
            else value
        )

    assert verify(small(CHANGE)) == verify(CHANGE)


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b"{}", b'"x"', b"[" * 5000, json.dumps([CHANGE, CHANGE]).encode()]
)
def test_what_is_authentic_and_no_notification_is_kept_under_its_content(body: bytes) -> None:
    event = verify(body)
    assert (event.topic, event.external_id) == ("unreadable", None)
    assert event.delivery_id == verify(body).delivery_id != verify(body + b" ").delivery_id


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"the vendor's samples are not at {SAMPLES}")
def test_the_sample_notifications_are_understood() -> None:
    topics = {
        path.name: verify(path.read_bytes()).topic
        for path in SAMPLES.glob("notification__*_?.json")
        if "Notification_" in path.name
    }
    assert topics == {
        "notification__FeedProcessingFinishedNotification_1.json": "FEED_PROCESSING_FINISHED",
        "notification__FeedProcessingFinishedNotification_2.json": "FEED_PROCESSING_FINISHED",
        "notification__ItemInventoryEventChangeNotification_1.json": "ITEM_INVENTORY_EVENT_CHANGE",
        "notification__OrderChangeNotification_1.json": HINT_TOPIC,
        "notification__TransactionUpdateNotification_1.json": "TRANSACTION_UPDATE",
    }
    event = verify((SAMPLES / "notification__OrderChangeNotification_1.json").read_bytes())
    assert event.external_id == "903-8868176-2219830"
    assert event.delivery_id == "d0e9e693-c3ad-4373-979f-ed4ec98dd746"


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's specifications are not at {SPECS}")
def test_the_twins_notifications_keep_to_the_published_schema() -> None:
    schema = json.loads((SPECS / "notification_OrderChangeNotification.schema.json").read_bytes())
    schema.pop("$id", None)
    jsonschema.Draft7Validator(schema).validate(CHANGE)


class Gateway:
    """Receives what the twin posts."""

    def __init__(self) -> None:
        self.events: list[WebhookEvent] = []

    async def receive(self, request: Request) -> Response:
        self.events.append(AmazonFormat().verify(request.headers, await request.body(), (SECRET,)))
        return Response(status_code=200)


@pytest.fixture
async def told() -> AsyncIterator[tuple[AmazonTwin, list[WebhookEvent]]]:
    """A twin that sends its notifications, and what has arrived of them."""
    gateway, listener = Gateway(), free_socket()
    to = f"http://127.0.0.1:{listener.getsockname()[1]}"
    box = Sandbox(SandboxOptions(webhooks_to=to, job_delay=0.0))
    sender = WebhookSender(box)
    async with served([Route("/webhooks/amazon/US-1", gateway.receive, methods=["POST"])], listener):
        yield AmazonTwin(box, sender), gateway.events
        await until(lambda: not box.tasks)
    await sender.aclose()
    box.shelf.close()


async def test_each_new_order_and_each_change_is_told(told: tuple[AmazonTwin, list[WebhookEvent]]) -> None:
    twin, events = told
    sold = twin.sell(Traits(1, ITEMS))
    gone = twin.sell(Traits(2, ITEMS, cancel=True))
    await until(lambda: len(events) == 3)
    assert sorted(event.external_id or "" for event in events) == sorted([sold, gone, gone])
    assert len({event.delivery_id for event in events}) == 3


async def test_copies_share_their_id_and_a_lost_one_never_comes(
    told: tuple[AmazonTwin, list[WebhookEvent]],
) -> None:
    twin, events = told
    twin.sell(Traits(1, ITEMS, lose_webhook=True))
    doubled = twin.sell(Traits(2, ITEMS, duplicates=3))
    await until(lambda: len(events) == 3)
    await until(lambda: not twin.sandbox.tasks)
    assert {(event.external_id, event.delivery_id) for event in events} == {(doubled, events[0].delivery_id)}
    assert len(events) == 3


async def test_an_odd_order_of_a_file_is_told_as_well(
    told: tuple[AmazonTwin, list[WebhookEvent]], tmp_path: Any
) -> None:
    twin, events = told
    odd = {"orderId": "112-9", "orderItems": [None, {"product": 5}], "fulfillment": "?", "salesChannel": []}
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    assert twin.load(tmp_path / "odd.json") == ["112-9"]
    await until(lambda: len(events) == 1)
    assert events[0].external_id == "112-9"


async def test_without_a_sender_nothing_is_sent(caller: httpx.AsyncClient, twin: AmazonTwin) -> None:
    twin.sell(Traits(1, ITEMS, cancel=True))
    assert not twin.sandbox.tasks
