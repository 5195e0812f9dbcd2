"""Buyer and addresses. Nothing here is needed to accept an order: what is unreadable stays empty."""

from __future__ import annotations

from connectors.shopify.node import Node
from models.order import Address, Buyer


def address_at(node: Node) -> Address | None:
    if not isinstance(node.value, dict) or not any(node.value.values()):
        return None
    lines = (node.at("address1").text(), node.at("address2").text())
    return Address(
        name=node.at("name").text() or _full_name(node),
        company=node.at("company").text(),
        lines=tuple(line for line in lines if line),
        city=node.at("city").text(),
        region=node.at("province_code", "province").text(),
        postal_code=node.at("zip").text(),
        country=node.at("country_code_v2", "country_code").text(),
        phone=node.at("phone").text(),
    )


def buyer_of(order: Node, bill_to: Address | None, ship_to: Address | None) -> Buyer:
    customer = order.at("customer")
    address = bill_to or ship_to or Address()
    return Buyer(
        name=_full_name(customer) or address.name,
        email=_first(order.at("email"), order.at("contact_email"), customer.at("email")),
        phone=_first(order.at("phone"), customer.at("phone")) or address.phone,
        company=address.company,
        purchase_order=order.at("po_number").text(),
    )


def _first(*nodes: Node) -> str:
    return next((text for node in nodes if (text := node.text())), "")


def _full_name(node: Node) -> str:
    return " ".join(part for part in (node.at("first_name").text(), node.at("last_name").text()) if part)
