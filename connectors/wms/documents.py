"""The documents of the WMS contract (`docs/contracts/wms.md`): made from, and read into, canonical models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from connectors.errors import SchemaDrift
from connectors.ports import WmsReport
from models.base import Moment
from models.fulfilment import PickLine, Release, Shipment

Document = dict[str, Any]


class PickDocument(BaseModel):
    line_reference: str = Field(min_length=1)
    item: str = Field(min_length=1)
    per_unit: int = Field(default=1, ge=1)
    quantity: int = Field(ge=1)


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
            picks=tuple(
                PickLine(line_id=pick.line_reference, item=pick.item, per_unit=pick.per_unit, quantity=pick.quantity)
                for pick in self.picks
            ),
        )


class ReportDocument(BaseModel):
    event: Literal["shipment"]
    fulfilment_id: str = Field(min_length=1)
    reply_to: str = Field(min_length=1)
    shipment: ShipmentDocument


class ShipmentsDocument(BaseModel):
    shipments: list[ShipmentDocument]


class CancellationDocument(BaseModel):
    confirmed: bool
    reason: str = ""


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
        "picks": [
            {"line_reference": pick.line_id, "item": pick.item, "per_unit": pick.per_unit, "quantity": pick.quantity}
            for pick in request.picks
        ],
    }


def read_report(body: bytes) -> WmsReport:
    """Raises `SchemaDrift` naming the field that is not as the contract says."""
    try:
        report = ReportDocument.model_validate_json(body)
    except ValidationError as error:
        raise drift(error, body) from error
    return WmsReport(reply_to=report.reply_to, shipment=report.shipment.canonical(report.fulfilment_id))


def drift(error: ValidationError, body: bytes) -> SchemaDrift:
    """The first thing a document has wrong."""
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return SchemaDrift("not_json", "$", body[:80], "the WMS must send a JSON object; see docs/contracts/wms.md")
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).removeprefix(".")
    if first["type"] == "missing":
        return SchemaDrift("missing", path, None, "the WMS must send this field; see docs/contracts/wms.md")
    return SchemaDrift("wrong_type", path or "$", first["input"], f"{first['msg']}; see docs/contracts/wms.md")
