"""What follows from a parcel that left: stock, channel, ERP and buyer, each told once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.channel import ChannelActivities
    from activities.erp import ErpActivities
    from activities.notify import NotifyActivities
    from activities.stock import ParcelLeft, StockActivities
    from models.case import CaseKind
    from models.fulfilment import ConfirmedParcel, Shipment
    from models.life import HandledParcel
    from models.messages import OrderState, ShipmentRecord
    from models.systems import Notice
    from workflows import documents, healing, policy
    from workflows.office import Office

CONFIRM = "confirm"
BOOKED_AS_CHANGED = "parcels-are-booked-once-the-erp-knows-the-goods"
BOOKED_AS_MAPPED = "parcels-are-booked-once-the-erp-knows-the-items"


class Parcels:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._life = office.life

    async def dispatch(self, shipment_id: str) -> None:
        """Everything that follows from a parcel; each step once, also over a continue-as-new."""
        parcel = self._parcel(shipment_id)
        if not parcel.counted:
            left = ParcelLeft(order_key=self._life.order.key, shipment=parcel.shipment)
            await self._office.writes.do(StockActivities.take_out, left, f"Take {shipment_id} out of stock")
            self._note(shipment_id, counted=True)
        # A parcel with only part of a bundle completes no unit: channel and ERP hear of the unit when it is whole.
        if parcel.units:
            await asyncio.gather(self._confirm(shipment_id), self._book(shipment_id))
            await self._tell_buyer(shipment_id)
        self._life.shipments.append(_recorded(self._parcel(shipment_id)))
        self._show_progress(parcel.shipment)
        self._office.wake()

    def _show_progress(self, shipment: Shipment) -> None:
        if self._life.goods.unfinished and self._life.state is not OrderState.CANCELLING:
            cause = f"{shipment.node} shipped {shipment.tracking}"
            self._office.journal.enter(OrderState.PARTIALLY_SHIPPED, cause, authority="wms")

    async def _confirm(self, shipment_id: str) -> None:
        parcel = self._parcel(shipment_id)
        if parcel.confirmed:
            return
        confirmed = documents.parcel(self._life, parcel)

        async def confirm() -> None:
            await self._office.calls.outside(
                ChannelActivities.confirm_parcel,
                confirmed,
                policy.channel_queue(confirmed.order_key.channel),
                f"Confirm parcel {confirmed.tracking} ({confirmed.carrier}) to {confirmed.order_key.channel}",
            )

        if not self._life.order.internal:
            step = f"{CONFIRM}:{shipment_id}"
            await self._office.desk.attempt(CaseKind.CHANNEL_DECLINED, step, confirm, skippable=True, cancellable=False)
        self._note(shipment_id, confirmed=True)

    async def _book(self, shipment_id: str) -> None:
        parcel = self._parcel(shipment_id)
        if not parcel.booked:
            await self._erp_knows_the_goods(parcel.units)
            invoice = await book(self._office, documents.parcel(self._life, parcel))
            self._note(shipment_id, booked=True, invoice=invoice)

    async def _erp_knows_the_goods(self, units: Collection[str]) -> None:
        """Of a line whose SKU was changed the ERP would otherwise ship the former one, and then refuse the change."""
        shipped = {name: sku for name, sku in documents.skus(self._life).items() if name in units}

        def knows() -> bool:
            return all(self._life.erp_skus.get(name, sku) == sku for name, sku in shipped.items())

        # Asked only where it matters: most orders change nothing, and need no marker in their history.
        if not knows() and workflow.patched(BOOKED_AS_CHANGED):
            await workflow.wait_condition(knows)
        mapped = {name: items for name, items in documents.items(self._life).items() if name in units}

        def knows_items() -> bool:
            return all(self._life.erp_items.get(name, items) == items for name, items in mapped.items())

        if not knows_items() and workflow.patched(BOOKED_AS_MAPPED):
            await workflow.wait_condition(knows_items)

    async def _tell_buyer(self, shipment_id: str) -> None:
        parcel, order = self._parcel(shipment_id), self._life.order
        if order.buyer.email and not parcel.told_buyer:
            shipment = parcel.shipment
            values = {"carrier": shipment.carrier, "tracking": shipment.tracking, "email": order.buyer.email}
            await tell_buyer(self._office, "parcel_shipped", f"shipped:{shipment_id}", values, shipment.shipped_at)
        self._note(shipment_id, told_buyer=True)

    def _parcel(self, shipment_id: str) -> HandledParcel:
        return next(each for each in self._life.parcels if each.shipment.shipment_id == shipment_id)

    def _note(self, shipment_id: str, **what: object) -> None:
        parcels = self._life.parcels
        index = next(number for number, each in enumerate(parcels) if each.shipment.shipment_id == shipment_id)
        parcels[index] = parcels[index].model_copy(update=what)


async def book(office: Office, parcel: ConfirmedParcel) -> str | None:
    """Post a parcel's shipment and invoice to the ERP; returns the invoice number, `None` when it was skipped."""

    async def post() -> str:
        await office.calls.outside(
            ErpActivities.post_erp_shipment, parcel, policy.ERP_QUEUE, f"Post parcel {parcel.tracking} to the ERP"
        )
        return await office.calls.outside(
            ErpActivities.post_erp_invoice, parcel, policy.ERP_QUEUE, f"Have the ERP invoice parcel {parcel.tracking}"
        )

    step = f"invoice:{parcel.shipment_id}"
    return await office.desk.attempt(CaseKind.ERP_DECLINED, step, post, skippable=True, cancellable=False)


async def tell_buyer(office: Office, template: str, subject: str, values: dict[str, str], at: datetime) -> None:
    """Send a message that the order can do without."""
    order = office.life.order
    notice = Notice(
        order_key=order.key,
        correlation_id=str(order.correlation_id),
        template=template,
        notice_id=f"{order.key}:{subject}",
        values=values,
        at=at,
    )
    try:
        what = f"Tell the buyer: {template.replace('_', ' ')}"
        await office.calls.optional(NotifyActivities.notify_buyer, notice, policy.NOTIFY_QUEUE, what)
    except ActivityError as error:
        if isinstance(error.cause, ApplicationError) and error.cause.non_retryable:
            told = {"error": str(error.cause), "correlation_id": notice.correlation_id}
            workflow.logger.warning("buyer was not told", extra=told)
        else:
            office.spawn(healing.tell_later(office, notice))


def _recorded(parcel: HandledParcel) -> ShipmentRecord:
    shipment = parcel.shipment
    return ShipmentRecord(
        shipment_id=shipment.shipment_id,
        node=shipment.node,
        carrier=shipment.carrier,
        tracking=shipment.tracking,
        shipped_at=shipment.shipped_at,
        units=parcel.units,
        confirmed=bool(parcel.units),
        invoice=parcel.invoice,
    )
