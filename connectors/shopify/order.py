"""One Shopify order, in either spelling, as a canonical order."""

from __future__ import annotations

import json
from datetime import datetime

from connectors.errors import SchemaDrift
from connectors.shopify.amounts import amount_at, buyer_money, currency_of
from connectors.shopify.balance import Balance
from connectors.shopify.edits import as_edited
from connectors.shopify.node import Node
from connectors.shopify.parts import Parts, sold_lines
from connectors.shopify.people import address_at, buyer_of
from connectors.shopify.quantities import Quantities
from connectors.shopify.refunds import refunds_of
from connectors.shopify.state import state_of
from models.order import Order, OrderKey, OrderLine

CHANNEL = "shopify"
EXPRESS_WORDS = ("express", "overnight", "next day", "next-day", "priority")


def external_id(order: Node) -> str:
    """Shopify's numeric order id: the same from a webhook, REST and GraphQL."""
    found = order.at("id", "legacy_resource_id", "admin_graphql_api_id")
    return found.needed("An order is known by its numeric id.").identity()


def read_order(order: Node, account: str) -> Order:
    """Raises `SchemaDrift`, and pydantic's `ValidationError` where values contradict each other."""
    key = OrderKey(channel=CHANNEL, account=account, external_id=external_id(order))
    currency = currency_of(order)
    order.at("line_items").needed("An order has lines.")
    order, balance, parts = _balanced(order, currency)
    _check_lines(order, parts.lines)
    bill_to, ship_to = address_at(order.at("billing_address")), address_at(order.at("shipping_address"))
    return Order(
        key=key,
        purchased_at=order.at("processed_at", "created_at").moment(),
        version=version_of(order),
        state=state_of(order, parts.lines),
        currency=currency,
        lines=parts.lines,
        charges=parts.charges,
        total=balance.total,
        buyer_total=buyer_money(order, "total_price", currency),
        buyer=buyer_of(order, bill_to, ship_to),
        ship_to=ship_to,
        bill_to=bill_to,
        service_level=_service_level(order),
        parcels=Quantities(order).parcels,
        refunds=refunds_of(order, currency),
        cancel_reason=order.at("cancel_reason").text().lower() or None,
        test=order.at("test").flag(),
        extras=_extras(order),
    )


def _balanced(order: Node, currency: str) -> tuple[Node, Balance, Parts]:
    """The order, its balance and its parts: as stated or, where that does not add up, as it was edited."""
    balance = Balance(order, currency)
    try:
        return order, balance, balance.parts()
    except SchemaDrift as drift:
        edited = as_edited(order, currency) if drift.reason == "totals_differ" else None
        if edited is None:
            raise
        balance = Balance(edited, currency)
        try:
            return edited, balance, balance.parts()
        except SchemaDrift:
            raise drift from None


def version_of(order: Node) -> datetime:
    """When Shopify last changed the order. Without it, its birth: that never overwrites a newer version."""
    return order.at("updated_at", "created_at", "processed_at").moment()


def _check_lines(order: Node, lines: tuple[OrderLine, ...]) -> None:
    if not lines:
        raise order.at("line_items").drift("no_lines", "Every line is removed or a tip: nothing was sold.")
    seen: set[str] = set()
    for line in sold_lines(order):
        line_id = line.at("id", "admin_graphql_api_id").identity()
        if line_id in seen:
            raise line.at("id").drift("duplicate_line", "Line ids are unique within an order.")
        seen.add(line_id)


def _service_level(order: Node) -> str:
    shown = _shipping_method(order).lower()
    return "express" if any(word in shown for word in EXPRESS_WORDS) else "standard"


def _shipping_method(order: Node) -> str:
    rows = order.at("shipping_lines").objects()
    return next((row.at("title", "code").text() for row in rows if not row.at("is_removed").flag()), "")


def _extras(order: Node) -> dict[str, str]:
    """What Shopify says beside the canonical order; empty values are left out."""
    tags = order.at("tags")
    found = {
        "name": order.at("name").text(),
        "confirmation_number": order.at("confirmation_number").text(),
        "source": order.at("source_name").text(),
        "payment_status": order.at("financial_status", "display_financial_status").text().lower(),
        "note": order.at("note").text(),
        "tags": ", ".join(_tags(tags)),
        "attributes": _attributes(order),
        "shipping_method": _shipping_method(order),
        "edited": "true" if order.at("edited").flag() else "",
        "gift_card_lines": ",".join(_gift_cards(order)),
        "current_total": amount_at(order, "current_total_price").text(),
    }
    return {name: value for name, value in found.items() if value}


def _tags(tags: Node) -> list[str]:
    if isinstance(tags.value, list):
        return [tag for node in tags.items() if (tag := node.text())]
    return [tag.strip() for tag in tags.text().split(",") if tag.strip()]


def _attributes(order: Node) -> str:
    rows = order.at("custom_attributes", "note_attributes")
    if not isinstance(rows.value, list):
        return ""
    pairs = {row.at("key", "name").text(): row.at("value").text() for row in rows.items()}
    return json.dumps(pairs, ensure_ascii=False) if pairs else ""


def _gift_cards(order: Node) -> list[str]:
    return [line.at("id").text() for line in sold_lines(order) if line.at("is_gift_card", "gift_card").flag()]
