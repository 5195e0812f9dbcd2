"""Fraud screening, its fallback rules, and notifications."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.fraud.rest import RestFraud
from connectors.fraud.rules import FraudRules
from connectors.notify.rest import RestNotifier
from connectors.ports import Notice
from models.order import Address, Buyer, FulfilmentSide, OrderLine
from sandbox.faults import Fault, FaultKind
from tests.systems.orders import AT, BERLIN, CORRELATION_ID, connection, eur, order
from tests.systems.running import Systems

KEY = "amazon/EU-DE/302-7"


@pytest.fixture
async def fraud(systems: Systems) -> AsyncIterator[RestFraud]:
    provider = RestFraud(connection(systems.fraud.connection()))
    yield provider
    await provider.aclose()


@pytest.fixture
async def notifier(systems: Systems) -> AsyncIterator[RestNotifier]:
    provider = RestNotifier(connection(systems.notify.connection()))
    yield provider
    await provider.aclose()


async def test_the_same_order_always_gets_the_same_verdict(fraud: RestFraud) -> None:
    verdicts = [await fraud.assess(order()) for _ in range(3)]
    assert verdicts[0].decision == "approve"
    assert verdicts[0].source == "fraud_service"
    assert len({verdict.model_dump_json() for verdict in verdicts}) == 1


async def test_a_buyer_on_the_watch_list_is_reviewed(fraud: RestFraud) -> None:
    watched = await fraud.assess(order(buyer=Buyer(email="please.review.me@example.com")))
    domain = await fraud.assess(order(buyer=Buyer(email="me@review.example.com")))
    assert (watched.decision, watched.score) == ("review", 90)
    assert watched.reasons
    assert domain.decision == "approve"


async def test_an_order_without_address_or_email_can_be_assessed(fraud: RestFraud) -> None:
    assert (await fraud.assess(order(ship_to=None, buyer=Buyer()))).decision == "approve"


FRAUD_TROUBLE: list[tuple[dict[str, Any], type[ConnectorError]]] = [
    ({"kind": FaultKind.THROTTLE}, Unavailable),
    ({"kind": FaultKind.ERROR, "status": 500}, Unavailable),
    ({"kind": FaultKind.ERROR, "status": 503}, Unavailable),
    ({"kind": FaultKind.ERROR, "status": 423}, Unavailable),
    ({"kind": FaultKind.LOST_REPLY}, Unavailable),
    ({"kind": FaultKind.DECLINE}, Declined),
]


@pytest.mark.parametrize(("fault", "error"), FRAUD_TROUBLE)
async def test_each_trouble_with_the_fraud_service_has_one_meaning(
    systems: Systems, fraud: RestFraud, fault: dict[str, Any], error: type[ConnectorError]
) -> None:
    systems.sandbox.faults.add(Fault(operation="fraud.assess", times=1, **fault))
    with pytest.raises(error):
        await fraud.assess(order())
    assert (await fraud.assess(order())).decision == "approve"


async def test_wrong_keys_are_unauthorized(systems: Systems) -> None:
    fraud = RestFraud(connection(systems.fraud.connection(), api_key="old"))
    notifier = RestNotifier(connection(systems.notify.connection(), api_key="old"))
    with pytest.raises(Unauthorized):
        await fraud.assess(order())
    with pytest.raises(Unauthorized):
        await notifier.send(notice())
    await fraud.aclose()
    await notifier.aclose()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"", "$"),
        (b'{"score": 5}', "decision"),
        (b'{"score": 5, "decision": "perhaps"}', "decision"),
        (b'{"score": 101, "decision": "approve"}', "score"),
        (b'{"score": 1, "decision": "approve", "reasons": [1]}', "reasons.0"),
    ],
)
async def test_a_verdict_that_cannot_be_read_is_schema_drift(systems: Systems, body: bytes, path: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(201, content=body))
    fraud = RestFraud(connection(systems.fraud.connection()), transport=transport)
    with pytest.raises(SchemaDrift) as drift:
        await fraud.assess(order())
    assert drift.value.path == path
    await fraud.aclose()


def test_the_rules_approve_a_plain_order_without_a_word() -> None:
    verdict = FraudRules().assess(order())
    assert (verdict.decision, verdict.score, verdict.reasons) == ("approve", 0, ())
    assert verdict.source == "rules-2026-11"


def many(quantity: int) -> tuple[OrderLine, ...]:
    return (OrderLine(line_id="L1", sku="SOCKS", quantity=quantity, goods=eur("10.00")),)


@pytest.mark.parametrize(
    ("changes", "score", "decision", "word"),
    [
        ({"total": eur("5000.00")}, 0, "approve", ""),
        ({"total": eur("5000.01")}, 60, "review", "5000.01 EUR is above 5000 EUR"),
        ({"lines": many(50)}, 0, "approve", ""),
        ({"lines": many(51)}, 30, "approve", "51 of SOCKS"),
        ({"ship_to": None}, 20, "approve", "ship_to missing"),
        ({"ship_to": BERLIN.model_copy(update={"city": ""})}, 20, "approve", "city missing"),
        ({"ship_to": None, "fulfilled_by": FulfilmentSide.CHANNEL}, 0, "approve", ""),
        ({"ship_to": BERLIN.model_copy(update={"company": "ACME Freight Forwarders"})}, 40, "approve", "forward"),
        ({"bill_to": Address(country="fr")}, 20, "approve", "billed in FR, shipped to DE"),
        ({"bill_to": Address(country="de")}, 0, "approve", ""),
        ({"buyer": Buyer(email="x@Mailinator.com")}, 30, "approve", "mailinator.com"),
        ({"buyer": Buyer(email="x@mailinator.com"), "lines": many(99)}, 60, "review", "99 of SOCKS"),
    ],
)
def test_each_rule_counts_and_says_why(changes: dict[str, Any], score: int, decision: str, word: str) -> None:
    verdict = FraudRules().assess(order(**changes))
    assert (verdict.score, verdict.decision) == (score, decision)
    assert word in " ".join(verdict.reasons)


def notice(**changes: Any) -> Notice:
    fields: dict[str, Any] = {
        "order_key": order().key,
        "correlation_id": str(CORRELATION_ID),
        "template": "shipped",
        "notice_id": f"{KEY}:shipped:P-1",
        "values": {"tracking": "0034"},
        "at": AT,
        **changes,
    }
    return Notice(**fields)


async def test_a_notice_sent_again_is_one_message(systems: Systems, notifier: RestNotifier) -> None:
    for _ in range(3):
        await notifier.send(notice())
    await notifier.send(notice(notice_id=f"{KEY}:shipped:P-2"))
    assert [entry["key"] for entry in systems.effects("notify/message_sent")] == [KEY, KEY]


async def test_a_lost_reply_to_a_notice_is_in_doubt_and_the_retry_sends_nothing_more(
    systems: Systems, notifier: RestNotifier
) -> None:
    systems.sandbox.faults.add(Fault(operation="notify.send_message", kind=FaultKind.LOST_REPLY, times=1))
    with pytest.raises(InDoubt):
        await notifier.send(notice())
    await notifier.send(notice())
    assert len(systems.effects("notify/message_sent")) == 1


async def test_one_key_for_two_messages_is_declined(systems: Systems, notifier: RestNotifier) -> None:
    await notifier.send(notice())
    with pytest.raises(Declined) as no:
        await notifier.send(notice(template="delayed"))
    assert (no.value.code, no.value.field) == ("idempotency_key_reused", "Idempotency-Key")
    assert len(systems.effects("notify/message_sent")) == 1


NOTIFY_TROUBLE: list[tuple[dict[str, Any], type[ConnectorError]]] = [
    ({"kind": FaultKind.THROTTLE}, Unavailable),
    ({"kind": FaultKind.ERROR, "status": 503}, Unavailable),
    ({"kind": FaultKind.ERROR, "status": 423}, Unavailable),
    ({"kind": FaultKind.ERROR, "status": 500}, InDoubt),
    ({"kind": FaultKind.DECLINE}, Declined),
]


@pytest.mark.parametrize(("fault", "error"), NOTIFY_TROUBLE)
async def test_each_trouble_with_the_notifier_has_one_meaning(
    systems: Systems, notifier: RestNotifier, fault: dict[str, Any], error: type[ConnectorError]
) -> None:
    systems.sandbox.faults.add(Fault(operation="notify.send_message", times=1, **fault))
    with pytest.raises(error):
        await notifier.send(notice())
    assert systems.effects("notify/message_sent") == []
