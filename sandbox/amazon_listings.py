"""Listings Items 2021-08-01: what is sold, and how much of it; changed by a patch or by a feed, after a while."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.amazon_answers import Payload, Refused, error, json_body, now, written
from sandbox.amazon_envelopes import Unreadable, Wrong
from sandbox.amazon_shelf import ACCOUNT
from sandbox.core import Sandbox
from sandbox.goods import SOLD, unmapped_listing

SELLER_ID = "A3ORDERYARD1US"
MARKETPLACE = "ATVPDKIKX0DER"
PATH = "/attributes/fulfillment_availability"
UNKNOWN, INVALID = "8560", "90220"
"""Codes of issues: no such SKU, an attribute that is not as it should be."""


def declined(_: Request) -> Response:
    """The refusal that a fault asks for."""
    return error(400, "BAD_REQUEST", "Invalid input", "Invalid input")


class AmazonListings:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._listings = sandbox.shelf.collection("amazon_listings")
        self._submitted = sandbox.shelf.collection("amazon_listing_submissions")
        for listing in (*SOLD, unmapped_listing()):
            if listing.sku not in self._listings:
                self._listings.put(listing.sku, {"sku": listing.sku, "title": listing.title, "quantity": None})

    def resume(self) -> None:
        """Go on with what was accepted and not applied when the sandbox stopped."""
        for submission_id in self._submitted:
            self._sandbox.spawn(self._apply_later(submission_id))

    async def get(self, request: Request) -> Response:
        """`GET /listings/2021-08-01/items/{sellerId}/{sku}`."""
        listing = self._asked(request)
        included = request.query_params.get("includedData", "summaries").split(",")
        shown = {
            "summaries": [_summary(listing)],
            "issues": [],
            "fulfillmentAvailability": [_availability(listing["quantity"])],
        }
        return JSONResponse({"sku": listing["sku"], **{name: shown[name] for name in included if name in shown}})

    async def patch(self, request: Request) -> Response:
        """`PATCH /listings/2021-08-01/items/{sellerId}/{sku}`: ACCEPTED is not applied."""
        sku = self._asked(request)["sku"]
        body = await json_body(request)
        submission_id = uuid.uuid4().hex
        answer: Payload = {"sku": sku, "status": "ACCEPTED", "submissionId": submission_id, "issues": []}
        try:
            quantity = _quantity(body)
        except Wrong as wrong:
            issue = {"code": wrong.code, "message": str(wrong), "severity": "ERROR", "categories": []}
            named = {**issue, "attributeNames": ["fulfillment_availability"]}
            return JSONResponse({**answer, "status": "INVALID", "issues": [named]})
        if request.query_params.get("mode") == "VALIDATION_PREVIEW":
            return JSONResponse({**answer, "status": "VALID"})
        self._submitted.put(submission_id, {"sku": sku, "quantity": quantity})
        self._sandbox.spawn(self._apply_later(submission_id))
        return JSONResponse(answer)

    def obey(self, content: bytes) -> bytes:
        """`JSON_LISTINGS_FEED`: each message alone; returns the report. Raises `Unreadable`."""
        header, messages = _feed(content)
        issues = []
        for message in messages:
            try:
                self._obey(message)
            except Wrong as wrong:
                issue = {"messageId": message.get("messageId"), "sku": message.get("sku"), "code": wrong.code}
                issues.append({**issue, "severity": "ERROR", "message": str(wrong)})
        summary = {
            "errors": len(issues),
            "warnings": 0,
            "messagesProcessed": len(messages),
            "messagesAccepted": len(messages) - len(issues),
            "messagesInvalid": len(issues),
        }
        return json.dumps({"header": header, "issues": issues, "summary": summary}).encode()

    def _obey(self, message: Payload) -> None:
        sku = str(message.get("sku"))
        if sku not in self._listings:
            raise Wrong(UNKNOWN, f"The SKU {sku!r} does not exist in your catalogue.")
        if message.get("operationType") != "PATCH":
            raise Wrong(INVALID, f"The operation {message.get('operationType')!r} is not served here.")
        self._set(sku, _quantity(message))

    async def _apply_later(self, submission_id: str) -> None:
        await asyncio.sleep(self._sandbox.options.job_delay)
        submission = self._submitted.get(submission_id)
        if submission:
            self._submitted.remove(submission_id)
            self._set(submission["sku"], submission["quantity"])

    def _set(self, sku: str, quantity: int) -> None:
        listing = {**(self._listings.get(sku) or {}), "quantity": quantity, "updated": written(now())}
        self._listings.put(sku, listing)
        self._sandbox.ledger.record("amazon", "stock_set", f"amazon/{ACCOUNT}/{sku}", sku=sku, quantity=quantity)

    def _asked(self, request: Request) -> Payload:
        if not request.query_params.get("marketplaceIds"):
            raise Refused(400, "BAD_REQUEST", "marketplaceIds is required.")
        if request.path_params["seller_id"] != SELLER_ID:
            raise Refused(403, "Unauthorized", "Access to requested resource is denied.", "sellerId")
        listing: Payload | None = self._listings.get(request.path_params["sku"])
        if listing is None:
            raise Refused(404, "NOT_FOUND", f"SKU '{request.path_params['sku']}' not found in marketplace.")
        return listing


def _feed(content: bytes) -> tuple[Payload, list[Payload]]:
    try:
        document: Any = json.loads(content)
        header, messages = document["header"], document["messages"]
    except (ValueError, KeyError, TypeError) as problem:
        raise Unreadable(f"a listings feed has a header and messages: {problem!r}") from problem
    if header.get("sellerId") != SELLER_ID or header.get("version") != "2.0":
        raise Unreadable("the header's sellerId or version is wrong")
    if not isinstance(messages, list) or len({message.get("messageId") for message in messages}) != len(messages):
        raise Unreadable("each message has a messageId of its own")
    return header, messages


def _quantity(body: Payload) -> int:
    """The quantity that a patch sets. Raises `Wrong` for one that sets something else, or nonsense."""
    if not body.get("productType"):
        raise Wrong(INVALID, "'productType' is required but not supplied.")
    for patch in _patches(body):
        for value in patch.get("value") or []:
            quantity = value.get("quantity")
            if value.get("fulfillment_channel_code") == "DEFAULT" and isinstance(quantity, int) and quantity >= 0:
                return quantity
    raise Wrong(INVALID, "'fulfillment_availability' needs the channel DEFAULT and a quantity of 0 or more.")


def _patches(body: Payload) -> Iterator[Payload]:
    for patch in body.get("patches") or []:
        if patch.get("op") in ("replace", "merge", "add") and patch.get("path") == PATH:
            yield patch


def _availability(quantity: int | None) -> Payload:
    stated = {} if quantity is None else {"quantity": quantity}
    return {"fulfillmentChannelCode": "DEFAULT", **stated}


def _summary(listing: Payload) -> Payload:
    at = listing.get("updated") or "2026-01-01T00:00:00Z"
    return {
        "marketplaceId": MARKETPLACE,
        "productType": "PRODUCT",
        "status": ["BUYABLE", "DISCOVERABLE"] if listing["quantity"] else ["DISCOVERABLE"],
        "itemName": listing["title"],
        "createdDate": "2026-01-01T00:00:00Z",
        "lastUpdatedDate": at,
    }
