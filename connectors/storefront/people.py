"""Buyers and addresses."""

from __future__ import annotations

from connectors.storefront import contract
from models.order import Address, Buyer


def buyer(given: contract.Buyer) -> Buyer:
    return Buyer(
        name=given.name,
        email=given.email,
        phone=given.phone,
        company=given.company,
        purchase_order=given.purchase_order,
    )


def address(given: contract.Address | None) -> Address | None:
    if given is None:
        return None
    return Address(
        name=given.name,
        company=given.company,
        lines=tuple(line for line in given.lines if line),
        city=given.city,
        district=given.district,
        region=given.region,
        postal_code=given.postal_code,
        country=given.country,
        phone=given.phone,
    )
