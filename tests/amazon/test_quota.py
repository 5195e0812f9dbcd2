"""Amazon's quotas are never exceeded, and used to the full: by buckets of the test's own, on a clock of its own."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.amazon.client import AmazonChannel
from connectors.amazon.operations import Operation, Purpose
from connectors.errors import Unavailable
from connectors.ports import SettlementRef
from connectors.registry import ChannelConnection
from models.channel import RefundLine, RefundReason, RefundRequest, StockQuantity, StockUpdate
from models.money import Money
from tests.amazon.metered import DONE, ORDER, PUBLISHED, Amazon, VirtualTime
from tests.amazon.payloads import SPECS, accepted, parcel
from tests.fetched import fetched

CALLS = 10_000


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., AmazonChannel]]:
    channels: list[AmazonChannel] = []

    def build(amazon: Amazon, scale: float = 1, **options: Any) -> AmazonChannel:
        connection = ChannelConnection(
            provider="amazon",
            account="US-1",
            base_url="http://amazon.test",
            credentials={"client_id": "a", "client_secret": "b", "refresh_token": "c"},
            quota_scale=scale,
            options={"seller_id": "A1", "default_marketplace": "ATVPDKIKX0DER", **options},
        )
        transport, time = httpx.MockTransport(amazon), amazon.time
        channels.append(AmazonChannel(connection, transport, time.moment, ticks=time.ticks, sleep=time.sleep))
        return channels[-1]

    yield build
    for channel in channels:
        await channel.aclose()


def whatever_a_seller_does(channel: AmazonChannel) -> list[Callable[[], Awaitable[object]]]:
    order = accepted(ORDER)
    numbers = itertools.count()

    def refund() -> RefundRequest:
        return RefundRequest(
            request_id=f"r-{next(numbers)}",
            order_key=order.key,
            correlation_id="c",
            region=order.region,
            lines=(RefundLine(line_id="10001", goods=Money.of("1.00", "USD")),),
            reason=RefundReason.GOODWILL,
        )

    stock = StockUpdate(request_id="s", correlation_id="c", quantities=(StockQuantity(sku="S", quantity=1),))
    feed, done = (Operation(purpose=Purpose.REFUND, feed_id=each, order_id="O").text() for each in ("F", DONE))
    listing = Operation(purpose=Purpose.LISTING, sku="S", quantity=9, marketplace="M").text()
    return [
        lambda: channel.poll(None),
        lambda: channel.order("112-1"),
        lambda: channel.confirm(parcel(order), retry=False),
        lambda: channel.refund(refund(), retry=False),
        lambda: channel.refund(refund(), retry=True),
        lambda: channel.set_stock(stock, retry=False),
        lambda: channel.follow(feed),
        lambda: channel.follow(done),
        lambda: channel.follow(listing),
        lambda: channel.returns(None),
        lambda: channel.returns('{"report_id": "R"}'),
        lambda: channel.settlements(),
        lambda: fetched(channel, SettlementRef(settlement_id="S", document_id="D")),
    ]


def seconds(refused: Unavailable) -> float:
    assert refused.retry_after, "held back, and not told until when"
    return refused.retry_after.total_seconds()


@pytest.mark.parametrize("version", PUBLISHED)
async def test_ten_thousand_calls_in_any_order_never_exceed_the_published_quota(
    connect: Callable[..., AmazonChannel], version: str
) -> None:
    time, chance = VirtualTime(), random.Random(7)
    amazon = Amazon(time, version)
    deeds = whatever_a_seller_does(connect(amazon, orders_api=version))
    held_back = 0
    while amazon.calls.total() < CALLS:
        try:
            await chance.choice(deeds)()
        except Unavailable as refused:
            held_back += 1
            # Sometimes it comes again exactly when it was told to; mostly it does something else first.
            time.now += chance.choice((0, 0, 0.5, seconds(refused)))
    print(f"\n{version}: {amazon.calls.total()} calls of {len(amazon.calls)} operations,", end=" ")
    print(f"{held_back} held back, {amazon.refused.total()} beyond the quota")
    assert not amazon.refused
    assert set(amazon.calls) == {str(each) for each in PUBLISHED[version]}, "an operation was left out"
    assert held_back > CALLS / 100, "the quota was never near, so nothing is proven"


@pytest.mark.skipif(not SPECS.is_dir(), reason=f"the vendor's specifications are not at {SPECS}")
def test_the_meter_has_the_quotas_that_amazon_publishes() -> None:
    published = dict(quota for file in SPECS.glob("*.json") for quota in _quotas_in(file))
    for each in (each for version in PUBLISHED.values() for each in version):
        assert published[str(each)] == (each.rate, str(each.burst)), each


def _quotas_in(file: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Method and path of each operation, and the rate and burst of its usage plan's table."""
    for path, methods in json.loads(file.read_bytes()).get("paths", {}).items():
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            plan = re.search(r"\|\s*([\d.]+)\s*\|\s*(\d+)\s*\|", methods[method].get("description", ""))
            if plan:
                yield f"{method.upper()} {path}", (plan[1], plan[2])


async def test_a_connector_that_thinks_it_was_granted_more_is_caught_by_the_same_meter(
    connect: Callable[..., AmazonChannel],
) -> None:
    amazon = Amazon(VirtualTime())
    channel = connect(amazon, scale=2)
    for _ in range(21):
        await channel.poll(None)
    assert amazon.refused.total() == 1


@pytest.mark.parametrize(("scale", "page_size"), [(1, 5), (1, 20), (10, 1)])
async def test_a_poll_of_a_thousand_orders_takes_as_long_as_the_quota_and_no_longer(
    connect: Callable[..., AmazonChannel], scale: int, page_size: int
) -> None:
    time = VirtualTime()
    began, pages = time.now, 1000 // page_size
    amazon = Amazon(time, scale=scale, pages=pages, page_size=page_size)
    channel = connect(amazon, scale=scale, page_size=page_size)
    seen: list[str] = []
    cursor, more = None, True
    while more:
        try:
            page = await channel.poll(cursor)
        except Unavailable as refused:
            time.now += seconds(refused)
            continue
        seen += [polled.external_id for polled in page.orders]
        cursor, more = page.cursor, page.more
    assert len(set(seen)) == len(seen) == 1000
    assert not amazon.refused
    earliest, took = (pages - 20 * scale) / (0.0056 * scale), time.now - began
    print(f"\n1000 orders on {pages} pages: {took:.1f} s, by the quota at the earliest {earliest:.1f} s")
    assert took == pytest.approx(earliest, rel=0.05)
