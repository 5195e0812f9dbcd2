"""An ERP behind our REST contract: orders, shipments, invoices, credit notes and returns (`docs/contracts/erp.md`)."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from connectors.erp import documents
from connectors.erp.rest_documents import RestDocuments, number_of
from connectors.errors import Declined
from connectors.ports import CreditNote, ErpOrder, ReturnReceipt
from connectors.registry import SystemConnection
from models.fulfilment import ConfirmedParcel
from models.ledger import StockLevel
from models.order import OrderKey

PING = "orderyard-ping"
ORDERS, SHIPMENTS, INVOICES = "orders", "shipments", "invoices"
CREDIT_NOTES, RETURNS = "credit-notes", "returns"


class RestErp:
    """`ports.Erp` over HTTP."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._company = str(connection.options.get("company", "MAIN"))
        self._documents = RestDocuments(connection, transport)

    async def aclose(self) -> None:
        await self._documents.aclose()

    async def ping(self) -> None:
        """The contract has no health call: a look-up of a reference that nobody has is the cheapest read."""
        await self._documents.find(ORDERS, PING, PING)

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
        found = await self._documents.find(ORDERS, str(key), correlation_id)
        if found is None:
            raise Declined(f"the ERP has no order {key} to change", code="unknown_order", field="external_reference")
        path = f"/erp/v1/orders/{quote(number_of(found, ORDERS), safe='')}/change"
        await self._documents.write("change_order", path, document, f"{key}:change_order:{request.revision}")

    async def post_credit_note(self, note: CreditNote, *, retry: bool) -> str:
        step = f"credit:{note.note_id}"
        return await self._post_once(CREDIT_NOTES, documents.credit_note(note), note.order_key, step, retry)

    async def receive_return(self, receipt: ReturnReceipt, *, retry: bool) -> str:
        step = f"return:{receipt.receipt_id}"
        subject = receipt.order_key or "blind"
        return await self._post_once(RETURNS, documents.goods_return(receipt), subject, step, retry)

    async def stock_levels(self) -> tuple[StockLevel, ...] | None:
        return await self._documents.stock_levels()

    async def cancel_order(self, key: OrderKey, correlation_id: str) -> None:
        found = await self._documents.find(ORDERS, str(key), correlation_id)
        if found is None or found.get("status") == "cancelled":
            return
        path = f"/erp/v1/orders/{quote(number_of(found, ORDERS), safe='')}/cancel"
        document = documents.cancellation(key, correlation_id)
        await self._documents.write("cancel_order", path, document, f"{key}:cancel_order")

    async def _post_once(
        self, kind: str, document: documents.Document, key: OrderKey | str, step: str, retry: bool
    ) -> str:
        return await self._documents.post_once(kind, document, f"{key}:{step}", retry=retry)
