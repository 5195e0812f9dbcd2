"""A mapping that was wrong: which orders it touched, what differs, and their correction."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from temporalio.client import Client

from activities.repair import progress
from capture.deliveries import Deliveries
from capture.relay import Relay
from cli import blast_radius, repairing
from connectors.ports import Parsed
from connectors.providers import FORMATS
from connectors.storefront.format import StorefrontFormat
from models.messages import OrderState
from models.order import Order, OrderKey
from models.repair import Outcome
from store import inbox, orders
from store.database import Database
from store.inbox import NewEvent
from store.tables import OrderRow
from tests.repair.parked import QUEUE, ParkedInput, ParkedOrder
from tests.repair.scene import Scene
from tests.storefront.shop import VAT_ORDER

NOW = StorefrontFormat().mapping_version + 1


class Corrected(StorefrontFormat):
    """The mapping of today."""

    mapping_version = NOW


class Wrong(StorefrontFormat):
    """The mapping of yesterday."""

    def parse(self, body: bytes, account: str) -> Parsed:
        parsed = super().parse(body, account)
        return parsed.model_copy(update={"orders": tuple(_misread(order) for order in parsed.orders)})


def _misread(order: Order) -> Order:
    """Orders of two tents were read without their discount, and so with a higher total."""
    line = order.lines[0]
    if line.quantity != 2:
        return order
    plain = line.model_copy(update={"discounts": ()})
    draft = order.model_copy(update={"lines": (plain,)})
    return draft.model_copy(update={"total": draft.totals.computed})


def payload(number: int, quantity: int) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(json.dumps(VAT_ORDER))
    read |= {"id": f"SF-{number}", "number": f"#{number}"}
    line = read["lines"][0]
    if quantity == 1:
        line |= {"quantity": 1, "price": "249.00", "discounts": [], "taxes": []}
        read["total"] = "253.90"
    return read


@pytest.fixture
async def scene(temporal_client: Client, database: Database) -> AsyncIterator[Scene]:
    formats = {**FORMATS, "storefront": Corrected()}
    async with Scene(temporal_client, database, formats) as scene:
        yield scene


async def captured(scene: Scene, number: int, quantity: int, *, state: OrderState | None = None) -> OrderKey:
    """An order as the mapping of yesterday read it, and its workflow, which waits for a decision."""
    body = json.dumps(payload(number, quantity)).encode()
    async with scene.database.session() as session:
        event = NewEvent(
            channel="storefront", account="shop", source="poll", topic="order", delivery_id=f"d{number}", body=body
        )
        event_id = await inbox.keep(session, event)
        assert event_id is not None
        await inbox.finish(session, event_id, "delivered", "started")
        (order,) = Wrong().parse(body, "shop").orders
        order = order.model_copy(update={"raw_event_id": event_id})
        row = await orders.register(session, order, Wrong.mapping_version)
        if state:
            row.state = state.value
    scene.systems.against[(str(order.key), "erp order")] = "ship_to"
    scene.handles[str(order.key)] = await scene.client.start_workflow(
        ParkedOrder.run, ParkedInput(order_key=order.key), id=order.key.workflow_id, task_queue=QUEUE
    )
    return order.key


async def row_of(scene: Scene, key: OrderKey) -> OrderRow:
    async with scene.database.session() as session:
        row = await orders.get(session, key)
    assert row is not None
    return row


async def test_what_a_wrong_mapping_touched_is_shown_with_its_money_and_nothing_is_changed(scene: Scene) -> None:
    for number in range(3):
        await captured(scene, number, 2)
    same = await captured(scene, 7, 1)
    found = await blast_radius.measured(scene.database, {"storefront": Corrected()}, "storefront", NOW - 1)
    assert (len(found.readings), len(found.differing), found.blocked) == (4, 3, [])
    assert str(same) not in {reading.order_key for reading in found.differing}
    assert found.money() == [
        ("discounts", "EUR", Decimal("149.40"), 3),
        ("total", "EUR", Decimal("-149.40"), 3),
    ]
    assert dict(found.fields())["total"] == 3
    paths = {each.path: (each.was, each.now) for each in found.differing[0].differences}
    assert paths["total"] == ("502.90 EUR", "453.10 EUR")
    assert paths["lines[1].discounts[0].amount"] == (None, "49.80 EUR")
    assert found.as_json()["money"][1]["difference"] == "-149.40"
    assert (await row_of(scene, same)).mapping_version == NOW - 1


async def test_corrections_reach_their_workflows_once_and_orders_without_difference_are_only_stamped(
    scene: Scene,
) -> None:
    differs, same = await captured(scene, 1, 2), await captured(scene, 2, 1)
    over = await captured(scene, 3, 2, state=OrderState.CLOSED)
    found = await blast_radius.measured(scene.database, {"storefront": Corrected()}, "storefront", NOW - 1)
    repair = await blast_radius.plan(scene.database, found, "discounts were lost", "ada", 100)
    async with scene.repairer():
        await repairing.start(scene.database, scene.client, repair.repair_id, wait=True)
    assert (await progress(scene.database, repair.repair_id, 0)).outcomes == {Outcome.APPLIED: 2, Outcome.REFUSED: 1}
    relay = Relay(scene.database, scene.client, Deliveries(scene.client, FORMATS))
    while await relay.deliver_due():
        pass
    told = {str(key): await scene.handles[str(key)].query(ParkedOrder.corrections) for key in (differs, same, over)}
    assert [len(each) for each in told.values()] == [1, 0, 0]
    (correction,) = told[str(differs)]
    assert (str(correction.order.total), correction.mapping_version, correction.actor) == ("453.10 EUR", NOW, "ada")
    assert (await row_of(scene, differs)).order().total == correction.order.total
    assert [(await row_of(scene, key)).mapping_version for key in (differs, same, over)] == [NOW, NOW, NOW - 1]
    again = await blast_radius.measured(scene.database, {"storefront": Corrected()}, "storefront", NOW - 1)
    assert [(each.order_key, each.obstacle) for each in again.readings] == [
        (str(over), "the order has ended as closed: correct its documents by hand")
    ]


async def test_an_order_that_today_s_mapping_refuses_is_named_with_the_reason(scene: Scene) -> None:
    key = await captured(scene, 1, 2)
    async with scene.database.session() as session:
        row = await session.get(OrderRow, str(key))
        assert row is not None
        event = await inbox.get(session, row.raw_event_id or 0)
        assert event is not None
        event.body = event.body.replace(b'"453.10"', b'"1.00"')
    found = await blast_radius.measured(scene.database, {"storefront": Corrected()}, "storefront", NOW - 1)
    assert "the mapping of today refuses it: totals_differ" in found.blocked[0].obstacle


async def test_a_worker_with_another_mapping_than_the_plan_corrects_nothing(
    temporal_client: Client, database: Database
) -> None:
    async with Scene(temporal_client, database) as scene:
        key = await captured(scene, 1, 2)
        found = await blast_radius.measured(database, {"storefront": Corrected()}, "storefront", NOW - 1)
        repair = await blast_radius.plan(database, found, "discounts were lost", "ada", 100)
        async with scene.repairer():
            await repairing.start(database, temporal_client, repair.repair_id, wait=True)
        (item,) = await scene.items(repair.repair_id)
        assert (item.outcome, item.reason) == (
            Outcome.REFUSED,
            f"planned for version {NOW}, this worker has {NOW - 1}: roll out, and plan anew",
        )
        assert (await row_of(scene, key)).mapping_version == NOW - 1


async def test_an_order_whose_raw_payload_is_not_there_is_named(scene: Scene) -> None:
    key = await captured(scene, 1, 2)
    async with scene.database.session() as session:
        row = await session.get(OrderRow, str(key))
        assert row is not None
        row.raw_event_id = None
    found = await blast_radius.measured(scene.database, {"storefront": Corrected()}, "storefront", NOW - 1)
    assert [reading.obstacle for reading in found.blocked] == [
        "its raw payload is not kept: ask the channel for the order again"
    ]


async def test_a_later_version_records_the_mapping_that_read_it(scene: Scene) -> None:
    key = await captured(scene, 1, 2)
    async with scene.database.session() as session:
        await orders.delivered(session, key, (await row_of(scene, key)).order())
    later = json.dumps(payload(1, 2) | {"updated_at": "2026-11-24T09:12:44.120331Z"}).encode()
    event = NewEvent(channel="storefront", account="shop", source="poll", topic="order", delivery_id="d-2", body=later)
    async with scene.database.session() as session:
        event_id = await inbox.keep(session, event)
        kept = await inbox.get(session, event_id or 0)
        assert kept is not None
        await Deliveries(scene.client, {"storefront": Corrected()}).deliver(session, kept)
    assert (await row_of(scene, key)).mapping_version == NOW
