"""One seller account on Amazon's Selling Partner API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import BinaryIO

import httpx

from connectors.amazon import quotas
from connectors.amazon.api import SellingPartnerClient
from connectors.amazon.auth import LoginWithAmazon
from connectors.amazon.cancelling import Cancelling
from connectors.amazon.confirming import Confirming
from connectors.amazon.deciding import Deciding
from connectors.amazon.feeds import Feeds
from connectors.amazon.finances import SHOWN_WITHIN, Finances
from connectors.amazon.following import Following
from connectors.amazon.format import API_VERSION
from connectors.amazon.listings import Listings
from connectors.amazon.orders import Orders
from connectors.amazon.polling import OrderWalk, cursor_from
from connectors.amazon.polling_v0 import OrderWalkV0
from connectors.amazon.refunding import Refunding
from connectors.amazon.reports import SettlementReports
from connectors.amazon.returning import ReturnWalk
from connectors.amazon.seller import Seller
from connectors.amazon.storage import Storage
from connectors.amazon.submissions import Submissions
from connectors.limiter import RateLimiter
from connectors.ports import OrderPage, ReturnPage, SettlementRef
from connectors.registry import ChannelConnection
from models.channel import (
    Acknowledgement,
    Cancellation,
    ChannelHealth,
    Progress,
    RefundRequest,
    ReturnDecision,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel

USER_AGENT = "Orderyard/0.1 (Language=Python)"
V0 = "v0"
SUNSETS = {V0: date(2027, 3, 27)}
"""When Amazon ends a version of the order reads (its migration guide of Orders 2026-01-01)."""


def _now() -> datetime:
    return datetime.now(UTC)


class AmazonChannel:
    """Implements `connectors.ports.Channel`.

    Options of the connection: `login_url`, `seller_id` (here or among the credentials), `marketplace_ids` (to poll; all
    without), `default_marketplace` (for what does not name its own), `since` (ISO time of the first poll),
    `overlap_seconds`, `page_size`, `returns_days`, `product_type` (of listings), `look_again_seconds` (at feeds and
    reports), `refunds_shown_within_hours`, `orders_api: v0` for the compatibility reads; and our words to Amazon's in
    `cancel_reasons`, `part_reasons` (of units) and `refund_reasons`.
    """

    name = "amazon"

    def __init__(
        self,
        connection: ChannelConnection,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = _now,
        *,
        ticks: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`ticks` and `sleep` are the rate limiter's clock, in seconds, and its way to wait."""
        self.account = connection.account
        self._credential_expires = connection.credential_expires
        self._version = V0 if connection.options.get("orders_api") == V0 else API_VERSION
        self._limiter = RateLimiter(quotas.QUOTAS, scale=connection.quota_scale, clock=ticks, sleep=sleep)
        self._client = SellingPartnerClient(
            "amazon",
            connection.base_url,
            auth=LoginWithAmazon(connection),
            limiter=self._limiter,
            rate_of=quotas.granted_rate,
            headers={"user-agent": USER_AGENT},
            transport=transport,
        )
        self._storage = Storage(transport)
        self._build(connection, clock, sleep)

    def _build(
        self, connection: ChannelConnection, clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        client, storage, options, seller = self._client, self._storage, connection.options, Seller(connection)
        walk = OrderWalkV0 if self._version == V0 else OrderWalk
        self._walk = walk(client, options, clock)
        self._reports = SettlementReports(client, storage)
        self._returns = ReturnWalk(client, storage, seller, options, clock, sleep)
        self._confirming = Confirming(client, seller)
        orders, feeds = Orders(self._walk, connection.account), Feeds(client, storage)
        submissions = Submissions(feeds, clock)
        self._cancelling = Cancelling(orders, submissions, seller)
        hours = options.get("refunds_shown_within_hours")
        shown_within = SHOWN_WITHIN if hours is None else timedelta(hours=float(hours))
        self._refunding = Refunding(Finances(client), submissions, seller, shown_within)
        self._deciding = Deciding(orders, self._refunding)
        self._listings = Listings(client, feeds, seller, clock)
        self._following = Following(feeds, self._listings, orders, seller)

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._storage.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        return await self._walk.page(cursor)

    def cursor_from(self, moment: datetime) -> str:
        return cursor_from(moment)

    async def order(self, external_id: str) -> bytes:
        """One order as it stands now, for a webhook's or an operator's re-read. Raises `Declined` when unknown."""
        return await self._walk.one(external_id)

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """Done: Amazon asks no seller to take an order."""
        return Progress()

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        await self._confirming.confirm(parcel)

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        return await self._cancelling.cancel(request, retry=retry)

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        """Only of what has been shipped, and never again: raises `InDoubt` while it cannot be told from the first."""
        return await self._refunding.refund(request, retry=retry)

    async def returns(self, cursor: str | None) -> ReturnPage:
        return await self._returns.page(cursor, self.account)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        return await self._deciding.decide(decision, retry=retry)

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        return await self._listings.set_stock(update)

    async def follow(self, operation: str) -> Progress:
        return await self._following.follow(operation)

    def health(self) -> ChannelHealth:
        return ChannelHealth(
            api_version=self._version,
            sunset=SUNSETS.get(self._version),
            credential_expires=self._credential_expires,
            quotas=self._limiter.levels(),
        )

    async def settlements(self) -> list[SettlementRef]:
        return await self._reports.ready()

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        await self._reports.download(ref, into)
