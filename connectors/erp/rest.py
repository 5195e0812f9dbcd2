"""An ERP behind our REST contract (`docs/contracts/erp.md`): unique external references, so no document twice.

| answer | becomes |
|---|---|
| 200, 201 | the document's number |
| 409 `duplicate_reference` | the number of the document that is there already |
| 423 (record or period locked), 429, 503 | `Unavailable` |
| 401, 403 after one token refresh | `Unauthorized` |
| no answer, other 5xx, or a success without a number | `InDoubt` for a write, `Unavailable` for a read |
| anything else | `Declined` with the ERP's code and field |
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from connectors.contract import declined, error_code, json_object, text_at
from connectors.erp import documents
from connectors.errors import Declined, InDoubt, SchemaDrift, Unavailable
from connectors.http import VendorClient, retry_after
from connectors.ports import CreditNote, ErpOrder, ReturnReceipt
from connectors.registry import SystemConnection
from connectors.tokens import TokenAuth
from models.fulfilment import ConfirmedParcel
from models.order import OrderKey

PING = "orderyard-ping"
ORDERS, SHIPMENTS, INVOICES = "orders", "shipments", "invoices"
CREDIT_NOTES, RETURNS = "credit-notes", "returns"


class ClientCredentials(TokenAuth):
    """OAuth 2 client-credentials grant (RFC 6749, 4.4)."""

    def __init__(self, connection: SystemConnection) -> None:
        super().__init__()
        self._url = f"{connection.base_url}/erp/v1/token"
        self._form = {
            "grant_type": "client_credentials",
            "client_id": connection.secret("client_id"),
            "client_secret": connection.secret("client_secret"),
        }

    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=self._form)

    def apply(self, request: httpx.Request, token: str) -> None:
        request.headers["Authorization"] = f"Bearer {token}"


class RestErp:
    """`ports.Erp` over HTTP. A retried write looks for its document before it posts another."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._company = str(connection.options.get("company", "MAIN"))
        self._client = VendorClient("erp", connection.base_url, auth=ClientCredentials(connection), transport=transport)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ping(self) -> None:
        """The contract has no health call: a look-up of a reference that nobody has is the cheapest read."""
        await self._find(ORDERS, PING, PING)

    async def create_order(self, request: ErpOrder, *, retry: bool) -> str:
        document = documents.sales_order(request, self._company)
        return await self._post_once(ORDERS, document, request.order.key, "create_order", retry)

    async def post_shipment(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        step = f"shipment:{parcel.shipment_id}"
        return await self._post_once(SHIPMENTS, documents.shipment(parcel), parcel.order_key, step, retry)

    async def post_invoice(self, parcel: ConfirmedParcel, *, retry: bool) -> str:
        step = f"invoice:{parcel.shipment_id}"
        return await self._post_once(INVOICES, documents.invoice(parcel), parcel.order_key, step, retry)

    async def change_order(self, request: ErpOrder, *, retry: bool) -> None:
        """Absolute, so that a repetition needs no look: the same revision again changes nothing."""
        document = documents.change(request, self._company)
        key, correlation_id = request.order.key, str(document["correlation_id"])
        found = await self._find(ORDERS, str(key), correlation_id)
        if found is None:
            raise Declined(f"the ERP has no order {key} to change", code="unknown_order", field="external_reference")
        number = text_at(found, "number", "orders[0]", "erp find orders")
        response = await self._client.send(
            "change_order",
            "POST",
            f"/erp/v1/orders/{quote(number, safe='')}/change",
            json=document,
            correlation_id=correlation_id,
            idempotency_key=f"{key}:change_order:{request.revision}",
            writes=True,
        )
        _require_success("erp change_order", response)

    async def post_credit_note(self, note: CreditNote, *, retry: bool) -> str:
        step = f"credit:{note.note_id}"
        return await self._post_once(CREDIT_NOTES, documents.credit_note(note), note.order_key, step, retry)

    async def receive_return(self, receipt: ReturnReceipt, *, retry: bool) -> str:
        step = f"return:{receipt.receipt_id}"
        subject = receipt.order_key or "blind"
        return await self._post_once(RETURNS, documents.goods_return(receipt), subject, step, retry)

    async def cancel_order(self, key: OrderKey, correlation_id: str) -> None:
        found = await self._find(ORDERS, str(key), correlation_id)
        if found is None or found.get("status") == "cancelled":
            return
        number = text_at(found, "number", "orders[0]", "erp find orders")
        response = await self._client.send(
            "cancel_order",
            "POST",
            f"/erp/v1/orders/{quote(number, safe='')}/cancel",
            json=documents.cancellation(key, correlation_id),
            correlation_id=correlation_id,
            idempotency_key=f"{key}:cancel_order",
            writes=True,
        )
        _require_success("erp cancel_order", response)

    async def _post_once(
        self, kind: str, document: documents.Document, key: OrderKey | str, step: str, retry: bool
    ) -> str:
        """Post a document under its external reference; returns the number of the one there is then."""
        correlation_id = str(document["correlation_id"])
        if retry and (found := await self._find(kind, str(document["external_reference"]), correlation_id)):
            return text_at(found, "number", f"{kind}[0]", f"erp find {kind}")
        response = await self._client.send(
            f"post_{kind}",
            "POST",
            f"/erp/v1/{kind}",
            json=document,
            correlation_id=correlation_id,
            idempotency_key=f"{key}:{step}",
            writes=True,
        )
        return _number(f"erp post {kind}", response)

    async def _find(self, kind: str, reference: str, correlation_id: str) -> dict[str, Any] | None:
        response = await self._client.send(
            f"find_{kind}",
            "GET",
            f"/erp/v1/{kind}",
            params={"external_reference": reference},
            correlation_id=correlation_id,
        )
        operation = f"erp find {kind}"
        _require_success(operation, response)
        name = kind.replace("-", "_")
        found = json_object(response, operation).get(name)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise SchemaDrift("wrong_type", name, found, f"{operation} must answer a list of objects here")
        return found[0] if found else None


def _number(operation: str, response: httpx.Response) -> str:
    if response.status_code == 409 and error_code(response) == "duplicate_reference":
        return _number_in(operation, response)
    _require_success(operation, response)
    return _number_in(operation, response)


def _number_in(operation: str, response: httpx.Response) -> str:
    try:
        return text_at(json_object(response, operation), "number", "$", operation)
    except SchemaDrift as drift:
        # The document is probably there, and its reference finds it: better than refusing an order that was posted.
        raise InDoubt(f"{operation}: HTTP {response.status_code}, but {drift}") from drift


def _require_success(operation: str, response: httpx.Response) -> None:
    if response.is_success:
        return
    if response.status_code == 423:
        raise Unavailable(f"{operation}: locked ({error_code(response)})", retry_after(response))
    raise declined(operation, response)
