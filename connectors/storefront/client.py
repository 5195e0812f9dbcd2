"""One shop: what it is told, and what it is asked. It has each effect once by the idempotency key of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from urllib.parse import quote

import httpx

from connectors.errors import Declined
from connectors.ports import OrderPage, ReturnPage, SettlementRef
from connectors.registry import ChannelConnection
from connectors.storefront import api, requests
from connectors.storefront.answers import AlreadyDone, check, document, written
from connectors.storefront.cancelling import still_to_cancel
from connectors.storefront.format import StorefrontFormat
from connectors.storefront.messages import MOST_STOCK, OrdersPage, PayoutsPage, ReturnsPage, StockAnswer
from connectors.storefront.order import CHANNEL
from connectors.storefront.walk import Mark, Walk
from connectors.storefront.wire import Document
from models.channel import (
    Acknowledgement,
    Cancellation,
    ChannelHealth,
    ChannelRequest,
    Progress,
    RefundRequest,
    Rejected,
    ReturnDecision,
    StockQuantity,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel

PAYOUT_DAYS = 90
"""How far back payouts are looked for."""
NOT_OPEN = frozenset({"exceeds_open", "already_shipped"})
"""Codes of a cancellation of more units than are open."""


class StorefrontChannel:
    """`transport` is for tests; `clock` says when a first poll without a configured start begins.

    Every write carries the same idempotency key on each attempt, so none has to look before it is repeated. Option
    `carriers`: plain name of a carrier (letters and digits, lower case) -> the shop's own code.
    """

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
        self._api = api.StorefrontApi(connection, transport)
        self._walk = Walk(self._api, connection.options, clock)

    async def aclose(self) -> None:
        await self._api.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        page = await self._walk.page(api.LIST_ORDERS, "/orders", OrdersPage, cursor)
        return OrderPage(orders=page.documents, cursor=page.cursor, more=page.more)

    def cursor_from(self, moment: datetime) -> str:
        return Mark.at(moment.astimezone(UTC)).dump()

    async def order(self, external_id: str) -> bytes:
        response = await self._api.read(api.GET_ORDER, api.order_path(external_id))
        check(response, api.GET_ORDER)
        return response.content

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """A shop that does not offer it does not ask for it."""
        body = requests.acknowledgement(request)
        try:
            await self._ask(api.ACKNOWLEDGE, _of(request, "/acknowledgement"), body, request, request.request_id)
        except AlreadyDone:
            return Progress()
        except Declined as declined:
            if declined.code != "unsupported":
                raise
        return Progress()

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        carriers = self._connection.options.get("carriers") or {}
        response = await self._api.write(
            api.SHIP,
            api.order_path(parcel.order_key.external_id, "/shipments"),
            requests.shipment(parcel, carriers),
            correlation_id=parcel.correlation_id,
            key=f"{parcel.order_key}#ship#{parcel.shipment_id}",
        )
        try:
            check(response, api.SHIP)
        except AlreadyDone:
            return

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        """Where fewer units are open than asked for, the cancelled ones are done, and the rest is asked."""
        try:
            await self._cancel(request, request.units, request.request_id)
        except AlreadyDone:
            await self._cancel_the_rest(request)
        except Declined as declined:
            if declined.code not in NOT_OPEN:
                raise
            await self._cancel_the_rest(request)
        return Progress()

    async def _cancel_the_rest(self, request: Cancellation) -> None:
        """Raises `Declined` (`already_shipped`) when units of it have left."""
        rest = still_to_cancel(await self.order(request.order_key.external_id), request)
        if rest:
            await self._cancel(request, rest, f"{request.request_id}#rest")

    async def _cancel(self, request: Cancellation, units: Mapping[str, int], key: str) -> None:
        body = requests.cancellation(request, units)
        await self._ask(api.CANCEL, _of(request, "/cancellations"), body, request, key)

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        body = requests.refund(request)
        await self._ask(api.REFUND, _of(request, "/refunds"), body, request, request.request_id)
        return Progress()

    async def returns(self, cursor: str | None) -> ReturnPage:
        page = await self._walk.page(api.LIST_RETURNS, "/returns", ReturnsPage, cursor)
        return ReturnPage(returns=page.documents, cursor=page.cursor, more=page.more)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        path = f"/returns/{quote(decision.return_id, safe='')}/decisions"
        await self._ask(api.DECIDE_RETURN, path, requests.decision(decision), decision, decision.request_id)
        return Progress()

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        entries = update.quantities
        rejected: list[Rejected] = []
        for first in range(0, len(entries), MOST_STOCK):
            rejected += await self._set_stock(update, first, entries[first : first + MOST_STOCK])
        return Progress(rejected=tuple(rejected))

    async def _set_stock(self, update: StockUpdate, first: int, part: tuple[StockQuantity, ...]) -> list[Rejected]:
        response = await self._api.write(
            api.SET_STOCK,
            "/stock",
            requests.stock(part),
            correlation_id=update.correlation_id,
            key=f"{update.request_id}#{first}",
            method="PUT",
        )
        results = {result.sku: result for result in written(response, StockAnswer, api.SET_STOCK).results}
        silent = [
            Rejected(key=each.sku, code="no_result", message="the shop's answer does not name this SKU")
            for each in part
            if each.sku not in results
        ]
        refused = [
            Rejected(key=result.sku, code=result.code or "refused", message=result.message)
            for result in results.values()
            if result.status == "refused"
        ]
        return [*refused, *silent]

    async def follow(self, operation: str) -> Progress:
        """A shop does what it is asked within the request, so there is nothing to follow."""
        raise Declined(f"storefront: there is no operation {operation!r} to follow", code="unknown_operation")

    def health(self) -> ChannelHealth:
        return ChannelHealth(
            api_version=StorefrontFormat.api_version,
            credential_expires=self._connection.credential_expires,
            quotas=self._api.quotas(),
        )

    async def settlements(self) -> list[SettlementRef]:
        since = (self._clock() - timedelta(days=PAYOUT_DAYS)).isoformat(timespec="seconds")
        found: list[SettlementRef] = []
        wanted = {"paid_since": since}
        while True:
            try:
                page = document(await self._api.read(api.LIST_PAYOUTS, "/payouts", wanted), PayoutsPage, "payouts")
            except Declined as declined:
                if declined.code == "unsupported":
                    return found
                raise
            found += [SettlementRef(settlement_id=head.id, document_id=head.id) for head in page.payouts]
            if not page.next_cursor:
                return found
            wanted = {"paid_since": since, "cursor": page.next_cursor}

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        path = f"/payouts/{quote(ref.document_id, safe='')}"
        check(await self._api.download(api.GET_PAYOUT, path, into), api.GET_PAYOUT)

    async def _ask(self, operation: str, path: str, body: Document, request: ChannelRequest, key: str) -> None:
        """One write, to its end. Raises `AlreadyDone`, `Declined`, `InDoubt`, `Unavailable`, `Unauthorized`."""
        response = await self._api.write(operation, path, body, correlation_id=request.correlation_id, key=key)
        check(response, operation)


def _of(request: ChannelRequest, what: str) -> str:
    return api.order_path(request.order_key.external_id, what)
