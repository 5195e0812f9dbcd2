"""Sales orders, shipments and invoices in the ERP."""

from temporalio import activity

from activities.failures import is_retry, temporal_errors
from connectors.ports import CreditNote, Erp, ErpOrder, ReturnReceipt
from models.base import Model
from models.fulfilment import ConfirmedParcel
from models.order import OrderKey


class CancelErpOrder(Model):
    order_key: OrderKey
    correlation_id: str


class ErpActivities:
    """Every write is found again by its reference, however often it is tried."""

    def __init__(self, erp: Erp) -> None:
        self._erp = erp

    @activity.defn
    async def create_erp_order(self, request: ErpOrder) -> str:
        with temporal_errors():
            return await self._erp.create_order(request, retry=is_retry())

    @activity.defn
    async def change_erp_order(self, request: ErpOrder) -> None:
        """Bring the sales order to the state that is wanted now."""
        with temporal_errors():
            await self._erp.change_order(request, retry=is_retry())

    @activity.defn
    async def cancel_erp_order(self, request: CancelErpOrder) -> None:
        """Undo `create_erp_order`, whether or not it got as far as creating anything."""
        with temporal_errors():
            await self._erp.cancel_order(request.order_key, request.correlation_id)

    @activity.defn
    async def post_erp_shipment(self, parcel: ConfirmedParcel) -> str:
        with temporal_errors():
            return await self._erp.post_shipment(parcel, retry=is_retry())

    @activity.defn
    async def post_erp_invoice(self, parcel: ConfirmedParcel) -> str:
        with temporal_errors():
            return await self._erp.post_invoice(parcel, retry=is_retry())

    @activity.defn
    async def post_credit_note(self, note: CreditNote) -> str:
        with temporal_errors():
            return await self._erp.post_credit_note(note, retry=is_retry())

    @activity.defn
    async def receive_return(self, receipt: ReturnReceipt) -> str:
        with temporal_errors():
            return await self._erp.receive_return(receipt, retry=is_retry())
