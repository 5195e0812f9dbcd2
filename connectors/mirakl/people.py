"""Who buys, and where it goes. Operators hold addresses back until the buyer is debited: absent is normal."""

from __future__ import annotations

from connectors.mirakl.countries import alpha_2
from connectors.mirakl.node import Node
from models.order import Address, Buyer


def buyer(order: Node) -> Buyer:
    customer = order["customer"]
    return Buyer(
        name=_name(customer),
        email=order["customer_notification_email"].text(),
        phone=customer["shipping_address"]["phone"].text() or customer["billing_address"]["phone"].text(),
        company=customer["organization"]["name"].text(),
        purchase_order=order["references"]["order_reference_for_customer"].text(),
    )


def address(node: Node) -> Address | None:
    """None when there is nothing of an address yet."""
    read = Address(
        name=_name(node),
        company=", ".join(_filled(node, "company", "company_2")),
        lines=tuple(_filled(node, "street_1", "street_2", "additional_info")),
        city=node["city"].text(),
        region=node["state"].text(),
        postal_code=node["zip_code"].text(),
        country=alpha_2(node["country_iso_code"].text(), node["country"].text()),
        phone=node["phone"].text() or node["phone_secondary"].text(),
    )
    return read if read.lines or read.city or read.postal_code else None


def _name(node: Node) -> str:
    return " ".join(_filled(node, "firstname", "lastname"))


def _filled(node: Node, *names: str) -> list[str]:
    """The texts that are there, each once: buyers repeat themselves in the second line."""
    texts = (node[name].text() for name in names)
    return list(dict.fromkeys(text for text in texts if text))
