"""Payloads of our own in Walmart's shapes, and the requests that are made of orders."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from connectors.walmart.client import WalmartChannel
from connectors.walmart.parse import parse
from connectors.walmart.returns import parse_returns
from models.channel import (
    Acknowledgement,
    Cancellation,
    CancelReason,
    RefundLine,
    RefundReason,
    RefundRequest,
    ReturnAction,
    ReturnDecision,
    StockQuantity,
    StockUpdate,
)
from models.fulfilment import ConfirmedParcel
from models.money import Money
from models.order import Order
from models.returns import ChannelReturn

CORRELATION = "6c1f6cd6-7b9e-4d7e-9f53-1d3f9a3a3f10"
PLACED = 1_780_000_000_000
"""Epoch milliseconds."""


def amount(value: float | str, currency: str = "USD") -> dict[str, Any]:
    return {"currency": currency, "amount": value}


def charge(value: float, tax: float | None = None, kind: str = "PRODUCT", name: str = "ItemPrice") -> dict[str, Any]:
    told = {"chargeType": kind, "chargeName": name, "chargeAmount": amount(value)}
    return {**told, "tax": {"taxName": "Tax1", "taxAmount": amount(tax)}} if tax is not None else told


def status(word: str, units: int = 1, **more: Any) -> dict[str, Any]:
    return {"status": word, "statusQuantity": {"unitOfMeasurement": "EACH", "amount": str(units)}, **more}


def shipped(tracking: str, units: int = 1, **carrier: str) -> dict[str, Any]:
    info = {
        "shipDateTime": PLACED + 1000,
        "carrierName": carrier or {"carrier": "UPS"},
        "methodCode": "Value",
        "trackingNumber": tracking,
    }
    return status("Shipped", units, trackingInfo=info)


def line(number: int = 1, *statuses: dict[str, Any], units: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "lineNumber": str(number),
        "item": {"productName": f"Thing {number}", "sku": f"SKU-{number}"},
        "charges": {"charge": [charge(10.0, 0.8)]},
        "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": str(units)},
        "statusDate": PLACED,
        "orderLineStatuses": {"orderLineStatus": list(statuses) or [status("Created", units)]},
        **more,
    }


def order(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "purchaseOrderId": "1796277083022",
        "customerOrderId": "5281956426648",
        "customerEmailId": "relay@relay.walmart.com",
        "orderDate": PLACED,
        "shippingInfo": {
            "phone": "5550100",
            "estimatedShipDate": PLACED + 2 * 86_400_000,
            "estimatedDeliveryDate": PLACED + 6 * 86_400_000,
            "methodCode": "Value",
            "postalAddress": {
                "name": "Ada Miller",
                "address1": "2201 Westlake Ave",
                "city": "Seattle",
                "state": "WA",
                "postalCode": "98121",
                "country": "USA",
            },
        },
        "orderLines": {"orderLine": list(lines) or [line()]},
        **more,
    }


def single(document: dict[str, Any]) -> bytes:
    return json.dumps({"order": document}).encode()


def read(*lines: dict[str, Any], **more: Any) -> Order:
    """The one canonical order of a payload, proven."""
    parsed = parse(single(order(*lines, **more)), "US")
    assert not parsed.refusals, parsed.refusals
    (found,) = parsed.orders
    assert not found.totals.difference
    return found


async def fetch(channel: WalmartChannel, external_id: str) -> Order:
    parsed = parse(await channel.order(external_id), "US")
    assert not parsed.refusals, parsed.refusals
    assert not parsed.drift, parsed.drift
    (found,) = parsed.orders
    assert not found.totals.difference
    return found


async def taken(channel: WalmartChannel, external_id: str) -> Order:
    """The order, acknowledged."""
    await channel.acknowledge(acknowledgement(await fetch(channel, external_id)), retry=False)
    return await fetch(channel, external_id)


async def returns_of(channel: WalmartChannel) -> list[ChannelReturn]:
    page = await channel.returns(None)
    return [each for polled in page.returns for each in parse_returns(polled.body, "US").returns]


def about(found: Order, purpose: str) -> dict[str, Any]:
    return {
        "request_id": f"{found.key}#{purpose}",
        "order_key": found.key,
        "correlation_id": CORRELATION,
        "region": found.region,
        "extras": found.extras,
    }


def acknowledgement(found: Order) -> Acknowledgement:
    return Acknowledgement(**about(found, "acknowledge"), lines=tuple(each.line_id for each in found.lines))


def parcel(
    found: Order, units: dict[str, int] | None = None, *, number: int = 1, carrier: str = "UPS"
) -> ConfirmedParcel:
    return ConfirmedParcel(
        order_key=found.key,
        correlation_id=CORRELATION,
        shipment_id=f"SHIP-{number}",
        package_number=number,
        carrier=carrier,
        tracking=f"1Z{number:09d}",
        shipped_at=datetime(2026, 11, 23, 12, 30, tzinfo=UTC),
        units=units or {each.line_id: each.open for each in found.lines if each.open},
        region=found.region,
        extras=found.extras,
    )


def cancellation(
    found: Order, units: dict[str, int] | None = None, reason: CancelReason = CancelReason.OUT_OF_STOCK
) -> Cancellation:
    everything = {each.line_id: each.open for each in found.lines if each.open}
    return Cancellation(**about(found, "cancel"), units=units or everything, whole=units is None, reason=reason)


def refund(
    found: Order, goods: str, tax: str | None = None, *, line_id: str = "1", purpose: str = "r"
) -> RefundRequest:
    taxes = Money.of(tax, found.currency) if tax else None
    told = RefundLine(line_id=line_id, quantity=1, goods=Money.of(goods, found.currency), tax=taxes)
    return RefundRequest(**about(found, purpose), lines=(told,), reason=RefundReason.DAMAGED)


def decision(found: Order, return_id: str, action: ReturnAction = ReturnAction.REFUND) -> ReturnDecision:
    return ReturnDecision(**about(found, "return"), return_id=return_id, action=action, units={"1": 1})


def stock(**quantities: int) -> StockUpdate:
    told = tuple(StockQuantity(sku=sku.replace("_", "-"), quantity=units) for sku, units in quantities.items())
    return StockUpdate(request_id="US#stock", correlation_id=CORRELATION, quantities=told)
