"""The documents of the WMS contract (`docs/contracts/wms.md`): made from, and read into, canonical models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from connectors.contract import drift
from connectors.errors import SchemaDrift
from connectors.ports import WmsReport
from models.base import Moment
from models.fulfilment import PickLine, Release, Shipment, Shortfall, ShortfallKind
from models.order import OrderKey
from models.systems import Condition, ReturnedItem, ReturnReceipt

Document = dict[str, Any]
SYSTEM = "WMS"


def _order_key(reference: Any) -> Any:
    return OrderKey.from_string(reference) if isinstance(reference, str) else reference


class Event(BaseModel):
    event: str


class PickDocument(BaseModel):
    line_reference: str = Field(min_length=1)
    item: str = Field(min_length=1)
    per_unit: int = Field(default=1, ge=1)
    quantity: int = Field(ge=1)

    def canonical(self) -> PickLine:
        return PickLine(line_id=self.line_reference, item=self.item, per_unit=self.per_unit, quantity=self.quantity)


class ShipmentDocument(BaseModel):
    shipment_id: str = Field(min_length=1)
    node: str = Field(min_length=1)
    carrier: str = ""
    tracking_number: str = ""
    shipped_at: Moment
    picks: list[PickDocument] = Field(min_length=1)

    def canonical(self, fulfilment_id: str) -> Shipment:
        return Shipment(
            shipment_id=self.shipment_id,
            fulfilment_id=fulfilment_id,
            node=self.node,
            carrier=self.carrier,
            tracking=self.tracking_number,
            shipped_at=self.shipped_at,
            picks=tuple(pick.canonical() for pick in self.picks),
        )


class ShortfallDocument(BaseModel):
    report_id: str = Field(min_length=1)
    node: str = Field(min_length=1)
    kind: ShortfallKind
    reason: str = ""
    reported_at: Moment
    picks: list[PickDocument] = Field(min_length=1)

    def canonical(self, fulfilment_id: str) -> Shortfall:
        return Shortfall(
            report_id=self.report_id,
            fulfilment_id=fulfilment_id,
            node=self.node,
            kind=self.kind,
            reason=self.reason,
            reported_at=self.reported_at,
            picks=tuple(pick.canonical() for pick in self.picks),
        )


class ShipmentReport(BaseModel):
    event: Literal["shipment"]
    fulfilment_id: str = Field(min_length=1)
    reply_to: str = Field(min_length=1)
    shipment: ShipmentDocument

    def canonical(self) -> WmsReport:
        return WmsReport(reply_to=self.reply_to, shipment=self.shipment.canonical(self.fulfilment_id))


class ShortfallReport(BaseModel):
    event: Literal["shortfall"]
    fulfilment_id: str = Field(min_length=1)
    reply_to: str = Field(min_length=1)
    shortfall: ShortfallDocument

    def canonical(self) -> WmsReport:
        return WmsReport(reply_to=self.reply_to, shortfall=self.shortfall.canonical(self.fulfilment_id))


class ReturnItemDocument(BaseModel):
    line_reference: str | None = None
    item: str = Field(min_length=1)
    quantity: int = Field(ge=1)
    condition: Condition


class ReturnReceiptDocument(BaseModel):
    receipt_id: str = Field(min_length=1)
    node: str = Field(min_length=1)
    received_at: Moment
    items: list[ReturnItemDocument] = Field(min_length=1)


class ReturnReportDocument(BaseModel):
    event: Literal["return_received"]
    rma: str = ""
    order_reference: Annotated[OrderKey | None, BeforeValidator(_order_key)] = None
    correlation_id: str = ""
    receipt: ReturnReceiptDocument

    def canonical(self) -> WmsReport:
        receipt = ReturnReceipt(
            receipt_id=self.receipt.receipt_id,
            order_key=self.order_reference,
            correlation_id=self.correlation_id or f"{self.receipt.node}/{self.receipt.receipt_id}",
            node=self.receipt.node,
            received_at=self.receipt.received_at,
            items=tuple(
                ReturnedItem(
                    line_id=item.line_reference, item=item.item, quantity=item.quantity, condition=item.condition
                )
                for item in self.receipt.items
            ),
        )
        return WmsReport(reply_to=self.rma, receipt=receipt)


REPORTS: Mapping[str, type[ShipmentReport | ShortfallReport | ReturnReportDocument]] = {
    "shipment": ShipmentReport,
    "shortfall": ShortfallReport,
    "return_received": ReturnReportDocument,
}
"""What the warehouse calls an event -> what it says then."""


class ShipmentsDocument(BaseModel):
    shipments: list[ShipmentDocument]


class CancellationDocument(BaseModel):
    confirmed: bool
    reason: str = ""


def shipment_report(reply_to: str, shipment: Shipment) -> Document:
    """What a warehouse reports of a parcel that left, of one that we asked instead."""
    told = {
        "shipment_id": shipment.shipment_id,
        "node": shipment.node,
        "carrier": shipment.carrier,
        "tracking_number": shipment.tracking,
        "shipped_at": shipment.shipped_at.isoformat(),
        "picks": _picks(shipment.picks),
    }
    return {"event": "shipment", "fulfilment_id": shipment.fulfilment_id, "reply_to": reply_to, "shipment": told}


def shortfall_report(reply_to: str, shortfall: Shortfall) -> Document:
    told = {
        "report_id": shortfall.report_id,
        "node": shortfall.node,
        "kind": shortfall.kind,
        "reason": shortfall.reason,
        "reported_at": shortfall.reported_at.isoformat(),
        "picks": _picks(shortfall.picks),
    }
    return {"event": "shortfall", "fulfilment_id": shortfall.fulfilment_id, "reply_to": reply_to, "shortfall": told}


def release(request: Release) -> Document:
    return {
        "fulfilment_id": request.fulfilment_id,
        "reply_to": request.reply_to,
        "order_reference": str(request.order_key),
        "correlation_id": request.correlation_id,
        "node": request.node,
        "service_level": request.service_level,
        "ship_by": request.ship_by.isoformat() if request.ship_by else None,
        "ship_to": request.ship_to.model_dump(mode="json"),
        "picks": _picks(request.picks),
    }


def _picks(picks: Iterable[PickLine]) -> list[Document]:
    return [
        {"line_reference": pick.line_id, "item": pick.item, "per_unit": pick.per_unit, "quantity": pick.quantity}
        for pick in picks
    ]


def read_report(body: bytes) -> WmsReport:
    """Raises `SchemaDrift` naming the field that is not as the contract says."""
    try:
        event = Event.model_validate_json(body).event
        if event not in REPORTS:
            remedy = f"the WMS must send one of {', '.join(REPORTS)}; see docs/contracts/wms.md"
            raise SchemaDrift("unknown_value", "event", event, remedy)
        return REPORTS[event].model_validate_json(body).canonical()
    except ValidationError as error:
        raise drift(error, body, SYSTEM) from error
