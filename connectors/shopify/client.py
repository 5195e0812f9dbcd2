"""One Shopify shop: everything that is asked of the channel, each by the part that knows how."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO

import httpx

from connectors.ports import OrderPage, ReturnPage, SettlementRef
from connectors.registry import ChannelConnection
from connectors.shopify.cancelling import OPERATION as CANCELLATION
from connectors.shopify.cancelling import Cancelling
from connectors.shopify.confirming import Confirming
from connectors.shopify.graphql import ShopifyGraphql, sunset_of
from connectors.shopify.order import CHANNEL
from connectors.shopify.payouts import Payouts
from connectors.shopify.reading import OrderReader
from connectors.shopify.refunding import OPERATION as REFUND
from connectors.shopify.refunding import Refunding
from connectors.shopify.returning import Deciding, ReturnReader
from connectors.shopify.stocking import Stocking
from connectors.shopify.watermark import Watermark
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


class ShopifyChannel:
    """`transport` is for tests; `clock` says when a first poll without a configured start begins."""

    name = CHANNEL

    def __init__(
        self,
        connection: ChannelConnection,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.account = connection.account
        self._connection = connection
        self._clock = clock
        self._graphql = ShopifyGraphql(connection, transport)
        options = connection.options
        self._orders = OrderReader(self._graphql, options, clock)
        self._returns = ReturnReader(self._graphql, self._orders)
        self._refunding = Refunding(self._graphql, options)
        self._cancelling = Cancelling(self._graphql, options, self._refunding)
        self._deciding = Deciding(self._graphql, options, self._returns)
        self._confirming = Confirming(self._graphql, options)
        self._stocking = Stocking(self._graphql, options)
        self._payouts = Payouts(self._graphql)

    async def aclose(self) -> None:
        await self._graphql.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        return await self._orders.page(cursor)

    def cursor_from(self, moment: datetime) -> str:
        return Watermark.starting(moment).dump()

    async def order(self, external_id: str) -> bytes:
        return await self._orders.order(external_id)

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """Shopify has no such step: an order is the merchant's from its first moment."""
        return Progress()

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        await self._confirming.confirm(parcel, retry=retry)

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        return await self._cancelling.cancel(request)

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        return await self._refunding.refund(request)

    async def returns(self, cursor: str | None) -> ReturnPage:
        return await self._returns.page(cursor)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        return await self._deciding.decide(decision, retry=retry)

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        return await self._stocking.publish(update)

    async def follow(self, operation: str) -> Progress:
        """Raises `ValueError` for an operation that is not Shopify's."""
        if operation.startswith(CANCELLATION):
            return await self._cancelling.follow(operation)
        if operation.startswith(REFUND):
            return await self._refunding.follow(operation.removeprefix(REFUND))
        raise ValueError(f"{operation!r} is no operation of Shopify's")

    def health(self) -> ChannelHealth:
        return ChannelHealth(
            api_version=self._graphql.version,
            sunset=sunset_of(self._graphql.version),
            credential_expires=self._connection.credential_expires,
            quotas=(self._graphql.quota,),
        )

    async def settlements(self) -> list[SettlementRef]:
        return await self._payouts.ready(self._clock())

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        await self._payouts.document(ref, into)
