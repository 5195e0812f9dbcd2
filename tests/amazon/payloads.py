"""Order payloads of Orders 2026-01-01 and v0, made for the tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema

from connectors.amazon.parse import parse
from connectors.ports import Refusal
from models.fulfilment import ConfirmedParcel
from models.order import Order

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts"
SAMPLES = CONTRACTS / "samples/amazon"
SPECS = CONTRACTS / "specs/amazon"


def check(document: Any, spec: str, definition: str) -> None:
    """Validate a document against Amazon's own model."""
    definitions = json.loads((SPECS / spec).read_bytes())["definitions"]
    jsonschema.validate(document, {"$ref": f"#/definitions/{definition}", "definitions": definitions})


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}


def breakdown(kind: str, amount: str, **details: str) -> dict[str, Any]:
    stated: dict[str, Any] = {"type": kind, "subtotal": usd(amount)}
    if details:
        stated["detailedBreakdowns"] = [{"subtype": on, "value": usd(part)} for on, part in details.items()]
    return stated


def item(number: int = 1, quantity: int = 2, unit: str = "10.00", **more: Any) -> dict[str, Any]:
    return {
        "orderItemId": f"1000{number}",
        "quantityOrdered": quantity,
        "product": {"asin": f"B00{number}", "sellerSku": f"SKU-{number}", "price": {"unitPrice": usd(unit)}},
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": quantity},
        **more,
    }


def proceeds(*breakdowns: dict[str, Any]) -> dict[str, Any]:
    return {"breakdowns": list(breakdowns)}


def order(total: str | None, *items: dict[str, Any], status: str = "UNSHIPPED", **more: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "orderId": "112-0000001-0000001",
        "createdTime": "2026-11-01T10:00:00Z",
        "lastUpdatedTime": "2026-11-01T10:05:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"},
        "orderItems": list(items),
    }
    if total is not None:
        stated["proceeds"] = {"grandTotal": usd(total)}
    return {**stated, **more}


def order_v0(total: str | None, *items: dict[str, Any], status: str = "Unshipped", **more: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "AmazonOrderId": "112-0000001-0000001",
        "PurchaseDate": "2026-11-01T10:00:00Z",
        "LastUpdateDate": "2026-11-01T10:05:00Z",
        "OrderStatus": status,
        "FulfillmentChannel": "MFN",
        "MarketplaceId": "ATVPDKIKX0DER",
        "OrderItems": list(items),
    }
    if total is not None:
        stated["OrderTotal"] = {"CurrencyCode": "USD", "Amount": total}
    return {**stated, **more}


def item_v0(*, quantity: int = 2, shipped: int = 0, **amounts: Any) -> dict[str, Any]:
    money = {
        name: {"CurrencyCode": "USD", "Amount": value} if isinstance(value, str) and value[:1].isdigit() else value
        for name, value in amounts.items()
    }
    return {
        "ASIN": "B001",
        "OrderItemId": "10001",
        "SellerSKU": "SKU-1",
        "QuantityOrdered": quantity,
        "QuantityShipped": shipped,
        **money,
    }


def parcel(order: Order, number: int = 1, **changes: Any) -> ConfirmedParcel:
    """Everything that is open of an order, in one parcel."""
    whole: dict[str, Any] = {
        "order_key": order.key,
        "correlation_id": "c-1",
        "shipment_id": f"S-{number}",
        "package_number": number,
        "carrier": "DHL",
        "tracking": f"TRACK-{order.key.external_id}-{number}",
        "shipped_at": datetime(2026, 11, 2, 12, tzinfo=UTC),
        "units": {line.line_id: line.open for line in order.lines},
        "region": order.region,
        **changes,
    }
    return ConfirmedParcel(**whole)


def accepted(document: Any) -> Order:
    """The only order of a document, which must be accepted, and add up."""
    parsed = parse(json.dumps(document).encode(), "US-1")
    assert not parsed.refusals, parsed.refusals
    (found,) = parsed.orders
    assert not found.totals.difference
    return found


def refused(document: Any) -> Refusal:
    """The only refusal of a document that holds no acceptable order."""
    parsed = parse(json.dumps(document).encode(), "US-1")
    assert not parsed.orders
    (refusal,) = parsed.refusals
    assert refusal.remedy
    return refusal
