"""One shop on a Mirakl marketplace: the calling half of the channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import BinaryIO

import httpx

from connectors.mirakl.accepting import Acceptance
from connectors.mirakl.api import MiraklApi
from connectors.mirakl.cancelling import Cancelling
from connectors.mirakl.carriers import Carriers
from connectors.mirakl.payouts import Payouts
from connectors.mirakl.polling import Walks
from connectors.mirakl.reasons import Reasons
from connectors.mirakl.refunding import Refunding
from connectors.mirakl.return_desk import ReturnDesk
from connectors.mirakl.shipping import Shipments, WholeOrders
from connectors.mirakl.stock import Stock
from connectors.mirakl.vocabulary import API_VERSION, CHANNEL
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


def _now() -> datetime:
    return datetime.now(UTC)


class MiraklChannel:
    """Implements `connectors.ports.Channel`.

    Credential: `api_key`. Options of the connection: `shop_id` (for a user of several shops), `multi_shipment` (true
    where the operator has enabled it: then OR23 and OR24 are refused), `since`, `overlap_seconds`, `page_size`,
    `cycles_since`, `cancel_reasons`, `refund_reasons`, `return_rejection_reason`, `warehouse_code`,
    `import_poll_seconds`.
    """

    name = CHANNEL

    def __init__(
        self,
        connection: ChannelConnection,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.account = connection.account
        self._connection = connection
        options = connection.options
        api = self._api = MiraklApi(connection, transport)
        carriers, reasons = Carriers(api), Reasons(api, options)
        self._walks = Walks(api, options, clock)
        self._acceptance = Acceptance(api, self._walks)
        self._parcels: Shipments | WholeOrders = (
            Shipments(api, carriers) if options.get("multi_shipment") else WholeOrders(api, self._walks, carriers)
        )
        self._cancelling = Cancelling(api, self._walks, self._acceptance, reasons)
        self._refunding = Refunding(api, self._walks, reasons)
        self._return_desk = ReturnDesk(api, self._walks, self._refunding, options)
        self._stock = Stock(api, options)
        self._payouts = Payouts(api, options, clock)

    async def aclose(self) -> None:
        await self._api.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        return await self._walks.orders(cursor)

    def cursor_from(self, moment: datetime) -> str:
        return self._walks.starting(moment)

    async def order(self, external_id: str) -> bytes:
        return await self._walks.order(external_id)

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """OR21. Mirakl refuses a repetition by itself, so that a retry needs no look first."""
        await self._acceptance.decide(
            request.order_key.external_id, request.lines, accepted=True, correlation_id=request.correlation_id
        )
        return Progress()

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        await self._parcels.confirm(parcel, retry=retry)

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        await self._cancelling.cancel(request, retry=retry)
        return Progress()

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        await self._refunding.refund(request, retry=retry)
        return Progress()

    async def returns(self, cursor: str | None) -> ReturnPage:
        return await self._walks.returns(cursor)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        await self._return_desk.decide(decision, retry=retry)
        return Progress()

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        """STO01: under way until `follow` says what Mirakl made of each line."""
        return await self._stock.set(update)

    async def follow(self, operation: str) -> Progress:
        """The only operation that Mirakl does later is a stock import."""
        return await self._stock.follow(operation)

    def health(self) -> ChannelHealth:
        return ChannelHealth(
            api_version=API_VERSION,
            credential_expires=self._connection.credential_expires,
            quotas=self._api.limiter.levels(),
        )

    async def settlements(self) -> list[SettlementRef]:
        return await self._payouts.ready()

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        await self._payouts.document(ref, into)
