"""Settlement documents: posted once, told to their orders, or refused whole."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError

from activities.settlement import PostedSettlement
from capture.deliveries import Deliveries, settlement_workflow_id
from connectors.providers import FORMATS
from models.messages import OrderState
from models.money import Money
from store import inbox, settlements
from store.database import Database
from store.tables import InboxEvent
from tests.capture.scene import Scene, an_id, event_of, keep, key_of, payload, until, webhook
from tests.workflows.world import World
from workflows import policy
from workflows.settlement import SettlementWorkflow


def document(payout_id: int, amount: str, *rows: dict[str, Any]) -> bytes:
    paid = {"id": payout_id, "status": "paid", "date": "2026-12-01", "currency": "USD", "amount": amount}
    return json.dumps({"payout": paid, "transactions": rows}).encode()


def charge(order_id: int, amount: str, fee: str = "0.00", kind: str = "charge") -> dict[str, Any]:
    net = str(Decimal(amount) - Decimal(fee))
    moved = {"id": 1, "type": kind, "currency": "USD", "amount": amount, "fee": fee, "net": net}
    return {**moved, "source_order_id": order_id, "processed_at": "2026-11-30T00:00:00Z"}


async def shipped(scene: Scene) -> int:
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    await scene.shipped(order_id)
    return order_id


async def post(scene: Scene, body: bytes, delivery_id: str = "settlement:1") -> tuple[InboxEvent, PostedSettlement]:
    event = await scene.deliver(webhook(body, source="poll", topic="settlement", delivery_id=delivery_id))
    handle = scene.world.client.get_workflow_handle_for(SettlementWorkflow.run, settlement_workflow_id(event))
    return event, await handle.result()


async def test_an_order_that_waits_for_its_money_hears_of_it_and_closes(scene: Scene) -> None:
    order_id = await shipped(scene)
    body = document(77, "19.12", charge(order_id, "20.00", "0.88"))
    event, posted = await post(scene, body)
    ended = await scene.world.end(scene.handle(order_id))
    assert event.status == "delivered"
    assert ended.state is OrderState.CLOSED
    assert str(ended.received) == "20.00 USD"
    assert str(ended.fees) == "-0.88 USD"
    assert posted.result is not None
    assert posted.result.payout == posted.result.matched == Money.of("19.12", "USD")
    assert (posted.result.orders, posted.result.lines) == (1, 2)


async def test_what_belongs_to_no_order_is_a_residual_with_a_name(scene: Scene) -> None:
    stranger = an_id()
    rows = (charge(stranger, "5.00"), charge(stranger, "-1.00", kind="levitation_levy"))
    _, posted = await post(scene, document(78, "4.00", *rows))
    assert posted.result is not None
    assert {name: str(amount) for name, amount in posted.result.residuals.items()} == {
        f"unknown order {stranger}": "5.00 USD",
        "levitation_levy": "-1.00 USD",
    }
    assert posted.result.matched + posted.result.residual == posted.result.payout


async def test_the_same_document_posted_again_pays_nothing_twice(scene: Scene) -> None:
    scene.world.wms.parcels = lambda release: [release.picks]
    order_id = await shipped(scene)
    body = document(79, "8.00", charge(order_id, "8.00"))
    event, first = await post(scene, body)
    _, other_delivery = await post(scene, body, "settlement:again")
    async with scene.database.session() as session:
        await inbox.replay(session, event.id)
    await scene.dealt_with(event.id)
    handle = scene.world.client.get_workflow_handle_for(SettlementWorkflow.run, settlement_workflow_id(event))
    assert await handle.result() == first == other_delivery
    seen = await scene.world.until(scene.handle(order_id), lambda each: each.received is not None)
    assert str(seen.received) == "8.00 USD"
    async with scene.database.session() as session:
        assert len(await settlements.lines_of_order(session, key_of(order_id))) == 1
        assert len(await settlements.find(session)) == 1


async def test_a_document_whose_sum_is_wrong_is_refused_whole(scene: Scene) -> None:
    order_id = await shipped(scene)
    event, posted = await post(scene, document(80, "20.01", charge(order_id, "20.00")))
    assert posted.result is None
    assert posted.refused is not None
    assert "sum_differs" in posted.refused
    refused = await event_of(scene.database, event.id)
    assert (refused.status, refused.outcome) == ("dead", "settlement refused whole")
    (refusal,) = refused.refusals
    assert refusal["reason"] == "sum_differs"
    assert refusal["path"] == "payout.amount"
    assert "20.01" in refusal["value"]
    async with scene.database.session() as session:
        assert await settlements.lines_of_order(session, key_of(order_id)) == []


@pytest.mark.parametrize("body", [b"", b"not a settlement", b"\xff\xfe", b"{}", b'{"payout": null}'])
async def test_bytes_that_are_no_settlement_stay_a_dead_letter(scene: Scene, body: bytes) -> None:
    event, posted = await post(scene, body)
    assert posted.refused
    refused = await event_of(scene.database, event.id)
    assert refused.status == "dead"
    assert refused.refusals[0]["remedy"]


class RefusesAtOnce:
    """Stands where Temporal is: the workflow refuses the document before its start has returned."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.refusing: asyncio.Task[None] | None = None

    async def start_workflow(self, _: object, event_id: int, **__: object) -> None:
        self.refusing = refusing = asyncio.create_task(self._refuse(event_id))
        await until(self._somebody_waits, lambda waits: waits or refusing.done())

    async def _refuse(self, event_id: int) -> None:
        async with self._database.session() as session:
            await inbox.finish(session, event_id, "dead", "settlement refused whole")

    async def _somebody_waits(self) -> bool:
        async with self._database.session() as session:
            return bool(await session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


async def test_a_refusal_is_not_overwritten_by_the_delivery_that_started_it(database: Database) -> None:
    """Relay and workflow write to the same event at the same time: the workflow's word is the last."""
    event_id = await keep(database, webhook(b"", source="poll", topic="settlement"))
    temporal = RefusesAtOnce(database)
    deliveries = Deliveries(cast(Client, temporal), FORMATS)
    async with database.session() as session:
        await deliveries.deliver(session, await event_of(database, event_id))
    assert temporal.refusing is not None
    await temporal.refusing
    assert (await event_of(database, event_id)).status == "dead"


async def test_an_event_that_does_not_exist_fails_the_workflow_and_says_so(world: World) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await world.client.execute_workflow(
            SettlementWorkflow.run, 987654, id=f"settlement/{uuid4()}", task_queue=policy.SETTLEMENT_QUEUE
        )
    cause = failed.value.cause.__cause__
    assert isinstance(cause, ApplicationError)
    assert (cause.type, cause.message) == ("NoSuchEvent", "no inbox event 987654")


async def test_a_settlement_names_its_sums_for_the_operator(scene: Scene) -> None:
    event, _ = await post(scene, document(81, "3.00", charge(an_id(), "3.00")))
    handle = scene.world.client.get_workflow_handle(settlement_workflow_id(event))

    async def details() -> str:
        metadata = await (await handle.describe()).static_summary()
        return metadata or ""

    assert await until(details, lambda text: text) == f"Settlement document {event.id} of shopify/main"
