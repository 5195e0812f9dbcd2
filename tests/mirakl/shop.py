"""What the tests of Mirakl share: requests to a channel, payloads, and the vendor's own contract."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from connectors.mirakl.parse import parse
from connectors.ports import Refusal
from models.channel import Acknowledgement, Cancellation, CancelReason, RefundLine, RefundReason, RefundRequest
from models.fulfilment import ConfirmedParcel
from models.money import Money
from models.order import Order, OrderKey

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts"
SAMPLES = CONTRACTS / "samples/mirakl"
SPEC = CONTRACTS / "specs/mirakl/mirakl-mmp-seller.openapi.json.gz"
ACCOUNT = "decora-eu"
NOT_IN_PRACTICE = {"paymentType", "shipping_address", "billing_address"}
"""Required by the contract and absent in the vendor's own examples, or before the buyer is debited."""


def key(order_id: str) -> OrderKey:
    return OrderKey(channel="mirakl", account=ACCOUNT, external_id=order_id)


def about(order_id: str) -> dict[str, Any]:
    return {"request_id": f"{order_id}#test", "order_key": key(order_id), "correlation_id": "c-1"}


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def acknowledgement(order: Order) -> Acknowledgement:
    return Acknowledgement(lines=tuple(line.line_id for line in order.lines), **about(order.key.external_id))


def parcel(order: Order, number: int = 1, units: dict[str, int] | None = None) -> ConfirmedParcel:
    return ConfirmedParcel(
        order_key=order.key,
        correlation_id="c-1",
        shipment_id=f"S-{number}",
        package_number=number,
        carrier="DHL Paket",
        tracking=f"JD{number:06d}",
        shipped_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        units=units or {line.line_id: line.open for line in order.lines},
    )


def cancellation(order: Order, units: dict[str, int] | None = None) -> Cancellation:
    every = {line.line_id: line.open for line in order.lines}
    return Cancellation(
        units=units or every,
        whole=units is None,
        reason=CancelReason.OUT_OF_STOCK,
        **about(order.key.external_id),
    )


def refund(order: Order, amount: str, *, units: int = 0, tax: str | None = None) -> RefundRequest:
    line = RefundLine(
        line_id=order.lines[0].line_id,
        quantity=units,
        goods=Money.of(amount, order.currency),
        tax=Money.of(tax, order.currency) if tax else None,
    )
    return RefundRequest(lines=(line,), reason=RefundReason.DAMAGED, **about(order.key.external_id))


def line_payload(place: int = 1, quantity: int = 2, unit: str = "10.00", **more: Any) -> dict[str, Any]:
    price = Decimal(unit) * quantity
    return {
        "order_line_id": f"A-{place}",
        "order_line_state": "SHIPPING",
        "offer_sku": f"SKU-{place}",
        "quantity": quantity,
        "price_unit": float(unit),
        "price": float(price),
        "shipping_price": 0,
        **more,
    }


def order_payload(total: str, *lines: dict[str, Any], state: str = "SHIPPING", **more: Any) -> dict[str, Any]:
    return {
        "order_id": "A",
        "order_state": state,
        "created_date": "2026-11-01T10:00:00Z",
        "last_updated_date": "2026-11-01T10:05:00Z",
        "currency_iso_code": "EUR",
        "order_tax_mode": "TAX_INCLUDED",
        "total_price": float(total),
        "order_lines": list(lines),
        **more,
    }


def parsed(payload: Any) -> Order:
    """The one order of a payload, whose totals add up."""
    result = parse(json.dumps(payload).encode(), ACCOUNT)
    assert not result.refusals, result.refusals
    (order,) = result.orders
    assert not order.totals.difference
    return order


def refused(payload: Any) -> Refusal:
    result = parse(json.dumps(payload).encode(), ACCOUNT)
    assert not result.orders
    (refusal,) = result.refusals
    return refusal


@cache
def contract() -> dict[str, Any]:
    """The seller OpenAPI, without the fields that the vendor itself does not always send."""
    document: dict[str, Any] = json.loads(gzip.decompress(SPEC.read_bytes()))
    for schema in document["components"]["schemas"].values():
        if "required" in schema:
            schema["required"] = [name for name in schema["required"] if name not in NOT_IN_PRACTICE]
    return document


def check(document: Any, schema: dict[str, Any]) -> None:
    whole = {**schema, "components": contract()["components"]}
    jsonschema.Draft202012Validator(whole).validate(document)
