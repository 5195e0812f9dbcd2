"""Events in any order and any number end as the ordered ones do: the channel's versions decide, not the post."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from models.messages import OrderSnapshot, OrderState
from models.order import Order
from tests.capture.scene import Scene, an_id, keep, payload, row_of, until, webhook
from tests.shopify import shop

BATCH = 25
VERSIONS = {name: f"2026-11-20T09:0{minute}:00Z" for minute, name in enumerate(("create", "pay", "ship", "refund"), 1)}
VERSIONS["cancel"] = "2026-11-20T09:05:00Z"
STORIES = {
    "cancelled": ("create", "pay", "cancel"),
    "cancelled before it was paid": ("create", "cancel"),
    "shipped": ("create", "pay", "ship"),
    "shipped and refunded": ("create", "pay", "ship", "refund"),
}
ENDS = {OrderState.SHIPPED, OrderState.CANCELLED}

PARCEL = {
    "id": 7001,
    "status": "success",
    "created_at": VERSIONS["ship"],
    "tracking_company": "UPS",
    "tracking_number": "1Z-BY-HAND",
    "line_items": [{"id": 901, "quantity": 2}],
}
REFUND = {
    "id": 8001,
    "created_at": VERSIONS["refund"],
    "refund_line_items": [],
    "order_adjustments": [],
    "transactions": [{"id": 9001, "kind": "refund", "status": "success", "amount": "5.00", "currency": "USD"}],
}


class Post(NamedTuple):
    """Events of one order, as the post brings them; some twice."""

    story: str
    events: tuple[str, ...]


class End(NamedTuple):
    """What of an order must be the same, whatever the post did."""

    state: OrderState
    order: dict[str, Any]
    quantities: dict[str, Any]
    parcels: list[tuple[str, dict[str, int]]]


def body(order_id: int, event: str) -> bytes:
    """The whole order as it stood after the event: channels send states, not changes."""
    changes: dict[str, Any] = {"financial_status": "pending" if event == "create" else "paid"}
    if event in ("ship", "refund"):
        lines = [shop.line(sku="MAT", fulfillable_quantity=0, fulfillment_status="fulfilled")]
        changes |= {"fulfillment_status": "fulfilled", "fulfillments": [PARCEL], "line_items": lines}
    if event == "refund":
        changes |= {"refunds": [REFUND], "financial_status": "partially_refunded"}
    if event == "cancel":
        changes |= {"cancelled_at": VERSIONS["cancel"], "cancel_reason": "customer"}
    return payload(order_id, VERSIONS[event], **changes)


@st.composite
def posts(draw: st.DrawFn) -> Post:
    story = draw(st.sampled_from(sorted(STORIES)))
    events = [*STORIES[story], *draw(st.lists(st.sampled_from(STORIES[story]), max_size=2))]
    return Post(story, tuple(draw(st.permutations(events))))


async def deliver(scene: Scene, events: Sequence[str]) -> End:
    order_id = an_id()
    for event in events:
        await keep(scene.database, webhook(body(order_id, event), order_id))
    row = await until(lambda: row_of_or_none(scene, order_id), lambda found: found and found.state in ENDS)
    handle = scene.handle(order_id)
    snapshot: OrderSnapshot = await scene.world.until(handle, lambda seen: seen.state in ENDS)
    newest = max(VERSIONS[event] for event in events)
    row = await until(
        lambda: row_of(scene.database, order_id),
        lambda found: found.order().version.isoformat().startswith(newest.removesuffix("Z")),
    )
    return End(snapshot.state, _content(row.order()), snapshot.quantities.model_dump(), _parcels(snapshot))


async def row_of_or_none(scene: Scene, order_id: int) -> Any:
    try:
        return await row_of(scene.database, order_id)
    except AssertionError:
        return None


def _content(order: Order) -> dict[str, Any]:
    return order.model_dump(mode="json", exclude={"key", "correlation_id", "raw_event_id"})


def _parcels(snapshot: OrderSnapshot) -> list[tuple[str, dict[str, int]]]:
    return sorted((parcel.tracking, parcel.units) for parcel in snapshot.shipments)


async def all_end_alike(scene: Scene, batch: Sequence[Post]) -> None:
    scene.world.wms.manual = True
    ordered = {story: await deliver(scene, events) for story, events in STORIES.items()}
    ends = await asyncio.gather(*(deliver(scene, post.events) for post in batch))
    for post, end in zip(batch, ends, strict=True):
        assert end == ordered[post.story], post


BATCHES = st.lists(posts(), min_size=BATCH, max_size=BATCH)
CAREFREE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@hypothesis.settings(
    max_examples=2, deadline=None, suppress_health_check=CAREFREE, database=None, phases=[hypothesis.Phase.generate]
)
@given(batch=BATCHES)
async def test_any_order_of_events_ends_alike(scene: Scene, batch: list[Post]) -> None:
    await all_end_alike(scene, batch)


@pytest.mark.prove
@pytest.mark.timeout(900)
@hypothesis.settings(
    max_examples=20, deadline=None, suppress_health_check=CAREFREE, database=None, phases=[hypothesis.Phase.generate]
)
@given(batch=BATCHES)
async def test_500_permutations_end_alike(scene: Scene, batch: list[Post]) -> None:
    await all_end_alike(scene, batch)
