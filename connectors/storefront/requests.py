"""What the engine asks, in the words of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from connectors.storefront import messages
from connectors.storefront.contract import LineUnits
from connectors.storefront.vocabulary import carrier_code
from models.channel import Acknowledgement, Cancellation, RefundLine, RefundRequest, ReturnDecision, StockQuantity
from models.fulfilment import ConfirmedParcel
from models.money import Money


def acknowledgement(request: Acknowledgement) -> messages.AcknowledgementRequest:
    return messages.AcknowledgementRequest.model_construct(lines=list(request.lines))


def shipment(parcel: ConfirmedParcel, carriers: Mapping[str, str]) -> messages.ShipmentRequest:
    return messages.ShipmentRequest.model_construct(
        shipment_id=parcel.shipment_id,
        package_number=parcel.package_number,
        carrier=parcel.carrier,
        carrier_code=carrier_code(parcel.carrier, carriers),
        tracking=parcel.tracking,
        shipped_at=parcel.shipped_at,
        lines=units(parcel.units),
    )


def cancellation(request: Cancellation, quantities: Mapping[str, int]) -> messages.CancellationRequest:
    return messages.CancellationRequest.model_construct(
        lines=units(quantities), whole=request.whole, reason=request.reason.value, note=request.note
    )


def refund(request: RefundRequest) -> messages.PayBackRequest:
    total = request.total
    return messages.PayBackRequest.model_construct(
        currency=total.currency,
        amount=total.amount,
        lines=[_refund_line(line) for line in request.lines],
        reason=request.reason.value,
        note=request.note,
    )


def _refund_line(line: RefundLine) -> messages.RefundLine:
    return messages.RefundLine.model_construct(
        line_id=line.line_id,
        quantity=line.quantity,
        goods=line.goods.amount,
        shipping=_amount(line.shipping),
        tax=_amount(line.tax),
        shipping_tax=_amount(line.shipping_tax),
    )


def _amount(money: Money | None) -> Decimal | None:
    return None if money is None else money.amount


def decision(request: ReturnDecision) -> messages.DecisionRequest:
    lines = [
        messages.ReturnLineUnits.model_construct(return_line_id=line_id, quantity=count)
        for line_id, count in request.units.items()
    ]
    return messages.DecisionRequest.model_construct(action=request.action.value, lines=lines, note=request.note)


def stock(quantities: tuple[StockQuantity, ...]) -> messages.StockRequest:
    levels = [messages.StockLevel.model_construct(sku=each.sku, quantity=each.quantity) for each in quantities]
    return messages.StockRequest.model_construct(quantities=levels)


def units(quantities: Mapping[str, int]) -> list[LineUnits]:
    return [LineUnits.model_construct(line_id=line_id, quantity=count) for line_id, count in quantities.items()]
