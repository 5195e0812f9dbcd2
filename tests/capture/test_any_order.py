"""Events in any order and any number end as the ordered ones do: the channel's versions decide, not the post."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
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
"""Orders at a time."""
ENOUGH = 500
"""Different permutations."""
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


def every_post() -> list[Post]:
    """Every order of every story's events, of which any two may come twice, or one three times."""
    found: set[Post] = set()
    for story, events in STORIES.items():
        for copies in range(3):
            for again in itertools.combinations_with_replacement(events, copies):
                found |= {Post(story, told) for told in itertools.permutations((*events, *again))}
    return sorted(found)


POSTS = every_post()


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


def posts(count: int) -> st.SearchStrategy[list[Post]]:
    """All different. Hypothesis alone would come back to the simplest of them again and again."""
    return st.randoms(use_true_random=True).map(lambda chance: chance.sample(POSTS, count))


CAREFREE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@hypothesis.settings(
    max_examples=2, deadline=None, suppress_health_check=CAREFREE, database=None, phases=[hypothesis.Phase.generate]
)
@given(batch=posts(BATCH))
async def test_any_order_of_events_ends_alike(scene: Scene, batch: list[Post]) -> None:
    await all_end_alike(scene, batch)


@pytest.fixture
def told() -> Iterator[set[Post]]:
    """Through what a proof has been, once it is over."""
    told: set[Post] = set()
    yield told
    print(f"{len(told)} different permutations of {len(POSTS)} ended as the ordered events")
    assert len(told) >= ENOUGH


@pytest.mark.prove
@pytest.mark.timeout(900)
@hypothesis.settings(
    max_examples=2, deadline=None, suppress_health_check=CAREFREE, database=None, phases=[hypothesis.Phase.generate]
)
@given(chosen=posts(300))
async def test_500_permutations_end_alike(scene: Scene, told: set[Post], chosen: list[Post]) -> None:
    for first in range(0, len(chosen), BATCH):
        await all_end_alike(scene, chosen[first : first + BATCH])
    told.update(chosen)
