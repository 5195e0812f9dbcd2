"""Amazon's quotas are never exceeded, and used to the full: by buckets of the test's own, on a clock of its own."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import httpx
import pytest

from connectors.amazon.client import AmazonChannel
from connectors.amazon.operations import Operation, Purpose
from connectors.errors import Unavailable
from connectors.registry import ChannelConnection
from models.channel import RefundLine, RefundReason, RefundRequest, StockQuantity, StockUpdate
from models.money import Money
from tests.amazon import payloads
from tests.amazon.payloads import accepted, parcel

CALLS = 10_000
# From the contract, not from the connector: method, path, calls a second, burst.
PUBLISHED = (
    ("GET", r"/orders/2026-01-01/orders", "0.0056", 20),
    ("GET", r"/orders/2026-01-01/orders/[^/]+", "0.5", 30),
    ("POST", r"/orders/v0/orders/[^/]+/shipmentConfirmation", "2", 10),
    ("POST", r"/feeds/2021-06-30/documents", "0.5", 15),
    ("POST", r"/feeds/2021-06-30/feeds", "0.0083", 15),
    ("GET", r"/feeds/2021-06-30/feeds/[^/]+", "2", 15),
    ("PATCH", r"/listings/2021-08-01/items/.+", "5", 5),
    ("GET", r"/listings/2021-08-01/items/.+", "5", 10),
    ("GET", r"/reports/2021-06-30/reports", "0.0222", 10),
    ("POST", r"/reports/2021-06-30/reports", "0.0167", 15),
    ("GET", r"/reports/2021-06-30/reports/[^/]+", "2", 15),
)
ROUNDING = Fraction(1, 1_000_000)
"""Of a call: the connector's clock is a float."""
ORDER = payloads.order("20.00", payloads.item())


@dataclass
class VirtualTime:
    now: float = 1_000_000.0

    def ticks(self) -> float:
        return self.now

    def moment(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=self.now)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Meter:
    """One operation's bucket as Amazon keeps it, in exact numbers."""

    rate: Fraction
    burst: int
    tokens: Fraction = field(init=False)
    at: Fraction | None = None

    def __post_init__(self) -> None:
        self.tokens = Fraction(self.burst)

    def take(self, now: float) -> bool:
        moment = Fraction(now)
        passed = moment - (self.at if self.at is not None else moment)
        self.tokens = min(Fraction(self.burst), self.tokens + passed * self.rate) - 1
        self.at = moment
        return self.tokens >= -ROUNDING


class Amazon:
    """Answers anything that it knows of, and counts what it would have had to refuse."""

    def __init__(self, time: VirtualTime, scale: int = 1, pages: int = 1, page_size: int = 0) -> None:
        self.time = time
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._pages, self._page_size = pages, page_size
        self._meters = {
            (method, path): Meter(Fraction(rate) * scale, burst * scale) for method, path, rate, burst in PUBLISHED
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "Atza|1", "expires_in": 10**12})
        if path == "/upload":
            return httpx.Response(200)
        key = next(key for key in self._meters if key[0] == request.method and re.fullmatch(key[1], path))
        name = f"{request.method} {key[1]}"
        self.calls[name] += 1
        if not self._meters[key].take(self.time.now):
            self.refused[name] += 1
        return self._answer(name, request)

    def _answer(self, name: str, request: httpx.Request) -> httpx.Response:
        if name.endswith("/orders"):
            return httpx.Response(200, json=self._page(request))
        answers: dict[str, Any] = {
            "orders/[^/]+": {"order": ORDER},
            "documents": {"feedDocumentId": "D", "url": "http://amazon.test/upload"},
            "feeds": {"feedId": "F"},
            "feeds/[^/]+": {"feedId": "F", "processingStatus": "IN_QUEUE"},
            "reports": {"reportId": "R", "reports": []},
            "reports/[^/]+": {"reportId": "R", "processingStatus": "IN_QUEUE"},
            "items/.+": {"sku": "S", "status": "ACCEPTED", "submissionId": "U", "issues": []},
        }
        found = next((answer for end, answer in answers.items() if name.endswith("/" + end)), None)
        return httpx.Response(200, json=found) if found else httpx.Response(204)

    def _page(self, request: httpx.Request) -> dict[str, Any]:
        number = int(request.url.params.get("paginationToken", "0"))
        first = number * self._page_size
        orders = [{**ORDER, "orderId": f"112-{each:07d}-0000001"} for each in range(first, first + self._page_size)]
        page: dict[str, Any] = {"orders": orders, "lastUpdatedBefore": "2026-11-01T10:00:00Z"}
        return {**page, "pagination": {"nextToken": str(number + 1)}} if number + 1 < self._pages else page


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
    refund = RefundRequest(
        request_id="r",
        order_key=order.key,
        correlation_id="c",
        region=order.region,
        lines=(RefundLine(line_id="10001", goods=Money.of("1.00", "USD")),),
        reason=RefundReason.GOODWILL,
    )
    stock = StockUpdate(request_id="s", correlation_id="c", quantities=(StockQuantity(sku="S", quantity=1),))
    feed = Operation(purpose=Purpose.CANCEL, feed_id="F", order_id="O").text()
    listing = Operation(purpose=Purpose.LISTING, sku="S", quantity=9, marketplace="M").text()
    return [
        lambda: channel.poll(None),
        lambda: channel.order("112-1"),
        lambda: channel.confirm(parcel(order), retry=False),
        lambda: channel.refund(refund, retry=False),
        lambda: channel.set_stock(stock, retry=False),
        lambda: channel.follow(feed),
        lambda: channel.follow(listing),
        lambda: channel.returns(None),
        lambda: channel.returns('{"report_id": "R"}'),
        lambda: channel.settlements(),
    ]


def seconds(refused: Unavailable) -> float:
    assert refused.retry_after, "held back, and not told until when"
    return refused.retry_after.total_seconds()


async def test_ten_thousand_calls_in_any_order_never_exceed_the_published_quota(
    connect: Callable[..., AmazonChannel],
) -> None:
    time, chance = VirtualTime(), random.Random(7)
    amazon = Amazon(time)
    deeds = whatever_a_seller_does(connect(amazon))
    held_back = 0
    while amazon.calls.total() < CALLS:
        try:
            await chance.choice(deeds)()
        except Unavailable as refused:
            held_back += 1
            # Sometimes it comes again exactly when it was told to; mostly it does something else first.
            time.now += chance.choice((0, 0, 0.5, seconds(refused)))
    assert not amazon.refused
    assert set(amazon.calls) == {f"{method} {path}" for method, path, _, _ in PUBLISHED}, "an operation was left out"
    assert held_back > CALLS / 100, "the quota was never near, so nothing is proven"


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
    amazon = Amazon(time, scale, pages, page_size)
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
    earliest = (pages - 20 * scale) / (0.0056 * scale)
    assert time.now - began == pytest.approx(earliest, rel=0.05)
