"""Tells Amazon that a parcel left (confirmShipment, Orders v0, which has no successor)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from connectors.amazon import quotas
from connectors.amazon.answers import declined, document
from connectors.amazon.carriers import carrier_fields
from connectors.amazon.seller import Seller
from connectors.http import VendorClient
from models.fulfilment import ConfirmedParcel


class Confirming:
    def __init__(self, client: VendorClient, seller: Seller) -> None:
        self._client = client
        self._seller = seller

    async def confirm(self, parcel: ConfirmedParcel) -> None:
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
        items = [{"orderItemId": line_id, "quantity": units} for line_id, units in parcel.units.items()]
        return {
            "marketplaceId": self._seller.marketplace(parcel.region),
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
