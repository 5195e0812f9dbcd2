"""A WMS behind our REST contract (`docs/contracts/wms.md`), and the reports it pushes.

| answer | becomes |
|---|---|
| 200, 202 | done |
| 409 `duplicate_release` | done: the release is there already |
| 404 to a look-up | no such release |
| 423, 429, 503 | `Unavailable` |
| 401, 403 | `Unauthorized` |
| no answer or other 5xx | `InDoubt` for a write, `Unavailable` for a read |
| anything else (409 `cancelled`, 422 …) | `Declined` with the WMS's code and field |
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from connectors.contract import declined, drift, error_code
from connectors.errors import InDoubt, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.levels import LEVELS, stock_levels
from connectors.ports import ReleaseCancelled, WebhookEvent, WebhookRefused, WmsReport
from connectors.registry import SystemConnection
from connectors.wms import documents
from models.fulfilment import Release, Shipment, Shortfall
from models.ledger import StockLevel

SIGNATURE_HEADER = "X-Wms-Signature"
PING = "orderyard-ping"
DELIVERY_HEADER = "X-Wms-Delivery"
Document = TypeVar("Document", bound=BaseModel)


class RestWms:
    """`ports.Wms` over HTTP. The fulfilment id is unique in the warehouse, so a release cannot be picked twice."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"X-Api-Key": connection.secret("api_key")}
        self._client = VendorClient("wms", connection.base_url, headers=headers, transport=transport)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        """The contract has no health call: a release that nobody has is the cheapest read, and 404 its good answer."""
        response = await self._client.send("find_release", "GET", _path(PING), correlation_id=PING)
        if response.status_code != 404:
            _require_success("wms ping", response)

    async def release(self, release: Release, *, retry: bool) -> None:
        if retry and await self._known(release):
            return
        response = await self._client.send(
            "release",
            "POST",
            "/wms/v1/releases",
            json=documents.release(release),
            correlation_id=release.correlation_id,
            idempotency_key=f"{release.order_key}:release:{release.fulfilment_id}",
            writes=True,
        )
        if response.status_code == 409 and error_code(response) == "duplicate_release":
            return
        _require_success("wms release", response)

    async def cancel(self, fulfilment_id: str, correlation_id: str) -> ReleaseCancelled:
        response = await self._client.send(
            "cancel",
            "POST",
            f"{_path(fulfilment_id)}/cancel",
            json={"correlation_id": correlation_id},
            correlation_id=correlation_id,
            idempotency_key=f"{fulfilment_id}:cancel",
            writes=True,
        )
        _require_success("wms cancel", response)
        try:
            answer = documents.CancellationDocument.model_validate_json(response.content)
        except ValidationError as error:
            # The warehouse may have stopped or not: asking again is harmless, guessing is not.
            raise InDoubt(f"wms cancel: {drift(error, response.content, documents.SYSTEM)}") from error
        return ReleaseCancelled(confirmed=answer.confirmed, reason=answer.reason)

    async def shipments(self, fulfilment_id: str, correlation_id: str) -> list[Shipment]:
        response = await self._client.send(
            "shipments", "GET", f"{_path(fulfilment_id)}/shipments", correlation_id=correlation_id
        )
        if response.status_code == 404:
            return []
        _require_success("wms shipments", response)
        answer = _read(documents.ShipmentsDocument, response)
        return [shipment.canonical(fulfilment_id) for shipment in answer.shipments]

    async def shortfalls(self, fulfilment_id: str, correlation_id: str) -> list[Shortfall]:
        """The contract has no call for them: the warehouse reports them (`parse_report`)."""
        return []

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        """Everything that is on the shelves; None when the layer in front of the WMS does not have this call."""
        response = await self._client.send("stock", "GET", "/wms/v1/stock", correlation_id=LEVELS)
        if response.status_code == 404:
            return None
        _require_success("wms stock", response)
        return stock_levels(response, documents.SYSTEM)

    async def _known(self, release: Release) -> bool:
        response = await self._client.send(
            "find_release", "GET", _path(release.fulfilment_id), correlation_id=release.correlation_id
        )
        if response.status_code == 404:
            return False
        _require_success("wms find release", response)
        return True


def report_secrets(connection: SystemConnection) -> tuple[str, ...]:
    """Secrets that may sign a report: the current one, and the former one during a rotation."""
    names = [
        "webhook_secret",
        *(["former_webhook_secret"] if "former_webhook_secret" in connection.credentials else []),
    ]
    return tuple(connection.secret(name) for name in names)


def verify_report(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
    """Check a report's signature over its raw body. Raises `WebhookRefused`."""
    given = {name.lower(): value for name, value in headers.items()}
    signature = given.get(SIGNATURE_HEADER.lower(), "").removeprefix("sha256=").encode()
    expected = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode() for secret in secrets]
    if not any(hmac.compare_digest(signature, each) for each in expected):
        raise WebhookRefused(f"{SIGNATURE_HEADER} is missing or does not fit the body")
    delivery = given.get(DELIVERY_HEADER.lower())
    if not delivery:
        raise WebhookRefused(f"{DELIVERY_HEADER} is missing")
    about = _text(body, "fulfilment_id") or _text(body, "rma")
    return WebhookEvent(delivery_id=delivery, topic=_text(body, "event"), external_id=about)


def parse_report(body: bytes) -> WmsReport:
    """What a verified report tells. Raises `SchemaDrift` with path, value and remedy."""
    return documents.read_report(body)


def _text(body: bytes, name: str) -> str:
    """A text of an authentic body that may still be anything; empty when it is not there. A half character is a `?`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    value = document.get(name) if isinstance(document, dict) else None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _path(fulfilment_id: str) -> str:
    return f"/wms/v1/releases/{quote(fulfilment_id, safe='')}"


def _read(model: type[Document], response: httpx.Response) -> Document:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise drift(error, response.content, documents.SYSTEM) from error


def _require_success(operation: str, response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code == 423:
        raise Unavailable(f"{operation}: locked ({error_code(response)})", retry_after(response))
    raise declined(operation, response)
