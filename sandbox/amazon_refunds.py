"""Money that was paid back to buyers: kept, shown as financial events (Finances v0), taken off the next settlement."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models.money import Money
from sandbox.amazon_answers import Payload, not_found, now, written
from sandbox.amazon_prices import component_limits
from sandbox.amazon_shelf import AmazonShelf, order_key
from sandbox.core import Sandbox

CHARGES = {"Shipping": "ShippingCharge"}
"""Component of an adjustment -> ChargeType of an event, where they differ."""
Components = dict[str, Money]


class AmazonRefunds:
    def __init__(self, sandbox: Sandbox, shelf: AmazonShelf) -> None:
        self._ledger = sandbox.ledger
        self._shelf = shelf
        self._refunds = sandbox.shelf.collection("amazon_refunds")

    def left(self, order_id: str, item: Payload) -> Components:
        """What may still be paid back of an item, by component."""
        limits = component_limits(item)
        for refund in self._refunds.values():
            for paid in refund["items"] if refund["order_id"] == order_id else ():
                for kind, amount in paid["components"].items() if paid["item"] == item["orderItemId"] else ():
                    limits[kind] = limits[kind] - Money.model_validate(amount)
        return limits

    def pay(self, order_id: str, items: list[tuple[str, str, Components]]) -> None:
        """Pay back: (order item, reason, components) each; whether that may be is asked before."""
        number = str(len(self._refunds) + 1)
        paid = [
            {
                "item": item,
                "reason": reason,
                "components": {kind: amount.model_dump(mode="json") for kind, amount in components.items()},
            }
            for item, reason, components in items
        ]
        self._refunds.put(number, {"id": number, "order_id": order_id, "items": paid, "at": written(now())})
        amounts = [amount for _, _, components in items for amount in components.values()]
        total = Money.total(amounts, amounts[0].currency)
        self._ledger.record("amazon", "refunded", order_key(order_id), amount=str(total), refund=number)

    def unsettled(self) -> list[Payload]:
        return [refund for refund in self._refunds.values() if not refund.get("settled")]

    def settled(self, refund: Payload, settlement_id: str) -> None:
        self._refunds.put(refund["id"], {**refund, "settled": settlement_id})

    async def events(self, request: Request) -> Response:
        """`GET /finances/v0/orders/{orderId}/financialEvents`: amounts are JSON numbers, refunds negative."""
        order_id = request.path_params["order_id"]
        record = self._shelf.get(order_id)
        if record is None:
            raise not_found("The order")
        found = [refund for refund in self._refunds.values() if refund["order_id"] == order_id]
        events = [_event(record["order"], refund) for refund in found]
        return JSONResponse({"payload": {"FinancialEvents": {"RefundEventList": events}}})


def _event(order: Payload, refund: Payload) -> Payload:
    skus = {item["orderItemId"]: item.get("product", {}).get("sellerSku", "") for item in order["orderItems"]}
    return {
        "AmazonOrderId": refund["order_id"],
        "MarketplaceName": order.get("salesChannel", {}).get("marketplaceName", ""),
        "PostedDate": refund["at"],
        "ShipmentItemAdjustmentList": [
            {
                "SellerSKU": skus.get(paid["item"], ""),
                "OrderItemId": paid["item"],
                "OrderAdjustmentItemId": f"{paid['item']}-{refund['id']}",
                "ItemChargeAdjustmentList": [_charge(kind, amount) for kind, amount in paid["components"].items()],
            }
            for paid in refund["items"]
        ],
    }


def _charge(kind: str, amount: Payload) -> dict[str, Any]:
    value = -Decimal(amount["amount"])
    number = int(value) if value == value.to_integral_value() else float(value)
    return {
        "ChargeType": CHARGES.get(kind, kind),
        "ChargeAmount": {"CurrencyCode": amount["currency"], "CurrencyAmount": number},
    }
