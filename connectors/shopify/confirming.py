"""Tells Shopify of parcels: one fulfilment a location, with the carrier's name as Shopify spells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import Declined, SchemaDrift
from connectors.shopify import mutations, queries
from connectors.shopify.failing import check_user_errors
from connectors.shopify.fulfilment import already_told, batches, open_lines
from connectors.shopify.graphql import ShopifyGraphql
from connectors.shopify.node import Node
from connectors.shopify.reading import order_gid
from connectors.shopify.vocabulary import carrier_name
from models.fulfilment import ConfirmedParcel


class Confirming:
    """Option of the connection: `notify_customer`."""

    def __init__(self, graphql: ShopifyGraphql, options: Mapping[str, Any]) -> None:
        self._graphql = graphql
        self._options = options

    async def confirm(self, parcel: ConfirmedParcel, *, retry: bool) -> None:
        """Create the fulfilments of a parcel; on a retry only those that are not there yet."""
        order = await self._order_to_fulfil(parcel)
        told = already_told(order, parcel) if retry else {}
        units = {line: count - told.get(line, 0) for line, count in parcel.units.items() if count > told.get(line, 0)}
        for batch in batches(open_lines(order), units):
            await self._fulfil(parcel, batch)

    async def _order_to_fulfil(self, parcel: ConfirmedParcel) -> Node:
        order_id = parcel.order_key.external_id
        data = await self._graphql.run(
            "fulfillment_orders",
            queries.FULFILMENT_ORDERS,
            {"id": order_gid(order_id)},
            correlation_id=parcel.correlation_id,
        )
        if not isinstance(data.get("order"), dict):
            raise Declined(f"Shopify knows no order {order_id}", code="order_not_found", field="order_id")
        return Node(data["order"], "data.order", camel=True)

    async def _fulfil(self, parcel: ConfirmedParcel, batch: list[dict[str, Any]]) -> None:
        tracking = {"company": carrier_name(parcel.carrier), "number": parcel.tracking}
        wanted = {
            "lineItemsByFulfillmentOrder": batch,
            "notifyCustomer": bool(self._options.get("notify_customer", False)),
            "trackingInfo": {name: value for name, value in tracking.items() if value},
        }
        data = await self._graphql.run(
            "fulfillment_create",
            mutations.FULFIL,
            {"fulfillment": wanted},
            writes=True,
            correlation_id=parcel.correlation_id,
        )
        payload = data.get("fulfillmentCreate") or {}
        check_user_errors("fulfilment", payload)
        if payload.get("fulfillment") is None:
            raise SchemaDrift("missing", "data.fulfillmentCreate.fulfillment", None, "Look whether it was created.")
