"""Refunds that Amazon has booked for an order (Finances v0). Events of the last 48 hours may be missing."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from connectors.amazon import quotas
from connectors.amazon.answers import document
from connectors.amazon.node import Node
from connectors.http import VendorClient
from models.money import Money

SHOWN_WITHIN = timedelta(hours=48)
_COMPONENTS = {"Principal": "Principal", "Tax": "Tax", "ShippingCharge": "Shipping", "ShippingTax": "ShippingTax"}
"""ChargeType of an event -> component of an adjustment."""


class Finances:
    def __init__(self, client: VendorClient) -> None:
        self._client = client

    async def refunds(self, order_id: str) -> list[tuple[str, dict[str, Money]]]:
        """For each item of each refund: the order item's id, and the amounts by component, positive."""
        path = f"/finances/v0/orders/{quote(order_id, safe='')}/financialEvents"
        found: list[tuple[str, dict[str, Money]]] = []
        params: dict[str, str] = {}
        while True:
            response = await self._client.send(quotas.GET_FINANCIAL_EVENTS, "GET", path, params=params)
            payload = document(response, "list financial events")["payload"]
            for event in payload["FinancialEvents"]["RefundEventList"].each():
                found += [(item["OrderItemId"].text(), _amounts(item)) for item in _items(event)]
            if not payload["NextToken"]:
                return found
            params = {"NextToken": payload["NextToken"].text()}


def _items(event: Node) -> list[Node]:
    return list(event["ShipmentItemAdjustmentList"].each())


def _amounts(item: Node) -> dict[str, Money]:
    amounts: dict[str, Money] = {}
    for charge in item["ItemChargeAdjustmentList"].each():
        kind = charge["ChargeType"].text()
        stated = charge["ChargeAmount"]
        amount = Money.of(abs(stated["CurrencyAmount"].decimal()), stated["CurrencyCode"].identifier())
        if amount:
            amounts[_COMPONENTS.get(kind, kind)] = amount
    return amounts
