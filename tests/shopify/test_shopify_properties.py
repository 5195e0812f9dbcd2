"""Properties of the parser over everything the shop can sell, and over payloads that somebody broke."""

from __future__ import annotations

import asyncio
import copy
import json
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.shopify.parse import parse
from models.order import Order
from tests.shopify.shop import SAMPLES, Shop, order, parcel

CANCELLED = 6
"""The order that its buyer regrets (`sandbox/traits.py`)."""

ODD_VALUES: list[Any] = [None, "", "x", -1, 0, 1.5, 10**30, True, [], {}, [None], {"a": 1}, "2026-11-20T09:00:00",
                         "NaN", "1e400", "\ud800", "٣", "gid://shopify/Order/x"]  # fmt: skip


async def both_views(shop: Shop, order_id: str) -> tuple[Order, Order]:
    rest = parse(shop.body(order_id), "main")
    channel = shop.channel()
    page = await channel.poll(None)
    await channel.aclose()
    (polled,) = [each for each in page.orders if each.external_id == order_id]
    graphql = parse(polled.body, "main")
    assert not rest.refusals + graphql.refusals
    assert polled.version == graphql.orders[0].version
    return rest.orders[0], graphql.orders[0]


@settings(max_examples=40, deadline=None)
@given(number=st.integers(min_value=1, max_value=5000), ship=st.booleans())
def test_webhook_and_graphql_views_of_an_order_are_one_canonical_order(number: int, ship: bool) -> None:
    async def scenario() -> None:
        shop = Shop()
        order_id = shop.sell(number)
        if ship:
            first = shop.document(order_id)["line_items"][0]
            channel = shop.channel()
            await channel.confirm(parcel(order_id, {str(first["id"]): 1}), retry=False)
            await channel.aclose()
        rest, graphql = await both_views(shop, order_id)
        assert rest == graphql
        assert not rest.totals.difference
        assert sum(line.shipped for line in rest.lines) == int(ship)
        for task in shop.sandbox.tasks:
            task.cancel()

    asyncio.run(scenario())


async def test_a_cancelled_order_reads_the_same_in_both_views() -> None:
    shop = Shop()
    order_id = shop.sell(CANCELLED)
    await asyncio.gather(*shop.sandbox.tasks)
    rest, graphql = await both_views(shop, order_id)
    assert rest == graphql
    assert all(line.open == 0 for line in rest.lines)


def _bodies() -> list[Any]:
    found = [json.loads(path.read_text()) for path in sorted(SAMPLES.glob("*order*.json"))]
    return [*found, order(), {"order": order()}]


BODIES = _bodies()


def _break(value: Any, chance: random.Random) -> None:
    """Change, drop or double one thing somewhere in a document."""
    places: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        node = pending.pop()
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        places += [(node, key) for key in keys]
        pending += [node[key] for key in keys if isinstance(node[key], dict | list)]
    node, key = chance.choice(places)
    if isinstance(node, dict) and chance.random() < 0.3:
        del node[key]
    elif isinstance(node, list) and chance.random() < 0.3:
        node.append(copy.deepcopy(node[key]))
    else:
        node[key] = copy.deepcopy(chance.choice(ODD_VALUES))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(min_value=0), index=st.integers(min_value=0, max_value=len(BODIES) - 1), times=st.integers(1, 4)
)
def test_a_broken_document_is_read_exactly_or_refused_by_name(seed: int, index: int, times: int) -> None:
    document = json.loads(json.dumps(BODIES[index]))
    chance = random.Random(seed)
    for _ in range(times):
        if document:
            _break(document, chance)
    parsed = parse(json.dumps(document).encode(), "main")
    for found in parsed.orders:
        assert not found.totals.difference
    for refusal in parsed.refusals:
        assert refusal.reason
        assert refusal.path
        assert refusal.remedy


@settings(max_examples=300, deadline=None)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_and_never_raise(body: bytes) -> None:
    assert not parse(body, "main").orders
