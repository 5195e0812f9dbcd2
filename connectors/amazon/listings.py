"""What may be sold: one listing by a patch, many by a listings feed (Listings Items 2021-08-01)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx

from connectors.amazon import feeds, quotas
from connectors.amazon.answers import document, first_code, message, refused
from connectors.amazon.feeds import Draft, Feeds
from connectors.amazon.node import Node
from connectors.amazon.operations import Operation, Purpose
from connectors.amazon.seller import Seller
from connectors.errors import Declined
from connectors.http import VendorClient
from models.channel import Progress, Rejected, StockQuantity, StockUpdate

APPLIED_WITHIN = timedelta(minutes=30)
"""A patch that is accepted is applied within minutes; one that is not by then never will be."""
CONTENT_TYPE = "application/json; charset=UTF-8"


class Listings:
    """Quantities are absolute, so the same update again is the same stock: a retry needs no look."""

    def __init__(self, client: VendorClient, made: Feeds, seller: Seller, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._feeds = made
        self._seller = seller
        self._clock = clock

    async def set_stock(self, update: StockUpdate) -> Progress:
        """createFeed grants one call in two minutes, a patch five a second: a patch for one, a feed for more."""
        if len(update.quantities) == 1:
            return await self._patch(update.quantities[0], update.correlation_id)
        return await self._feed(update)

    async def applied(self, operation: Operation) -> Progress:
        """What became of a patch. A listing names its problems; one that shows the quantity has none that matters."""
        listing = await self._read(operation)
        if listing is None:
            words = f"amazon has no listing {operation.sku} any more"
            return Progress(rejected=(Rejected(key=operation.sku, code="NOT_FOUND", message=words),))
        if operation.quantity in _quantities(listing):
            return Progress()
        if errors := _errors(listing):
            return Progress(rejected=(_rejection(operation.sku, errors),))
        if operation.until and self._clock() >= operation.until:
            words = f"amazon accepted {operation.quantity} for {operation.sku}, and shows {_quantities(listing)}"
            return Progress(rejected=(Rejected(key=operation.sku, code="not_applied", message=words),))
        return Progress(operation=operation.text(), look_again=self._seller.look_again)

    async def _patch(self, wanted: StockQuantity, correlation_id: str) -> Progress:
        marketplace = self._seller.marketplace()
        response = await self._client.send(
            quotas.PATCH_LISTING,
            "PATCH",
            self._path(wanted.sku),
            json={"productType": self._seller.product_type, "patches": [_patch(wanted)]},
            params={"marketplaceIds": marketplace},
            correlation_id=correlation_id,
            writes=True,
        )
        if response.status_code in (400, 404):
            return Progress(rejected=(_refusal(wanted.sku, response),))
        answer = document(response, f"patch listing {wanted.sku}")
        if answer["status"].text() == "INVALID":
            return Progress(rejected=(_rejection(wanted.sku, _errors(answer)),))
        operation = Operation(
            purpose=Purpose.LISTING,
            sku=wanted.sku,
            quantity=wanted.quantity,
            marketplace=marketplace,
            until=self._clock() + APPLIED_WITHIN,
        )
        return Progress(operation=operation.text(), look_again=self._seller.look_again)

    async def _feed(self, update: StockUpdate) -> Progress:
        marketplace = self._seller.marketplace()
        messages = [
            {
                "messageId": number,
                "sku": wanted.sku,
                "operationType": "PATCH",
                "productType": self._seller.product_type,
                "patches": [_patch(wanted)],
            }
            for number, wanted in enumerate(update.quantities, start=1)
        ]
        header = {"sellerId": self._seller.seller_id, "version": "2.0", "issueLocale": "en_US"}
        body = json.dumps({"header": header, "messages": messages}).encode()
        draft = Draft(feeds.LISTINGS, CONTENT_TYPE, body, marketplace, update.correlation_id)
        feed_id = await self._feeds.create(draft, await self._feeds.upload(draft))
        skus = tuple(wanted.sku for wanted in update.quantities)
        operation = Operation(purpose=Purpose.STOCK, feed_id=feed_id, messages=skus)
        return Progress(operation=operation.text(), look_again=self._seller.look_again)

    async def _read(self, operation: Operation) -> Node | None:
        params = {"marketplaceIds": operation.marketplace, "includedData": "issues,fulfillmentAvailability"}
        response = await self._client.send(quotas.GET_LISTING, "GET", self._path(operation.sku), params=params)
        return None if response.status_code == 404 else document(response, f"get listing {operation.sku}")

    def _path(self, sku: str) -> str:
        return f"/listings/2021-08-01/items/{quote(self._seller.seller_id, safe='')}/{quote(sku, safe='')}"


def _patch(wanted: StockQuantity) -> dict[str, Any]:
    value = [{"fulfillment_channel_code": "DEFAULT", "quantity": wanted.quantity}]
    return {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}


def _quantities(listing: Node) -> list[int]:
    own = [each for each in listing["fulfillmentAvailability"].listed() if _by_merchant(each)]
    return [each["quantity"].quantity_if_readable() for each in own]


def _by_merchant(availability: Node) -> bool:
    return availability["fulfillmentChannelCode"].text() == "DEFAULT"


def _errors(answer: Node) -> list[Node]:
    """Errors about the quantity; others are about the page, and are there whatever is patched."""
    errors = [issue for issue in answer["issues"].listed() if issue["severity"].text() == "ERROR"]
    named = [issue for issue in errors if issue["attributeNames"]]
    about = [issue for issue in named if "fulfillment_availability" in (issue["attributeNames"].value or ())]
    return about or ([] if answer["fulfillmentAvailability"] else errors)


def _rejection(sku: str, errors: list[Node]) -> Rejected:
    words = "; ".join(error["message"].text() for error in errors)
    code = next((error["code"].text() for error in errors), "")
    return Rejected(
        key=sku, code=code or "INVALID", message=words or "Amazon calls the patch invalid without a reason."
    )


def _refusal(sku: str, response: httpx.Response) -> Rejected:
    """A 4xx about this SKU. Raises what is none of it (a quota, a permission)."""
    error = refused(response, f"patch listing {sku}")
    if not isinstance(error, Declined):
        raise error
    return Rejected(key=sku, code=first_code(response) or f"http_{response.status_code}", message=message(response))
