"""Events that the channel posts: authentic ones are read, others are refused, and copies are known as copies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.ports import HINT_TOPIC, WebhookEvent, WebhookRefused
from tests.conformance.point import point
from tests.conformance.stage import Stage, now
from tests.conformance.subject import Capability, Delivery

FOREIGN = "a-secret-of-somebody-else"
FORMER = "the-secret-of-last-year"
NEARLY = timedelta(seconds=20)


def verified(stage: Stage, delivery: Delivery, *secrets: str) -> WebhookEvent:
    return stage.subject.format.verify(delivery.headers, delivery.body, secrets or the_secrets(stage))


def the_secrets(stage: Stage) -> tuple[str, ...]:
    return stage.connection().resolved_webhook_secrets


async def first_delivery(stage: Stage) -> Delivery:
    stage.sell()
    return (await stage.delivered())[0]


@point()
async def what_is_not_signed_is_refused(stage: Stage) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"X-Signature": "eA=="}):
        with pytest.raises(WebhookRefused):
            stage.subject.format.verify(headers, b"{}", ("secret",))


@point(Capability.WEBHOOKS)
async def an_order_is_told_at_once_and_leads_to_the_order(stage: Stage) -> None:
    external_id = stage.sell()
    delivery = (await stage.delivered())[0]
    assert delivery.path == f"/webhooks/{stage.subject.name}/{stage.account}"
    event = verified(stage, delivery)
    assert event.external_id == external_id
    assert event.delivery_id
    if event.topic == HINT_TOPIC:
        assert (await stage.order(external_id)).key == stage.key(external_id)
    else:
        assert event.topic.startswith("orders/")
        assert stage.parsed(delivery.body).key == stage.key(external_id)


@point(Capability.WEBHOOKS)
async def copies_of_a_delivery_are_known_by_its_id_and_others_are_not(stage: Stage) -> None:
    copied, once = stage.sell(duplicates=3), stage.sell()
    deliveries = await stage.delivered(4)
    ids = [(event.external_id, event.delivery_id) for event in (verified(stage, each) for each in deliveries)]
    of_copied, of_once = (Counter(found for order, found in ids if order == sold) for sold in (copied, once))
    assert 3 in of_copied.values(), f"three copies of one delivery have ids {of_copied}"
    assert set(of_once.values()) == {1}
    assert not of_copied.keys() & of_once.keys()


@point(Capability.WEBHOOKS)
async def a_lost_delivery_is_found_by_the_poll(stage: Stage) -> None:
    lost, told = stage.sell(lose_webhook=True), stage.sell()
    events = [verified(stage, delivery) for delivery in await stage.delivered()]
    assert {event.external_id for event in events} == {told}
    pages, _ = await stage.walk(stage.channel)
    assert {polled.external_id for page in pages for polled in page.orders} == {lost, told}


@point(Capability.WEBHOOKS)
async def a_delivery_under_another_secret_is_refused(stage: Stage) -> None:
    delivery = await first_delivery(stage)
    verified(stage, delivery)
    for secrets in ((FOREIGN,), (), ("",)):
        with pytest.raises(WebhookRefused):
            stage.subject.format.verify(delivery.headers, delivery.body, secrets)


@point(Capability.WEBHOOKS)
async def during_a_rotation_the_old_and_the_new_secret_count(stage: Stage) -> None:
    delivery = await first_delivery(stage)
    secret, *_ = the_secrets(stage)
    event = verified(stage, delivery, secret)
    assert verified(stage, delivery, FOREIGN, secret) == event
    assert verified(stage, delivery, secret, FORMER) == event
    with pytest.raises(WebhookRefused):
        verified(stage, delivery, FOREIGN, FORMER)


@point(Capability.WEBHOOKS)
async def headers_are_found_however_they_are_written(stage: Stage) -> None:
    delivery = await first_delivery(stage)
    event = verified(stage, delivery)
    for change in (str.lower, str.upper, str.title):
        headers = {change(name): value for name, value in delivery.headers.items()}
        assert verified(stage, replace(delivery, headers=headers)) == event


@point(Capability.WEBHOOKS, Capability.SIGNED_BODY)
async def a_body_that_was_touched_is_refused(stage: Stage) -> None:
    delivery = await first_delivery(stage)
    for body in (delivery.body + b" ", delivery.body.replace(b"1", b"2", 1), b""):
        with pytest.raises(WebhookRefused):
            verified(stage, replace(delivery, body=body))


@point(Capability.WEBHOOKS, Capability.TIME_WINDOW)
async def a_delivery_counts_for_five_minutes_by_either_clock(stage: Stage) -> None:
    delivery = await first_delivery(stage)
    window = stage.subject.window
    for age in (timedelta(0), window - NEARLY, NEARLY - window):
        verified(stage, signed_at(stage, delivery, now() - age))
    for age in (window + NEARLY, -window - NEARLY, timedelta(days=30)):
        with pytest.raises(WebhookRefused):
            verified(stage, signed_at(stage, delivery, now() - age))


def signed_at(stage: Stage, delivery: Delivery, at: datetime) -> Delivery:
    assert stage.subject.resign, "a channel with a time window says how it signs: `Subject.resign`"
    secret, *_ = the_secrets(stage)
    return replace(delivery, headers=stage.subject.resign(delivery, at, secret))
