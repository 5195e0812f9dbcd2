"""Shipments and invoices: full and partial, to the cent."""

from __future__ import annotations

import asyncio

from connectors.ports import ErpOrder
from models.fulfilment import ConfirmedParcel
from models.ledger import DocumentKind, OrderDocuments
from models.money import Money
from tests.erp_conformance.point import point
from tests.erp_conformance.stage import Stage
from tests.erp_conformance.transport import Harm


@point()
async def the_invoices_of_all_parcels_come_to_the_order_to_the_cent(stage: Stage) -> None:
    request = await stage.sold()
    documents = await stage.documents(request)
    assert len(documents.of_kind(DocumentKind.SHIPMENT)) == len(documents.of_kind(DocumentKind.INVOICE)) == 3
    _require_exact(documents, request.order.totals.seller_tax, request.order.totals.channel_tax)
    assert _sum(documents, "net") + _sum(documents, "seller_tax") == request.order.receivable


@point()
async def a_parcel_is_posted_once_however_often_and_its_numbers_stay(stage: Stage) -> None:
    request = await stage.entered()
    parcel = stage.parcel(request, 1, {"L1": 2})
    shipment = await stage.erp.post_shipment(parcel, retry=False)
    invoice = await stage.erp.post_invoice(parcel, retry=False)
    assert await stage.erp.post_shipment(parcel, retry=True) == shipment
    assert await stage.erp.post_invoice(parcel, retry=True) == invoice
    assert await stage.count(request, DocumentKind.SHIPMENT) == await stage.count(request, DocumentKind.INVOICE) == 1


@point()
async def a_shipment_whose_reply_is_lost_at_any_step_is_booked_once(stage: Stage) -> None:
    async def ship(request: ErpOrder, retry: bool) -> None:
        await stage.erp.post_shipment(stage.parcel(request, 1, {"L1": 3, "L2": 2}), retry=retry)

    for request in await stage.hurt(Harm.LOST_REPLY, stage.entered, ship):
        assert await stage.count(request, DocumentKind.SHIPMENT) == 1


@point()
async def an_invoice_whose_reply_is_lost_at_any_step_is_booked_once(stage: Stage) -> None:
    async def bill(request: ErpOrder, retry: bool) -> None:
        await stage.erp.post_invoice(stage.parcel(request, 1, {"L1": 3, "L2": 2}), retry=retry)

    for request in await stage.hurt(Harm.LOST_REPLY, stage.entered, bill):
        documents = await stage.documents(request)
        assert len(documents.of_kind(DocumentKind.INVOICE)) == 1
        assert _sum(documents, "net") + _sum(documents, "seller_tax") == request.order.receivable


@point()
async def a_parcel_invoiced_after_anothers_invoice_was_cut_off_leaves_the_sum_exact(stage: Stage) -> None:
    def second(request: ErpOrder) -> ConfirmedParcel:
        return stage.parcel(request, 2, {"L1": 1, "L2": 2})

    async def bill(request: ErpOrder, retry: bool) -> None:
        if retry:
            await stage.erp.post_invoice(second(request), retry=False)
        await stage.erp.post_invoice(stage.parcel(request, 1, {"L1": 2}), retry=retry)

    for request in await stage.hurt(Harm.CUT_OFF, stage.entered, bill):
        await stage.erp.post_invoice(second(request), retry=True)
        documents = await stage.documents(request)
        assert len(documents.of_kind(DocumentKind.INVOICE)) == 2
        assert _sum(documents, "net") + _sum(documents, "seller_tax") == request.order.receivable


@point()
async def two_parcels_that_are_invoiced_at_once_come_to_the_order_to_the_cent(stage: Stage) -> None:
    request = await stage.entered()
    await asyncio.gather(*(stage.booked(parcel) for parcel in stage.parcels(request)))
    documents = await stage.documents(request)
    assert _sum(documents, "net") + _sum(documents, "seller_tax") == request.order.receivable


@point()
async def more_than_was_ordered_is_neither_shipped_nor_invoiced(stage: Stage) -> None:
    request = await stage.entered()
    await stage.booked(stage.parcel(request, 1, {"L1": 3}))
    over = stage.parcel(request, 2, {"L1": 1})
    assert (await stage.refusal(stage.erp.post_shipment(over, retry=False))).code == "over_shipped"
    assert (await stage.refusal(stage.erp.post_invoice(over, retry=False))).code == "over_invoiced"


@point()
async def a_parcel_of_an_unknown_order_is_declined(stage: Stage) -> None:
    parcel = stage.parcel(stage.order(), 1, {"L1": 1})
    await stage.refusal(stage.erp.post_shipment(parcel, retry=False))
    await stage.refusal(stage.erp.post_invoice(parcel, retry=False))


@point("currencies")
async def a_currency_without_minor_units_and_one_with_three_decimals_stay_exact(stage: Stage) -> None:
    yen = await stage.sold(currency="JPY", amounts=("10000", "101", "1581", "6001", "499", "490"))
    dinar = await stage.sold(currency="KWD", amounts=("10.000", "0.101", "1.581", "6.001", "0.499", "0.490"))
    for request in (yen, dinar):
        documents = await stage.documents(request)
        assert _sum(documents, "net") + _sum(documents, "seller_tax") == request.order.receivable


def _sum(documents: OrderDocuments, field: str) -> Money:
    amounts = [getattr(invoice, field) for invoice in documents.of_kind(DocumentKind.INVOICE)]
    return Money.total(amounts, amounts[0].currency)


def _require_exact(documents: OrderDocuments, seller_tax: Money, channel_tax: Money) -> None:
    assert _sum(documents, "seller_tax") == seller_tax
    assert _sum(documents, "channel_tax") == channel_tax
