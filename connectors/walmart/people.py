"""Who buys, and where the parcel goes."""

from __future__ import annotations

from connectors.walmart.node import Node
from models.order import Address, Buyer

COUNTRIES = {
    "USA": "US", "CAN": "CA", "MEX": "MX", "CHL": "CL", "PRI": "PR", "GUM": "GU", "VIR": "VI", "ASM": "AS", "MNP": "MP",
}  # fmt: skip
"""Walmart's three letters (ISO 3166-1 alpha-3) of its markets and their territories -> two letters."""
_STREETS = ("address1", "address2", "address3", "address4", "address5", "address6")


def address(info: Node) -> Address | None:
    """Of `shippingInfo` or Mexico's `billingInfo`; None when there is none."""
    place = info["postalAddress"]
    if not place:
        return None
    country = place["country"].text().upper()
    return Address(
        name=place["name"].text(),
        lines=tuple(line for name in _STREETS if (line := place[name].text())),
        city=place["city"].text(),
        region=place["state"].text(),
        postal_code=place["postalCode"].text(),
        country=COUNTRIES.get(country, country),
        phone=info["phone"].text(),
    )


def buyer(order: Node) -> Buyer:
    info = order["shippingInfo"]
    return Buyer(
        name=info["postalAddress"]["name"].text(),
        email=order["customerEmailId"].text(),
        phone=info["phone"].text(),
    )
