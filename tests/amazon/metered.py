"""An Amazon that counts: each operation has the bucket that the contract publishes, kept in exact numbers.

It knows nothing of the connector, and answers each call so that a seller has reason to make the next.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

import httpx

from connectors.amazon.feeds import ADJUSTMENTS
from tests.amazon import payloads

ORDER = payloads.order("20.00", payloads.item())
ORDER_V0 = payloads.order_v0("20.00", payloads.item_v0(ItemPrice="20.00"))
DONE = "DONE"
"""Id of a feed that has been read to its end; any other waits in its queue."""
REPORT = b"<ProcessingReport><ProcessingSummary/></ProcessingReport>"
STORED = {"feedDocumentId": "D", "reportDocumentId": "D", "url": "http://amazon.test/stored"}
OLD_FEED = {
    "feedId": "OLD",
    "feedType": ADJUSTMENTS,
    "processingStatus": "DONE",
    "createdTime": "2026-01-01T00:00:00Z",
    "processingEndTime": "2026-01-01T01:00:00Z",
}
"""A feed that nobody remembers: who is in doubt about a refund has to look at what was paid back."""


class Published(NamedTuple):
    """One operation as the contract has it."""

    method: str
    path: str
    rate: str
    """Calls a second."""
    burst: int
    answer: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def is_called(self, method: str, path: str) -> bool:
        return method == self.method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", self.path), path) is not None


_ORDERS, _V0 = "/orders/2026-01-01/orders", "/orders/v0/orders"
_FEEDS, _REPORTS, _ITEMS = "/feeds/2021-06-30", "/reports/2021-06-30", "/listings/2021-08-01/items/{sellerId}/{sku}"
SEARCH = f"GET {_ORDERS}"
OF_EITHER = (
    Published("POST", f"{_V0}/{{orderId}}/shipmentConfirmation", "2", 10),
    Published("POST", f"{_FEEDS}/documents", "0.5", 15, STORED),
    Published("GET", f"{_FEEDS}/documents/{{feedDocumentId}}", "0.0222", 10, STORED),
    Published("POST", f"{_FEEDS}/feeds", "0.0083", 15, {"feedId": "F"}),
    Published("GET", f"{_FEEDS}/feeds", "0.0222", 10, {"feeds": [OLD_FEED]}),
    Published("GET", f"{_FEEDS}/feeds/{{feedId}}", "2", 15, {"processingStatus": "IN_QUEUE"}),
    Published("PATCH", _ITEMS, "5", 5, {"sku": "S", "status": "ACCEPTED", "submissionId": "U", "issues": []}),
    Published("GET", _ITEMS, "5", 10, {"sku": "S", "issues": []}),
    Published("GET", f"{_REPORTS}/reports", "0.0222", 10, {"reports": []}),
    Published("POST", f"{_REPORTS}/reports", "0.0167", 15, {"reportId": "R"}),
    Published("GET", f"{_REPORTS}/reports/{{reportId}}", "2", 15, {"reportId": "R", "processingStatus": "IN_QUEUE"}),
    Published("GET", f"{_REPORTS}/documents/{{reportDocumentId}}", "0.0167", 15, STORED),
    Published("GET", "/finances/v0/orders/{orderId}/financialEvents", "0.5", 30, {"payload": {"FinancialEvents": {}}}),
)
PUBLISHED = {
    "2026-01-01": (
        Published("GET", _ORDERS, "0.0056", 20),
        Published("GET", f"{_ORDERS}/{{orderId}}", "0.5", 30, {"order": ORDER}),
        *OF_EITHER,
    ),
    "v0": (
        Published("GET", _V0, "0.0167", 20, {"payload": {"Orders": [ORDER_V0]}}),
        Published("GET", f"{_V0}/{{orderId}}", "0.5", 30, {"payload": ORDER_V0}),
        Published(
            "GET", f"{_V0}/{{orderId}}/orderItems", "0.5", 30, {"payload": {"OrderItems": ORDER_V0["OrderItems"]}}
        ),
        Published("GET", f"{_V0}/{{orderId}}/address", "0.5", 30, {"payload": {"ShippingAddress": {}}}),
        Published("POST", "/tokens/2021-03-01/restrictedDataToken", "1", 10, {"restrictedDataToken": "Atz.sprdt|1"}),
        *OF_EITHER,
    ),
}
"""Version of the order reads -> every operation that a seller needs with them."""
ROUNDING = Fraction(1, 1_000_000)
"""Of a call: the connector's clock is a float."""


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
    """One operation's bucket."""

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
    """Answers every published operation, and counts what it would have had to refuse."""

    def __init__(
        self, time: VirtualTime, version: str = "2026-01-01", *, scale: int = 1, pages: int = 1, page_size: int = 0
    ) -> None:
        self.time = time
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._pages, self._page_size = pages, page_size
        self._operations = PUBLISHED[version]
        self._meters = {str(each): Meter(Fraction(each.rate) * scale, each.burst * scale) for each in self._operations}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "Atza|1", "expires_in": 10**12})
        if path == "/stored":
            return httpx.Response(200, content=REPORT)
        found = next(each for each in self._operations if each.is_called(request.method, path))
        self.calls[str(found)] += 1
        if not self._meters[str(found)].take(self.time.now):
            self.refused[str(found)] += 1
        return self._answer(found, request)

    def _answer(self, operation: Published, request: httpx.Request) -> httpx.Response:
        if str(operation) == SEARCH:
            return httpx.Response(200, json=self._page(request))
        if request.url.path.endswith(f"/{DONE}"):
            feed = {"feedId": DONE, "processingStatus": "DONE", "resultFeedDocumentId": "D"}
            return httpx.Response(200, json=feed)
        return httpx.Response(200, json=operation.answer) if operation.answer else httpx.Response(204)

    def _page(self, request: httpx.Request) -> dict[str, Any]:
        number = int(request.url.params.get("paginationToken", "0"))
        first = number * self._page_size
        orders = [{**ORDER, "orderId": f"112-{each:07d}-0000001"} for each in range(first, first + self._page_size)]
        page: dict[str, Any] = {"orders": orders, "lastUpdatedBefore": "2026-11-01T10:00:00Z"}
        return {**page, "pagination": {"nextToken": str(number + 1)}} if number + 1 < self._pages else page
