"""confirmShipment (Orders v0): a package by its reference, new or edited."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.amazon_answers import Payload, Refused, error, invalid, json_body, not_found, written
from sandbox.amazon_shelf import AmazonShelf, order_key
from sandbox.ledger import Ledger

NEEDED = ("packageReferenceId", "carrierCode", "trackingNumber", "shipDate", "orderItems")
CONFIRMABLE = ("UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED")


def bad_input() -> Refused:
    return Refused(400, "Invalid Input", "Invalid Input")


def declined(_: Request) -> Response:
    """The refusal that a fault asks for."""
    return error(400, "InvalidInput", "The order is not eligible for shipment confirmation.", "1001")


class AmazonShipping:
    def __init__(self, shelf: AmazonShelf, ledger: Ledger) -> None:
        self._shelf = shelf
        self._ledger = ledger

    async def confirm(self, request: Request) -> Response:
        """`POST /orders/v0/orders/{orderId}/shipmentConfirmation` -> 204. The same reference edits its package."""
        package = _package(await json_body(request))
        record = self._shelf.get(request.path_params["order_id"])
        if record is None:
            raise not_found("The order")
        order = record["order"]
        _require_confirmable(order)
        reference = package["packageReferenceId"]
        former = next((p for p in order.get("packages", []) if p.get("packageReferenceId") == reference), None)
        counts = _counted(order, package, former)
        for item in order["orderItems"]:
            item["fulfillment"].update(counts[item["orderItemId"]])
        others = [each for each in order.get("packages", []) if each is not former]
        order["packages"] = [*others, package]
        order["fulfillment"]["fulfillmentStatus"] = _status(order)
        self._shelf.changed(record)
        effect = "shipment_confirmation_edited" if former else "shipment_confirmed"
        self._ledger.record("amazon", effect, order_key(record["id"]), package=reference, units=_units(package))
        return Response(status_code=204)


def _package(body: dict[str, Any]) -> Payload:
    """The package of a request. Raises `Refused` for what Amazon refuses before it looks at the order."""
    detail = body.get("packageDetail")
    if not isinstance(body.get("marketplaceId"), str):
        raise Refused(400, "InvalidInput", "Marketplace ID is not defined", "1001")
    if not isinstance(detail, dict) or any(not detail.get(name) for name in NEEDED):
        raise bad_input()
    reference = str(detail["packageReferenceId"])
    if not (reference.isascii() and reference.isdigit() and int(reference) > 0):
        raise invalid("packageReferenceId must be a positive number.")
    if detail["carrierCode"] == "Other" and not detail.get("carrierName"):
        raise invalid("carrierName is required when carrierCode is Other.")
    return {
        "packageReferenceId": reference,
        "createdTime": _ship_date(detail["shipDate"]),
        "packageStatus": {"status": "SHIPPED"},
        "carrier": detail.get("carrierName") or detail["carrierCode"],
        "shipTime": _ship_date(detail["shipDate"]),
        "shippingService": detail.get("shippingMethod", ""),
        "trackingNumber": str(detail["trackingNumber"]),
        "packageItems": [_package_item(each) for each in _items(detail["orderItems"])],
    }


def _items(items: Any) -> list[Any]:
    if not isinstance(items, list):
        raise bad_input()
    return items


def _package_item(item: Any) -> Payload:
    quantity = item.get("quantity") if isinstance(item, dict) else None
    if not isinstance(quantity, int) or quantity < 1 or not item.get("orderItemId"):
        raise bad_input()
    return {"orderItemId": str(item["orderItemId"]), "quantity": quantity}


def _ship_date(text: Any) -> str:
    """Amazon answers a date like 02/21/2022 with a bare `Invalid Input` (sandbox of the Orders v0 model)."""
    try:
        return written(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError):
        raise bad_input() from None


def _require_confirmable(order: Payload) -> None:
    fulfilment = order.get("fulfillment", {})
    if fulfilment.get("fulfilledBy") == "AMAZON":
        raise invalid("The order is fulfilled by Amazon: its shipment cannot be confirmed.")
    if "FBM_SHIP_PLUS" in order.get("programs", []):
        raise invalid("The order is in the FBM Ship+ program: its shipment cannot be confirmed.")
    if fulfilment.get("fulfillmentStatus") not in CONFIRMABLE:
        raise invalid(f"The order is {fulfilment.get('fulfillmentStatus')}: its shipment cannot be confirmed.")


def _units(package: Payload | None) -> dict[str, int]:
    units: dict[str, int] = {}
    for item in package["packageItems"] if package else []:
        units[item["orderItemId"]] = units.get(item["orderItemId"], 0) + item["quantity"]
    return units


def _counted(order: Payload, package: Payload, former: Payload | None) -> dict[str, Payload]:
    """Each item's counts with this package instead of its former self. Raises `Refused` when too much is shipped."""
    new, old = _units(package), _units(former)
    known = {item["orderItemId"]: item for item in order["orderItems"]}
    for item_id in new:
        if item_id not in known:
            raise invalid(f"The order item {item_id} does not belong to the order.")
    return {item_id: _item_counts(item, new.get(item_id, 0) - old.get(item_id, 0)) for item_id, item in known.items()}


def _item_counts(item: Payload, more: int) -> Payload:
    counts = item.setdefault("fulfillment", {})
    fulfilled = counts.get("quantityFulfilled", 0)
    left = counts.get("quantityUnfulfilled", item["quantityOrdered"] - fulfilled)
    if more > left and left == 0:
        raise invalid(f"The order item {item['orderItemId']} is already fulfilled.")
    if more > left:
        raise invalid(f"The quantity for order item {item['orderItemId']} exceeds the {left} left to ship.")
    return {"quantityFulfilled": fulfilled + more, "quantityUnfulfilled": left - more}


def _status(order: Payload) -> str:
    counts = [item["fulfillment"] for item in order["orderItems"]]
    if all(count["quantityUnfulfilled"] == 0 for count in counts):
        return "SHIPPED"
    return "PARTIALLY_SHIPPED" if any(count["quantityFulfilled"] for count in counts) else "UNSHIPPED"
