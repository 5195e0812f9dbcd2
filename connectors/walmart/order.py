"""A purchase order of Orders v3, in the shapes of the US, Canada and Mexico, to the canonical order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.ports import Drift
from connectors.walmart.assembly import Facts, Item, assemble
from connectors.walmart.charges import KINDS, REGIONS, currency_of, read_sheet
from connectors.walmart.node import Node
from connectors.walmart.people import address, buyer
from connectors.walmart.statuses import Units, changed_at, parcels_of, state_of, units_of
from connectors.walmart.vocabulary import CHANNEL, ORDER_TYPES, SIDES
from models.money import Money
from models.order import ChannelState, FulfilmentSide, Order, OrderKey, OrderRefund

ACKNOWLEDGE_WITHIN = timedelta(hours=4)
"""developer.walmart.com, "Acknowledge an order"."""
_NOT_ASKED = frozenset({"", "false", "n", "no", "null"})


@dataclass(frozen=True)
class Line:
    node: Node
    line_id: str
    units: Units


def lines_of(order: Node) -> list[Node]:
    """`orderLines.orderLine[]`, or Mexico's `orderLines[]`. Raises `SchemaDrift` when there is none."""
    found = list(order["orderLines"].within("orderLine"))
    if not found:
        remedy = "An order has lines: read it again with GET /v3/orders/{purchaseOrderId}."
        raise order["orderLines"].drift("items_absent", remedy)
    return found


def read_order(order: Node, account: str) -> Order:
    """Raises `SchemaDrift` for what cannot be an order, `ValidationError` for values impossible together."""
    external_id = order["purchaseOrderId"].identifier()
    lines = [Line(node, line_id_of(node), units_of(node)) for node in lines_of(order)]
    currency = currency_of([line.node for line in lines])
    state = state_of(line.units for line in lines)
    rest = {
        "key": OrderKey(channel=CHANNEL, account=account, external_id=external_id),
        **_times(order, lines),
        **_parties(order),
        **_wishes(order, lines),
        "fulfilled_by": _side(order, lines, state),
        "currency": currency,
        "parcels": parcels_of(order, ((line.line_id, line.node) for line in lines)),
        "refunds": tuple(_refunds(external_id, lines, currency)),
        "region": REGIONS.get(currency, ""),
        "extras": _extras(order),
    }
    items = [_item(line, currency) for line in lines]
    total, path = _stated_total(order, currency)
    return assemble(Facts(items, currency, total, path, state, rest))


def drift_of(order: Node) -> Iterator[Drift]:
    """Words that decide nothing, and are not known."""
    kind = order["orderType"].text()
    if kind and kind.upper() not in ORDER_TYPES:
        yield Drift(kind="unknown_value", path="order.orderType", value=kind[:80])
    for line in order["orderLines"].within("orderLine"):
        for charge in line["charges"].within("charge"):
            word = charge["chargeType"].text()
            if word and word.upper() not in KINDS:
                path = "order.orderLines.orderLine[].charges.charge[].chargeType"
                yield Drift(kind="unknown_value", path=path, value=word[:80])


def line_id_of(line: Node) -> str:
    """`lineNumber`, or Mexico's `primeLineNumber`."""
    return (line["lineNumber"] if line.has("lineNumber") else line["primeLineNumber"]).identifier()


def _item(line: Line, currency: str) -> Item:
    item = line.node["item"]
    sku = item["sku"].text() or item["upc"].text() or item["offerId"].text()
    sheet = read_sheet(line.node, currency)
    return Item(line.node, line.line_id, sku or f"line:{line.line_id}", item["productName"].text(), line.units, sheet)


def _times(order: Node, lines: list[Line]) -> dict[str, Any]:
    info = order["shippingInfo"]
    promised = (line.node["promiseDeliveryDate"].moment_if_readable() for line in lines)
    return {
        "purchased_at": order["orderDate"].moment(),
        "version": changed_at(order, [line.node for line in lines]),
        "ship_by": info["estimatedShipDate"].moment_if_readable(),
        "deliver_by": info["estimatedDeliveryDate"].moment_if_readable()
        or min((moment for moment in promised if moment), default=None),
    }


def _parties(order: Node) -> dict[str, Any]:
    method = order["shippingInfo"]["methodCode"].text() or next(
        (text for line in lines_of(order) if (text := line["shippingMethod"].text())), ""
    )
    return {
        "buyer": buyer(order),
        "ship_to": address(order["shippingInfo"]),
        "bill_to": address(order["billingInfo"]),
        "service_level": method.lower() or "standard",
    }


def _wishes(order: Node, lines: list[Line]) -> dict[str, Any]:
    """What somebody waits for: Walmart for the seller's word, the buyer for a cancellation, for a replacement."""
    waits = any(line.units.created for line in lines) and _told_side(order, lines) is not FulfilmentSide.CHANNEL
    asked = [line for line in lines if line.units.open and _asked(line.node)]
    original = order["originalCustomerOrderID"].text() or order["originalCustomerOrderId"].text()
    return {
        "acknowledge_by": order["orderDate"].moment() + ACKNOWLEDGE_WITHIN if waits else None,
        "cancel_requested": _intent(asked) if asked else None,
        "cancel_reason": _cancel_reason(lines),
        "replacement_of": original or None,
    }


def _asked(line: Node) -> bool:
    return line["intentToCancel"].text().lower() not in _NOT_ASKED


def _intent(asked: list[Line]) -> str:
    numbers = ", ".join(line.line_id for line in asked)
    return f"intentToCancel of line {numbers} since {asked[0].node['intentToCancel'].text()}"


def _cancel_reason(lines: list[Line]) -> str | None:
    found = (
        text
        for line in lines
        for status in line.node["orderLineStatuses"].within("orderLineStatus")
        if (text := status["cancellationReason"].text())
    )
    return next(found, None)


def _told_side(order: Node, lines: list[Line]) -> FulfilmentSide | None:
    """Who ships, as far as the order says: the ship node's type, or Mexico's flag on each line."""
    if flags := {line.node["isWFSEnabled"].text().upper() for line in lines if line.node.has("isWFSEnabled")}:
        return FulfilmentSide.CHANNEL if flags == {"Y"} else FulfilmentSide.MERCHANT
    kind = order["shipNode"]["type"]
    # A list is of the seller's own orders unless others are asked for, and older answers do not name the node.
    return SIDES.get(kind.text()) if kind else FulfilmentSide.MERCHANT


def _side(order: Node, lines: list[Line], state: ChannelState) -> FulfilmentSide:
    """Raises `SchemaDrift` for a node nobody knows of an order that is still to be shipped."""
    found = _told_side(order, lines)
    if found is None and state not in (ChannelState.SHIPPED, ChannelState.CANCELLED):
        remedy = f"Who ships must be known, or the goods could leave twice: {', '.join(SIDES)}."
        raise order["shipNode"]["type"].drift("unknown_fulfiller", remedy)
    return found or FulfilmentSide.MERCHANT


def _refunds(external_id: str, lines: list[Line], currency: str) -> Iterator[OrderRefund]:
    """One for each refund of a line; its charges are negative, and so are their taxes."""
    for line in lines:
        for number, refund in enumerate(line.node["refund"].each(), start=1):
            charges = list(refund["refundCharges"].within("refundCharge"))
            paid = Money.total((_refunded(charge["charge"], currency) for charge in charges), currency)
            if paid:
                yield OrderRefund(
                    refund_id=refund["refundId"].text() or f"{external_id}-{line.line_id}-{number}",
                    amount=-paid if paid.amount < 0 else paid,
                    reason=next((text for each in charges if (text := each["refundReason"].text())), ""),
                )


def _refunded(charge: Node, currency: str) -> Money:
    amounts = [charge["chargeAmount"], *(tax["taxAmount"] for tax in charge["tax"].each())]
    return Money.total((amount.money(currency) for amount in amounts if amount), currency)


def _stated_total(order: Node, currency: str) -> tuple[Money | None, Node]:
    """The US states a total only in `orderSummary`, which most orders do not have; Mexico always does."""
    summary, mexican = order["orderSummary"]["totalAmount"], order["orderTotal"]
    if summary:
        return summary.money(currency, "currencyAmount", "currencyUnit"), summary
    return (mexican.money(currency), mexican) if mexican else (None, summary)


def _extras(order: Node) -> dict[str, str]:
    """What other calls need again: a return's refund the customer order, a shipment the method."""
    told = {
        "customer_order_id": order["customerOrderId"].text(),
        "method_code": order["shippingInfo"]["methodCode"].text(),
        "order_type": order["orderType"].text(),
        "ship_node": order["shipNode"]["name"].text() or order["shipNode"]["id"].text(),
        "ship_node_type": order["shipNode"]["type"].text(),
    }
    return {name: value for name, value in told.items() if value}
