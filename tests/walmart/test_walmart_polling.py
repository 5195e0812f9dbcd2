"""Reading from the twin over real HTTP: walks, cursors, tokens, secrets."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from connectors.errors import SchemaDrift, Unauthorized, Unavailable
from connectors.ports import OrderPage
from connectors.registry import ChannelConnection, ConnectionsError
from connectors.walmart.client import WalmartChannel
from connectors.walmart.parse import parse
from models.order import FulfilmentSide
from sandbox import walmart_orders
from sandbox.core import Sandbox
from sandbox.faults import Fault, FaultKind
from sandbox.traits import Traits, draw
from sandbox.walmart import WalmartTwin
from tests.walmart.conftest import Connect
from tests.walmart.contract import Recorded
from tests.walmart.payloads import (
    taken,
)


async def walk(channel: WalmartChannel, cursor: str | None = None) -> tuple[list[OrderPage], str]:
    """All pages up to the last."""
    pages = [await channel.poll(cursor)]
    while pages[-1].more:
        pages.append(await channel.poll(pages[-1].cursor))
    return pages, pages[-1].cursor


def ids(pages: list[OrderPage]) -> list[str]:
    return [polled.external_id for page in pages for polled in page.orders]


async def test_every_generated_order_adds_up(twin: WalmartTwin, channel: WalmartChannel) -> None:
    sold = [twin.sell(draw(7, "walmart", number)) for number in range(1, 121)]
    pages, _ = await walk(channel)
    parsed = [parse(polled.body, "US") for page in pages for polled in page.orders]
    orders = {found.key.external_id: found for each in parsed for found in each.orders}
    assert sorted(orders) == sorted(sold)
    assert not any(each.refusals or each.drift for each in parsed)
    assert all(not found.totals.difference for found in orders.values())
    assert any(found.totals.channel_tax for found in orders.values())
    assert any(found.totals.discounts for found in orders.values())


async def test_orders_of_every_kind_of_node_are_found(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits
) -> None:
    ours, theirs = twin.sell(plain), twin.sell(Traits(2, plain.items, channel_fulfilled=True))
    pages, _ = await walk(channel)
    found = {polled.external_id: parse(polled.body, "US").orders[0] for page in pages for polled in page.orders}
    assert {name: order.fulfilled_by for name, order in found.items()} == {
        ours: FulfilmentSide.MERCHANT,
        theirs: FulfilmentSide.CHANNEL,
    }


async def test_the_next_cursor_is_appended_as_it_came_and_nothing_is_added(
    twin: WalmartTwin, connect: Connect, wire: Recorded, plain: Traits
) -> None:
    channel = connect(page_size=2, ship_node_types=["SellerFulfilled"])
    for _ in range(5):
        twin.sell(plain)
    await walk(channel)
    lists = [(request, response) for request, response in wire.exchanges if request.url.path == "/v3/orders"]
    cursors = [response.json()["list"]["meta"].get("nextCursor") for _, response in lists]
    assert cursors[-1] is None
    assert [f"?{request.url.query.decode()}" for request, _ in lists[1:]] == cursors[:-1]


async def test_an_order_that_is_older_than_a_week_is_found_when_it_changes(
    twin: WalmartTwin, channel: WalmartChannel, plain: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold = twin.sell(plain)
    _, cursor = await walk(channel)
    monkeypatch.setattr(walmart_orders, "USUAL_HISTORY", timedelta(0))
    await taken(channel, sold)
    assert ids((await walk(channel, cursor))[0]) == [sold]


async def test_a_cursor_that_walmart_takes_no_more_restarts_its_part(
    twin: WalmartTwin, connect: Connect, plain: Traits
) -> None:
    channel = connect(page_size=2)
    sold = [twin.sell(plain) for _ in range(5)]
    first = await channel.poll(None)
    stale = json.dumps({**json.loads(first.cursor), "following": "?limit=900&hasMoreElements=true&poIndex=2"})
    pages, _ = await walk(channel, stale)
    assert sorted(ids(pages)) == sorted(sold)


async def test_a_search_that_finds_too_much_is_cut_into_windows(
    twin: WalmartTwin, connect: Connect, wire: Recorded, plain: Traits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.walmart.walk.MOST", 2)
    monkeypatch.setattr("connectors.walmart.walk.SHORTEST_WINDOW", timedelta(hours=3))
    channel = connect(since=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    sold = [twin.sell(plain) for _ in range(3)]
    pages, _ = await walk(channel)
    assert set(ids(pages)) == set(sold)
    ends = [parse_qs(request.url.query.decode()).get("lastModifiedEndDate") for request, _ in wire.exchanges]
    assert len([end for end in ends if end]) > 1


async def test_a_wrong_cursor_is_named(channel: WalmartChannel) -> None:
    with pytest.raises(SchemaDrift, match="wrong_cursor"):
        await channel.poll("yesterday")


async def test_an_address_that_does_not_exist_is_no_empty_list(twin: WalmartTwin) -> None:
    base_url = f"{twin.connection()['base_url']}/nowhere"
    entry = {**twin.connection(), "base_url": base_url}
    channel = WalmartChannel(ChannelConnection.model_validate(entry))
    with pytest.raises(Unauthorized):
        await channel.poll(None)
    await channel.aclose()


async def test_a_gateway_without_a_body_is_unavailable(sandbox: Sandbox, channel: WalmartChannel) -> None:
    sandbox.faults.add(Fault(operation="walmart.list_orders", kind=FaultKind.ERROR, status=503, times=1))
    with pytest.raises(Unavailable):
        await channel.poll(None)
    assert not (await channel.poll(None)).orders


async def test_a_token_that_is_refused_is_renewed_once(sandbox: Sandbox, channel: WalmartChannel) -> None:
    await channel.poll(None)
    sandbox.faults.add(Fault(operation="walmart.list_orders", kind=FaultKind.EXPIRE_TOKEN, times=1))
    await channel.poll(None)
    assert sandbox.calls["walmart.token 200"] == 2


async def test_each_call_has_a_correlation_id_of_its_own(channel: WalmartChannel, wire: Recorded) -> None:
    await channel.poll(None)
    given = [request.headers["WM_QOS.CORRELATION_ID"] for request, _ in wire.exchanges]
    assert len(set(given)) == len(given) > 2


async def test_a_secret_that_is_rotated_in_its_file_needs_no_restart(twin: WalmartTwin, tmp_path: Path) -> None:
    entry = twin.connection()
    file = tmp_path / "secret"
    file.write_text("former")
    entry["credentials"]["client_secret"] = f"file:{file}"
    channel = WalmartChannel(ChannelConnection.model_validate(entry))
    with pytest.raises(Unauthorized):
        await channel.poll(None)
    file.write_text(twin.connection()["credentials"]["client_secret"])
    assert not (await channel.poll(None)).orders
    await channel.aclose()


def test_a_secret_that_is_missing_is_named_at_the_start(twin: WalmartTwin) -> None:
    entry = {**twin.connection(), "credentials": {"client_id": "x"}}
    with pytest.raises(ConnectionsError, match="client_secret"):
        WalmartChannel(ChannelConnection.model_validate(entry))
