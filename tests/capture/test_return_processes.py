"""What channels and warehouses tell of returns reaches the return's own process, which is started if there is none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client

from models.order import Order
from models.return_process import BLIND
from models.returns import ReturnProcessState
from store.database import Database
from store.inbox import NewEvent
from tests.capture.scene import Scene, relaying, webhook
from tests.capture.test_returns import FORMATS_WITH_RETURNS
from tests.workflows.returns_world import ReturnHandle, a_sale, asked, reaches, return_case, shipped
from tests.workflows.world import World, eur
from workflows.returns import ReturnWorkflow

EMPTY = {"receipt_id": "B", "node": "N", "received_at": "2026-11-29T09:00:00Z"}


@pytest.fixture
async def scene(temporal_client: Client, database: Database) -> AsyncIterator[Scene]:
    async with World(temporal_client, database) as world, relaying(database, world.client, FORMATS_WITH_RETURNS):
        yield Scene(world)


def told(order: Order, **changes: Any) -> NewEvent:
    document = {"returns": [asked(order, **changes).model_dump(mode="json")]}
    return webhook(json.dumps(document).encode(), topic="returns/request")


def came_back(rma: str, receipt_id: str = "B1", item: str = "MAT-FOAM", **more: Any) -> NewEvent:
    receipt = {
        "receipt_id": receipt_id,
        "node": "BER-1",
        "received_at": "2026-11-29T09:00:00Z",
        "items": [{"item": item, "quantity": 1, "condition": "resell"}],
    }
    body = {"event": "return_received", "rma": rma, "receipt": receipt, **more}
    return webhook(json.dumps(body).encode(), channel="wms", source="wms", topic="return_received")


def process(scene: Scene, workflow_id: str) -> ReturnHandle:
    return scene.world.client.get_workflow_handle_for(ReturnWorkflow.run, workflow_id)


async def test_a_return_that_a_channel_tells_of_is_carried_to_its_end_by_the_parcel_with_its_number(
    scene: Scene,
) -> None:
    order = await shipped(scene.world, a_sale())
    rma = f"RMA-{order.key.external_id}"
    await scene.deliver(told(order, rma=rma))
    handle = process(scene, f"return/shopify/main/RT-{order.key.external_id}")
    await reaches(handle, ReturnProcessState.APPROVED)
    event = await scene.deliver(came_back(rma))
    assert (event.status, event.outcome) == ("delivered", f"told {handle.id}")
    done = await handle.result()
    assert ([refund.total for refund in done.refunds], done.correlation_id != "") == ([eur("31.90")], True)
    again = await scene.deliver(came_back(rma))
    assert (again.status, again.outcome) == ("delivered", f"told {handle.id}")
    assert len((await handle.result()).refunds) == 1


async def test_a_parcel_that_nobody_announced_starts_a_blind_return(scene: Scene) -> None:
    rma = f"RMA-{uuid4()}"
    event = await scene.deliver(came_back(rma))
    assert (event.status, event.outcome) == ("delivered", f"told return/{BLIND}/BER-1/{rma}")
    case = await return_case(process(scene, f"return/{BLIND}/BER-1/{rma}"))
    assert "no order is known for these goods" in case.reason


async def test_a_parcel_that_names_its_order_alone_starts_a_return_of_that_order(scene: Scene) -> None:
    order = await shipped(scene.world, a_sale())
    receipt_id = f"B-{order.key.external_id}"
    event = await scene.deliver(came_back("", receipt_id, order_reference=str(order.key)))
    assert event.outcome == f"told return/shopify/main/{receipt_id}"
    assert (await return_case(process(scene, f"return/shopify/main/{receipt_id}"))).order_key == order.key


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"receipt": {}}, "receipt.receipt_id"),
        ({"order_reference": "nonsense"}, "order_reference"),
        (
            {"receipt": {"receipt_id": "B", "node": "N", "received_at": "2026-11-29T09:00:00Z", "items": []}},
            "receipt.items",
        ),
    ],
)
async def test_a_receipt_that_breaks_the_contract_is_a_dead_letter_with_its_path(
    scene: Scene, changes: dict[str, Any], path: str
) -> None:
    event = await scene.deliver(came_back("RMA-1", **changes))
    assert (event.status, event.refusals[0]["path"]) == ("dead", path)
