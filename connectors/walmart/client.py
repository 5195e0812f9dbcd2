"""One seller account on Walmart Marketplace: orders, shipments, refunds, returns, inventory, reconciliation reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO
from urllib.parse import quote

import httpx

from connectors.errors import Declined
from connectors.http import VendorClient
from connectors.limiter import RateLimiter
from connectors.ports import OrderPage, ReturnPage, SettlementRef
from connectors.registry import ChannelConnection
from connectors.walmart import bodies, quotas
from connectors.walmart.answers import declined, document
from connectors.walmart.auth import WalmartAuth
from connectors.walmart.looking import Seen
from connectors.walmart.reading import order_source, return_source
from connectors.walmart.reports import ReconReports
from connectors.walmart.returns import SEPARATOR, refunded_units
from connectors.walmart.vocabulary import API_VERSION, CHANNEL
from connectors.walmart.walk import Walk
from models.channel import (
    Acknowledgement,
    Cancellation,
    ChannelHealth,
    Progress,
    RefundRequest,
    Rejected,
    ReturnAction,
    ReturnDecision,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel

ORDERS = "/v3/orders"
RETURNS = "/v3/returns"
TRACKING_URL = "https://www.17track.net/en/track?nums={tracking}"
"""Where a buyer may follow a parcel of any carrier, unless the connection's `tracking_url` says otherwise."""


def _now() -> datetime:
    return datetime.now(UTC)


class WalmartChannel:
    """Implements `connectors.ports.Channel`.

    Options of the connection: `since` (ISO time of the first poll), `overlap_seconds`, `page_size` (200 at most),
    `ship_node_types` (whose orders are polled), `tracking_url` (with `{tracking}`), `channel_type`, `market`.
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
        self._tracking_url = str(connection.options.get("tracking_url", TRACKING_URL))
        self._limiter = RateLimiter(quotas.QUOTAS, scale=connection.quota_scale)
        self._client = VendorClient(
            CHANNEL,
            connection.base_url,
            auth=WalmartAuth(connection),
            limiter=self._limiter,
            transport=transport,
        )
        self._orders = Walk(self._client, order_source(connection.options), connection.options, clock)
        self._returns = Walk(self._client, return_source(), connection.options, clock)
        self._reports = ReconReports(self._client)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        page = await self._orders.page(cursor)
        return OrderPage(orders=page.items, cursor=page.cursor, more=page.more)

    def cursor_from(self, moment: datetime) -> str:
        return self._orders.cursor_from(moment)

    async def order(self, external_id: str) -> bytes:
        response = await self._get(external_id)
        document(response, f"get order {external_id}")
        return response.content

    async def acknowledge(self, request: Acknowledgement, *, retry: bool) -> Progress:
        """The whole purchase order; again is allowed, so a retry needs no look first.

        An order that has gone further meanwhile is refused, and needs no acknowledgement any more.
        """
        external_id = request.order_key.external_id
        response = await self._post(quotas.ACKNOWLEDGE, external_id, "acknowledge", None, request.correlation_id)
        if response.status_code >= 400 and not (await self._seen(external_id)).acknowledged:
            raise declined(response, f"acknowledge {external_id}")
        return Progress()

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        external_id = parcel.order_key.external_id
        if retry and (await self._seen(external_id)).has(parcel):
            return
        body = bodies.shipment(parcel, self._tracking_url)
        response = await self._post(quotas.SHIP, external_id, "shipping", body, parcel.correlation_id)
        if response.status_code >= 400:
            raise declined(response, f"ship parcel {parcel.package_number} of {external_id}")

    async def cancel(self, request: Cancellation, *, retry: bool) -> Progress:
        """Units that are cancelled already are looked for on a retry, and when Walmart refuses."""
        external_id = request.order_key.external_id
        units = (await self._seen(external_id)).uncancelled(request.units) if retry else dict(request.units)
        if not units:
            return Progress()
        body = bodies.cancellation(request, units)
        response = await self._post(quotas.CANCEL, external_id, "cancel", body, request.correlation_id)
        if response.status_code >= 400 and (await self._seen(external_id)).uncancelled(request.units):
            raise declined(response, f"cancel units of {external_id}")
        return Progress()

    async def refund(self, request: RefundRequest, *, retry: bool) -> Progress:
        external_id = request.order_key.external_id
        if retry and (await self._seen(external_id)).is_refunded(request):
            return Progress()
        body = bodies.refund(request)
        response = await self._post(quotas.REFUND, external_id, "refund", body, request.correlation_id)
        document(response, f"refund {external_id}")
        return Progress()

    async def returns(self, cursor: str | None) -> ReturnPage:
        page = await self._returns.page(cursor)
        return ReturnPage(returns=page.items, cursor=page.cursor, more=page.more)

    async def decide_return(self, decision: ReturnDecision, *, retry: bool) -> Progress:
        """Walmart grants returns and receives goods itself; the seller's part is the refund."""
        if decision.action is not ReturnAction.REFUND:
            raise Declined(f"Walmart decides itself to {decision.action} a return", code="unsupported")
        return_id = decision.return_id.partition(SEPARATOR)[0]
        customer_order_id = decision.extras.get("customer_order_id", "")
        if retry or not customer_order_id:
            found = await self._return(return_id, decision.correlation_id)
            if retry and _is_refunded(found, decision):
                return Progress()
            customer_order_id = found["customerOrderId"].identifier()
        response = await self._client.send(
            quotas.REFUND_RETURN,
            "POST",
            f"{RETURNS}/{quote(return_id, safe='')}/refund",
            json=bodies.return_refund(decision, customer_order_id),
            correlation_id=decision.correlation_id,
            writes=True,
        )
        document(response, f"refund return {return_id}")
        return Progress()

    async def set_stock(self, update: StockUpdate, *, retry: bool) -> Progress:
        """A call for each SKU. Quantities are absolute, so a retry needs no look first."""
        rejected = []
        for entry in update.quantities:
            response = await self._client.send(
                quotas.SET_INVENTORY,
                "PUT",
                "/v3/inventory",
                params={"sku": entry.sku},
                json=bodies.stock(entry.sku, entry.quantity),
                correlation_id=update.correlation_id,
                writes=True,
            )
            if response.status_code >= 400:
                no = declined(response, f"set stock of {entry.sku}")
                rejected.append(Rejected(key=entry.sku, code=no.code, message=str(no)))
        return Progress(rejected=tuple(rejected))

    async def follow(self, operation: str) -> Progress:
        """Walmart answers each of our requests at once: nothing of ours is ever under way."""
        raise Declined(f"no operation {operation!r} is under way at Walmart", code="not_found")

    def health(self) -> ChannelHealth:
        return ChannelHealth(
            api_version=API_VERSION,
            credential_expires=self._connection.credential_expires,
            quotas=self._limiter.levels(),
        )

    async def settlements(self) -> list[SettlementRef]:
        return await self._reports.ready()

    async def settlement(self, ref: SettlementRef, into: BinaryIO) -> None:
        await self._reports.download(ref, into)

    async def _get(self, external_id: str) -> httpx.Response:
        path = f"{ORDERS}/{quote(external_id, safe='')}"
        return await self._client.send(quotas.GET_ORDER, "GET", path, params={"replacementInfo": "true"})

    async def _seen(self, external_id: str) -> Seen:
        answer = document(await self._get(external_id), f"get order {external_id}")
        return Seen(answer["order"] if answer.has("order") else answer)

    async def _post(
        self, operation: str, external_id: str, action: str, body: dict[str, Any] | None, correlation_id: str
    ) -> httpx.Response:
        return await self._client.send(
            operation,
            "POST",
            f"{ORDERS}/{quote(external_id, safe='')}/{action}",
            json=body,
            correlation_id=correlation_id,
            writes=True,
        )

    async def _return(self, return_id: str, correlation_id: str) -> Any:
        response = await self._client.send(
            quotas.LIST_RETURNS,
            "GET",
            RETURNS,
            params={"returnOrderId": return_id},
            correlation_id=correlation_id,
        )
        found = document(response, f"get return {return_id}")["returnOrders"]
        return next(found.each(), found)


def _is_refunded(found: Any, decision: ReturnDecision) -> bool:
    paid = {line["returnOrderLineNumber"].text(): refunded_units(line) for line in found["returnOrderLines"].each()}
    return all(paid.get(line_id, 0) >= units for line_id, units in decision.units.items())
