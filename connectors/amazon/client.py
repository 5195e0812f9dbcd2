"""One seller account on Amazon's Selling Partner API: order reads, shipment confirmation, settlement reports."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

from connectors.amazon import quotas
from connectors.amazon.answers import declined, document
from connectors.amazon.auth import LoginWithAmazon
from connectors.amazon.carriers import carrier_fields
from connectors.amazon.polling import OrderWalk
from connectors.amazon.polling_v0 import OrderWalkV0
from connectors.amazon.reports import SettlementReports
from connectors.errors import Declined
from connectors.http import VendorClient
from connectors.limiter import RateLimiter
from connectors.ports import OrderPage, SettlementRef
from connectors.registry import ChannelConnection
from models.fulfilment import ConfirmedParcel

USER_AGENT = "Orderyard/0.1 (Language=Python)"


def _now() -> datetime:
    return datetime.now(UTC)


class AmazonChannel:
    """Implements `connectors.ports.Channel`.

    Options of the connection: `login_url`, `marketplace_ids` (to poll; all without), `default_marketplace` (to confirm
    an order that does not name its own), `since` (ISO time of the first poll), `overlap_seconds`, `page_size`, and
    `orders_api: v0` for the compatibility reads.
    """

    name = "amazon"

    def __init__(
        self,
        connection: ChannelConnection,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.account = connection.account
        self._default_marketplace = str(connection.options.get("default_marketplace", ""))
        self._client = VendorClient(
            "amazon",
            connection.base_url,
            auth=LoginWithAmazon(connection),
            limiter=RateLimiter(quotas.QUOTAS),
            rate_of=quotas.granted_rate,
            headers={"user-agent": USER_AGENT},
            transport=transport,
        )
        # The address of a document is signed and needs no token; 403 there means that it has expired.
        self._documents = VendorClient("amazon", "", transport=transport, forbidden_is_auth=False)
        walk = OrderWalkV0 if connection.options.get("orders_api") == "v0" else OrderWalk
        self._walk = walk(self._client, connection.options, clock)
        self._reports = SettlementReports(self._client, self._documents)

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._documents.aclose()

    async def poll(self, cursor: str | None) -> OrderPage:
        return await self._walk.page(cursor)

    async def order(self, external_id: str) -> bytes:
        """One order as it stands now, for a webhook's or an operator's re-read. Raises `Declined` when unknown."""
        return await self._walk.one(external_id)

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """The same package number again is an edit, so a retry needs no look first (confirmShipment, Orders v0).

        Raises `Declined` with Amazon's words, `InDoubt` when the reply is lost.
        """
        order_id = parcel.order_key.external_id
        response = await self._client.send(
            quotas.CONFIRM_SHIPMENT,
            "POST",
            f"/orders/v0/orders/{quote(order_id, safe='')}/shipmentConfirmation",
            json=self._confirmation(parcel),
            correlation_id=parcel.correlation_id,
            writes=True,
        )
        if response.status_code < 400:
            return
        refusal = declined(response, f"confirm shipment {parcel.package_number} of {order_id}")
        if refusal.code != "already_fulfilled" or not await self._knows(parcel):
            raise refusal

    def _confirmation(self, parcel: ConfirmedParcel) -> dict[str, Any]:
        marketplace = parcel.region or self._default_marketplace
        if not marketplace:
            raise Declined("confirm shipment: the order's marketplace id is not known", code="missing", field="region")
        items = [{"orderItemId": line_id, "quantity": units} for line_id, units in parcel.units.items()]
        return {
            "marketplaceId": marketplace,
            "packageDetail": {
                "packageReferenceId": str(parcel.package_number),
                **carrier_fields(parcel.carrier),
                "trackingNumber": parcel.tracking,
                "shipDate": parcel.shipped_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "orderItems": items,
            },
        }

    async def _knows(self, parcel: ConfirmedParcel) -> bool:
        """True when the order carries this very parcel already."""
        path = f"/orders/2026-01-01/orders/{quote(parcel.order_key.external_id, safe='')}"
        response = await self._client.send(quotas.GET_ORDER, "GET", path, params={"includedData": "PACKAGES"})
        packages = document(response, "get order")["order"]["packages"].listed()
        return any(package["trackingNumber"].text() == parcel.tracking for package in packages)

    async def settlements(self) -> list[SettlementRef]:
        return await self._reports.ready()

    async def settlement(self, ref: SettlementRef) -> bytes:
        return await self._reports.download(ref)
