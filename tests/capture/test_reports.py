"""Reports of the warehouse: to the workflow that waits for them, or to the dead letters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.messages import OrderState
from store.inbox import NewEvent
from tests.capture.scene import Scene, an_id, key_of, payload, until, webhook


def report(order_id: int, **changes: Any) -> dict[str, Any]:
    """All of an order's two mats in one parcel."""
    key = key_of(order_id)
    shipment = {
        "shipment_id": "P-1",
        "node": "BER-1",
        "carrier": "DHL",
        "tracking_number": "TR1",
        "shipped_at": "2026-11-21T09:00:00Z",
        "picks": [{"line_reference": "901", "item": "MAT-FOAM", "per_unit": 1, "quantity": 2}],
    }
    told = {"event": "shipment", "fulfilment_id": f"{key}#BER-1", "reply_to": key.workflow_id, "shipment": shipment}
    return {**told, **changes}


def pushed(body: bytes) -> NewEvent:
    return webhook(body, channel="wms", source="wms", topic="shipment")


async def released(scene: Scene) -> int:
    scene.world.wms.manual = True
    order_id = an_id()
    await scene.deliver(webhook(payload(order_id), order_id))
    await scene.world.wait_for(lambda: f"{key_of(order_id)}#BER-1" in scene.world.wms.releases)
    return order_id


async def test_a_report_reaches_the_order_that_waits_for_it(scene: Scene) -> None:
    order_id = await released(scene)
    event = await scene.deliver(pushed(json.dumps(report(order_id)).encode()))
    assert (event.status, event.outcome) == ("delivered", f"told {key_of(order_id).workflow_id}")
    shipped = await scene.shipped(order_id)
    assert [parcel.tracking for parcel in shipped.shipments] == ["TR1"]


async def test_a_report_that_comes_in_two_deliveries_counts_once(scene: Scene) -> None:
    order_id = await released(scene)
    body = json.dumps(report(order_id)).encode()
    await scene.deliver(pushed(body))
    await scene.deliver(pushed(body))
    shipped = await scene.shipped(order_id)
    assert len(shipped.shipments) == scene.world.erp.count("post_invoice") == 1


async def test_a_report_that_nobody_waits_for_is_a_dead_letter(scene: Scene) -> None:
    event = await scene.deliver(pushed(json.dumps(report(4711)).encode()))
    assert event.status == "dead"
    (refusal,) = event.refusals
    assert refusal["reason"] == "nobody_waits"
    assert refusal["path"] == "reply_to"
    assert refusal["value"] == key_of(4711).workflow_id
    assert "replay" in refusal["remedy"]


async def ended(scene: Scene) -> int:
    """An order whose only parcel was reported, and whose workflow is no more."""
    order_id = await released(scene)
    await scene.deliver(pushed(json.dumps(report(order_id)).encode()))
    assert (await scene.shipped(order_id)).state is OrderState.SHIPPED
    await scene.handle(order_id).terminate()
    return order_id


async def test_another_parcel_of_an_order_that_has_ended_is_somebodys_turn(scene: Scene) -> None:
    order_id = await ended(scene)
    told = report(order_id)
    told["shipment"]["shipment_id"] = "P-2"
    late = await scene.deliver(pushed(json.dumps(told).encode()))
    follow_up = f"follow-up/{key_of(order_id)}"
    assert (late.status, late.outcome) == ("delivered", f"handed to {follow_up}")
    case = await until(lambda: scene.world.client.get_workflow_handle(follow_up).query("case"), bool)
    assert case["kind"] == "late_event"


async def test_a_report_that_an_order_had_before_it_ended_troubles_nobody(scene: Scene) -> None:
    order_id = await ended(scene)
    again = await scene.deliver(pushed(json.dumps(report(order_id)).encode()))
    assert (again.status, again.outcome) == ("delivered", f"{key_of(order_id).workflow_id} had it before it ended")


@pytest.mark.parametrize(
    ("changes", "path", "value"),
    [
        ({"event": "inventory"}, "event", "'inventory'"),
        ({"reply_to": None}, "reply_to", "None"),
        ({"shipment": {}}, "shipment.shipment_id", "None"),
        ({"shipment": [1]}, "shipment", "[1]"),
    ],
)
async def test_a_report_that_breaks_the_contract_is_a_dead_letter_with_its_path(
    scene: Scene, changes: dict[str, Any], path: str, value: str
) -> None:
    event = await scene.deliver(pushed(json.dumps(report(1, **changes)).encode()))
    assert event.status == "dead"
    (refusal,) = event.refusals
    assert (refusal["path"], refusal["value"]) == (path, value)
    assert "docs/contracts/wms.md" in refusal["remedy"]


async def test_a_pick_with_no_quantity_is_named_by_its_place(scene: Scene) -> None:
    told = report(1)
    told["shipment"]["picks"].append({"line_reference": "902", "item": "MAT-FOAM", "quantity": "several"})
    (refusal,) = (await scene.deliver(pushed(json.dumps(told).encode()))).refusals
    assert (refusal["path"], refusal["value"]) == ("shipment.picks[1].quantity", "'several'")


async def test_bytes_that_are_no_report_are_a_dead_letter(scene: Scene) -> None:
    for body in (b"", b"\xff\xfe", b"[]", b"nonsense"):
        event = await scene.deliver(pushed(body))
        assert (event.status, event.refusals[0]["path"]) == ("dead", "$")
