"""Telling the marketplace that a parcel left: as one of several shipments (ST01), or as the order (OR23, OR24)."""

from __future__ import annotations

from urllib.parse import quote

from connectors.errors import Declined
from connectors.mirakl import quotas
from connectors.mirakl.api import MiraklApi, document
from connectors.mirakl.carriers import Carriers
from connectors.mirakl.held import Held
from connectors.mirakl.node import Node
from connectors.mirakl.polling import Walks
from connectors.mirakl.standing import INVALID_STATE, Standing
from models.fulfilment import ConfirmedParcel

NOT_LEFT = frozenset({"SHIPPING", "READY_FOR_PICK_UP", "SHIPMENT_PREPARED"})
"""States of a shipment that exists and has not been validated as shipped."""


class Shipments:
    """For operators with multi-shipment: each parcel is a shipment, known by its package number."""

    def __init__(self, api: MiraklApi, carriers: Carriers) -> None:
        self._api = api
        self._carriers = carriers

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """ST01 has no idempotency key: a retry looks for the shipment first. Raises `Declined` with Mirakl's words."""
        known = await self._known(parcel) if retry else None
        shipment = known or await self._create(parcel)
        if shipment["status"].text() in NOT_LEFT:
            await self._validate(shipment["id"].text(), parcel)

    async def _create(self, parcel: ConfirmedParcel) -> Node:
        """The answer is of partial success: 201, with the shipment among the errors where it was not created."""
        body = {"shipments": [await self._shipment(parcel)]}
        response = await self._api.write(quotas.CREATE_SHIPMENTS, "POST", "/api/shipments", body, parcel.correlation_id)
        answer = document(response, "create shipments")
        created = next(answer["shipment_success"].each(), None) or await self._known(parcel)
        if created is None:
            words = "; ".join(error["message"].text() for error in answer["shipment_errors"].each())
            raise Declined(f"create shipments: {words or 'no shipment was created'}", code="shipment_refused")
        return created

    async def _shipment(self, parcel: ConfirmedParcel) -> dict[str, object]:
        reference = str(parcel.package_number)
        return {
            "order_id": parcel.order_key.external_id,
            "shipped": True,
            "tracking": await self._carriers.fields(parcel.carrier, parcel.tracking),
            "shipment_lines": [
                {"order_line_id": line_id, "quantity": units, "package_reference": reference}
                for line_id, units in parcel.units.items()
            ],
        }

    async def _validate(self, shipment_id: str, parcel: ConfirmedParcel) -> None:
        body = {"shipments": [{"id": shipment_id}]}
        response = await self._api.write(
            quotas.SHIP_SHIPMENTS, "PUT", "/api/shipments/ship", body, parcel.correlation_id
        )
        errors = list(document(response, "ship shipments")["shipment_errors"].each())
        known = await self._known(parcel) if errors else None
        if errors and (known is None or known["status"].text() in NOT_LEFT):
            raise Declined(f"ship shipments: {errors[0]['message'].text()}", code="shipment_refused")

    async def _known(self, parcel: ConfirmedParcel) -> Node | None:
        """The shipment that is this very parcel: same package number and same tracking number."""
        params = {"order_id": parcel.order_key.external_id, "limit": "100"}
        while True:
            response = await self._api.get(quotas.LIST_SHIPMENTS, "/api/shipments", params)
            page = document(response, "list shipments")
            found = next((each for each in page["data"].each() if _is(each, parcel)), None)
            token = page["next_page_token"].text()
            if found or not token:
                return found
            params = {**params, "page_token": token}


def _is(shipment: Node, parcel: ConfirmedParcel) -> bool:
    references = {line["package_reference"].text() for line in shipment["shipment_lines"].each()}
    tracking = shipment["tracking"]["tracking_number"].text()
    cancelled = shipment["status"].text() == "CANCELED"
    return not cancelled and tracking == parcel.tracking and str(parcel.package_number) in references


class WholeOrders:
    """For operators without multi-shipment: Mirakl ships an order as a whole, with one tracking number.

    Of an order that leaves in several parcels, each but the last is held: its tracking number is published, so that the
    buyer can follow it, and its units are noted on the order (`held.py`). The parcel that completes the order publishes
    its own tracking number and validates the shipment. Nothing is said to be shipped that is not.
    """

    def __init__(self, api: MiraklApi, walks: Walks, carriers: Carriers) -> None:
        self._api = api
        self._walks = walks
        self._carriers = carriers
        self._held = Held(api, walks)

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """An order that has left already is done: both calls may be repeated, so that a retry needs no other look."""
        order = Standing.read(await self._walks.order(parcel.order_key.external_id))
        if order.left:
            return
        if order.ended:
            raise Declined(f"ship order: the order is {order.state}", code="ORDER_INVALID_STATE")
        if await self._held.completes(order, parcel):
            await self._track(parcel)
            await self._ship(parcel)
        else:
            await self._track(parcel)

    async def _track(self, parcel: ConfirmedParcel) -> None:
        body = await self._carriers.fields(parcel.carrier, parcel.tracking)
        path = f"/api/orders/{quote(parcel.order_key.external_id, safe='')}/tracking"
        await self._api.write(quotas.TRACKING, "PUT", path, body, parcel.correlation_id)

    async def _ship(self, parcel: ConfirmedParcel) -> None:
        external_id = parcel.order_key.external_id
        path = f"/api/orders/{quote(external_id, safe='')}/ship"
        try:
            await self._api.write(quotas.SHIP, "PUT", path, None, parcel.correlation_id)
        except Declined as refusal:
            if refusal.code not in INVALID_STATE:
                raise
            if not Standing.read(await self._walks.order(external_id)).left:
                raise
