"""The bodies of the calls that change something (Orders, Returns and Inventory v3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from connectors.errors import Declined
from connectors.walmart.carriers import carrier_name
from connectors.walmart.vocabulary import VOCABULARY
from models.channel import Cancellation, RefundLine, RefundRequest, ReturnDecision
from models.fulfilment import ConfirmedParcel
from models.money import Money

METHODS = frozenset({"Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"})
SELLER_ORDER_ID = 30
"""Characters of a seller's own order number, at most."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def shipment(parcel: ConfirmedParcel, tracking_url: str) -> dict[str, Any]:
    """`orderShipment`: every line of the parcel with the units that it completes."""
    info = {
        "shipDateTime": (parcel.shipped_at - _EPOCH) // _MILLISECOND,
        "carrierName": carrier_name(parcel.carrier),
        "methodCode": _method(parcel.extras),
        "trackingNumber": parcel.tracking,
        # Mandatory with `otherCarrier`, and shown to the buyer.
        "trackingURL": tracking_url.replace("{tracking}", quote(parcel.tracking, safe="")),
    }
    lines = [
        {
            "lineNumber": line_id,
            # The goods have left: a buyer who asked to cancel meanwhile can only send them back.
            "intentToCancelOverride": True,
            "sellerOrderId": parcel.order_key.external_id[:SELLER_ORDER_ID],
            "orderLineStatuses": {
                "orderLineStatus": [{"status": "Shipped", "statusQuantity": _each(units), "trackingInfo": info}]
            },
        }
        for line_id, units in parcel.units.items()
    ]
    return {"orderShipment": {"orderLines": {"orderLine": lines}}}


def _method(extras: Mapping[str, str]) -> str:
    """The method that the buyer chose."""
    method = extras.get("method_code", "")
    return method if method in METHODS else "Standard"


def _each(units: int) -> dict[str, str]:
    return {"unitOfMeasurement": "EACH", "amount": str(units)}


def cancellation(request: Cancellation, units: Mapping[str, int]) -> dict[str, Any]:
    """`orderCancellation` of these units of the request's lines."""
    reason = VOCABULARY.cancel_reasons[request.reason]
    lines = [
        {
            "lineNumber": line_id,
            "orderLineStatuses": {
                "orderLineStatus": [
                    {"status": "Cancelled", "cancellationReason": reason, "statusQuantity": _each(count)}
                ]
            },
        }
        for line_id, count in units.items()
    ]
    return {"orderCancellation": {"orderLines": {"orderLine": lines}}}


def refund(request: RefundRequest) -> dict[str, Any]:
    """`orderRefund`, whose amounts are negative. The request's id is in the comment, to be found again by."""
    comment = f"{request.note} [{request.request_id}]".strip()
    reason = VOCABULARY.refund_reasons[request.reason]
    lines = [
        {
            "lineNumber": line.line_id,
            "isFullRefund": False,
            "refunds": {
                "refund": [
                    {
                        "refundComments": comment,
                        "refundCharges": {
                            "refundCharge": [{"refundReason": reason, "charge": charge} for charge in charges(line)]
                        },
                    }
                ]
            },
        }
        for line in request.lines
    ]
    return {"orderRefund": {"purchaseOrderId": request.order_key.external_id, "orderLines": {"orderLine": lines}}}


def charges(line: RefundLine) -> list[dict[str, Any]]:
    found = []
    if line.goods or line.tax:
        found.append(_charge("PRODUCT", "Item Price", line.goods, line.tax))
    if line.shipping or line.shipping_tax:
        none = Money.zero(line.goods.currency)
        found.append(_charge("SHIPPING", "Shipping", line.shipping or none, line.shipping_tax))
    return found


def _charge(kind: str, name: str, amount: Money, tax: Money | None) -> dict[str, Any]:
    charge = {"chargeType": kind, "chargeName": name, "chargeAmount": _negative(amount)}
    return {**charge, "tax": {"taxName": f"{name} Tax", "taxAmount": _negative(tax)}} if tax else charge


def _negative(amount: Money) -> dict[str, Any]:
    # A JSON number: the shortest text of a double gives back each amount of up to 15 digits as it was.
    return {"currency": amount.currency, "amount": float(-amount.amount)}


def return_refund(decision: ReturnDecision, customer_order_id: str) -> dict[str, Any]:
    """Raises `Declined` for a line id that is no number: Walmart's are."""
    lines = []
    for line_id, units in decision.units.items():
        if not line_id.isdecimal():
            raise Declined(f"return line {line_id!r} is not a number", code="not_found", field="returnOrderLineNumber")
        quantity = {"unitOfMeasure": "EACH", "measurementValue": units}
        lines.append({"returnOrderLineNumber": int(line_id), "quantity": quantity})
    return {"customerOrderId": customer_order_id, "refundLines": lines}


def stock(sku: str, quantity: int) -> dict[str, Any]:
    return {"sku": sku, "quantity": {"unit": "EACH", "amount": quantity}}
