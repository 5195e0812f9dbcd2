"""An order of Orders 2026-01-01 in the words of Orders v0, and back."""

from __future__ import annotations

import re
from typing import Any

from sandbox.amazon_answers import Payload

STATUSES = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}
_BACK = {v0: status for status, v0 in STATUSES.items()} | {"InvoiceUnconfirmed": "SHIPPED"}
_PRICES = {"ITEM": "ItemPrice", "SHIPPING": "ShippingPrice", "COD_FEE": "CODFee"}
_TAXES = {"ITEM": "ItemTax", "SHIPPING": "ShippingTax"}
_DISCOUNTS = {"ITEM": "PromotionDiscount", "SHIPPING": "ShippingDiscount"}
_ADDRESS = {
    "name": "Name",
    "companyName": "CompanyName",
    "addressLine1": "AddressLine1",
    "addressLine2": "AddressLine2",
    "addressLine3": "AddressLine3",
    "city": "City",
    "districtOrCounty": "County",
    "stateOrRegion": "StateOrRegion",
    "municipality": "Municipality",
    "postalCode": "PostalCode",
    "countryCode": "CountryCode",
    "phone": "Phone",
}


def _old_money(money: Payload) -> Payload:
    return {"CurrencyCode": money["currencyCode"], "Amount": money["amount"].removeprefix("-")}


def _new_money(money: Payload) -> Payload:
    return {"amount": money.get("Amount"), "currencyCode": money.get("CurrencyCode")}


def address_to_v0(order: Payload) -> Payload:
    address = order.get("recipient", {}).get("deliveryAddress", {})
    return {old: address[new] for new, old in _ADDRESS.items() if address.get(new)}


def to_v0(order: Payload) -> Payload:
    """The order without items and address, as getOrder gives it."""
    fulfilment = order["fulfillment"]
    counts = [item.get("fulfillment", {}) for item in order["orderItems"]]
    old = {
        "AmazonOrderId": order["orderId"],
        "PurchaseDate": order["createdTime"],
        "LastUpdateDate": order["lastUpdatedTime"],
        "OrderStatus": STATUSES[fulfilment["fulfillmentStatus"]],
        "FulfillmentChannel": "AFN" if fulfilment.get("fulfilledBy") == "AMAZON" else "MFN",
        "SalesChannel": order["salesChannel"].get("marketplaceName"),
        "MarketplaceId": order["salesChannel"].get("marketplaceId"),
        "NumberOfItemsShipped": sum(count.get("quantityFulfilled", 0) for count in counts),
        "NumberOfItemsUnshipped": sum(count.get("quantityUnfulfilled", 0) for count in counts),
        "ShipmentServiceLevelCategory": fulfilment.get("fulfillmentServiceLevel", "STANDARD").title().replace("_", ""),
        "LatestShipDate": fulfilment.get("shipByWindow", {}).get("latestDateTime"),
        "EarliestShipDate": fulfilment.get("shipByWindow", {}).get("earliestDateTime"),
        "IsPrime": "PRIME" in order.get("programs", []),
        "IsBusinessOrder": "AMAZON_BUSINESS" in order.get("programs", []),
        "IsReplacementOrder": False,
    }
    if "grandTotal" in order.get("proceeds", {}):
        old["OrderTotal"] = _old_money(order["proceeds"]["grandTotal"])
    return {name: value for name, value in old.items() if value is not None}


def items_to_v0(order: Payload) -> list[Payload]:
    return [_item_to_v0(item) for item in order["orderItems"]]


def _item_to_v0(item: Payload) -> Payload:
    product = item.get("product", {})
    old: dict[str, Any] = {
        "ASIN": product.get("asin", ""),
        "OrderItemId": item["orderItemId"],
        "SellerSKU": product.get("sellerSku"),
        "Title": product.get("title"),
        "QuantityOrdered": item["quantityOrdered"],
        "QuantityShipped": item.get("fulfillment", {}).get("quantityFulfilled"),
        "IsGift": "true" if item.get("fulfillment", {}).get("packing", {}).get("giftOption") else "false",
    }
    for breakdown in item.get("proceeds", {}).get("breakdowns", []):
        old.update(_breakdown_to_v0(breakdown))
    if item.get("tax", {}).get("taxCollections"):
        old["TaxCollection"] = {"Model": "MarketplaceFacilitator", "ResponsibleParty": "Amazon Services, Inc."}
    if request := item.get("cancellation", {}).get("cancellationRequest"):
        reason = request.get("cancelReason", "")
        old["BuyerRequestedCancel"] = {"IsBuyerRequestedCancel": "true", "BuyerCancelReason": reason}
    gift = {name: old.pop(name) for name in ("GiftWrapPrice", "GiftWrapTax") if name in old}
    return {name: value for name, value in old.items() if value is not None} | ({"BuyerInfo": gift} if gift else {})


def _breakdown_to_v0(breakdown: Payload) -> Payload:
    kind, subtotal = breakdown["type"], _old_money(breakdown["subtotal"])
    if kind in ("TAX", "DISCOUNT"):
        names = _TAXES | {"GIFT_WRAP": "GiftWrapTax"} if kind == "TAX" else _DISCOUNTS
        details = breakdown.get("detailedBreakdowns") or [{"subtype": "ITEM", "value": breakdown["subtotal"]}]
        return {names.get(part["subtype"], names["ITEM"]): _old_money(part["value"]) for part in details}
    return {"GiftWrapPrice" if kind == "GIFT_WRAP" else _PRICES.get(kind, "ItemPrice"): subtotal}


def from_v0(order: Payload, items: list[Payload]) -> Payload:
    """The same order in the words of 2026-01-01; what v0 does not say is absent."""
    address = order["ShippingAddress"] if isinstance(order.get("ShippingAddress"), dict) else {}
    new: dict[str, Any] = {
        "orderId": order.get("AmazonOrderId"),
        "createdTime": order.get("PurchaseDate"),
        "lastUpdatedTime": order.get("LastUpdateDate"),
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": order.get("MarketplaceId"),
            "marketplaceName": order.get("SalesChannel"),
        },
        "recipient": {"deliveryAddress": {new: address[old] for new, old in _ADDRESS.items() if address.get(old)}},
        "fulfillment": {
            "fulfillmentStatus": _BACK.get(str(order.get("OrderStatus")), order.get("OrderStatus")),
            "fulfilledBy": {"AFN": "AMAZON", "MFN": "MERCHANT"}.get(str(order.get("FulfillmentChannel"))),
            "fulfillmentServiceLevel": _upper(str(order.get("ShipmentServiceLevelCategory") or "Standard")),
            "shipByWindow": {"latestDateTime": order.get("LatestShipDate")},
        },
        "orderItems": [_item_from_v0(item) for item in items],
    }
    if isinstance(order.get("OrderTotal"), dict):
        new["proceeds"] = {"grandTotal": _new_money(order["OrderTotal"])}
    if order.get("ReplacedOrderId"):
        replaced = {"orderId": order["ReplacedOrderId"], "associationType": "REPLACEMENT_ORIGINAL_ID"}
        new["associatedOrders"] = [replaced]
    return _without_absent(new)


def _item_from_v0(item: Payload) -> Payload:
    ordered, shipped = item.get("QuantityOrdered"), item.get("QuantityShipped")
    counts = {"quantityFulfilled": shipped}
    prices = {kind: item[name] for kind, name in _PRICES.items() if isinstance(item.get(name), dict)}
    breakdowns = [{"type": kind, "subtotal": _new_money(price)} for kind, price in prices.items()]
    breakdowns += _each(item, "TAX", _TAXES) + _each(item, "DISCOUNT", _DISCOUNTS)
    new: dict[str, Any] = {
        "orderItemId": item.get("OrderItemId"),
        "quantityOrdered": ordered,
        "product": {"asin": item.get("ASIN"), "sellerSku": item.get("SellerSKU"), "title": item.get("Title")},
        "proceeds": {"breakdowns": breakdowns},
        "fulfillment": counts,
    }
    if isinstance(ordered, int) and isinstance(shipped, int):
        counts["quantityUnfulfilled"] = ordered - shipped
    if item.get("TaxCollection"):
        new["tax"] = {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR"}]}
    return _without_absent(new)


def _each(item: Payload, kind: str, names: dict[str, str]) -> list[Payload]:
    """A breakdown for every v0 field of a kind."""
    amounts = {on: _new_money(item[name]) for on, name in names.items() if isinstance(item.get(name), dict)}
    return [
        {"type": kind, "subtotal": amount, "detailedBreakdowns": [{"subtype": on, "value": amount}]}
        for on, amount in amounts.items()
    ]


def _upper(category: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", category).upper()


def _without_absent(document: Payload) -> Payload:
    present = {name: value for name, value in document.items() if value is not None}
    return {name: _without_absent(value) if isinstance(value, dict) else value for name, value in present.items()}
