"""AvaTax transactions made from canonical orders.

Field limits (50 characters for codes) and tax codes are those of `CreateTransactionModel` in Avalara's SDKs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from connectors.contract import correlation_of
from connectors.errors import Declined
from connectors.ports import NO_CODES
from connectors.tax.parts import Part, taxable_amount, taxes_of
from models.order import Address, ChargeKind, Order, Remitter

CODE_LENGTH = 50
GOODS_CODE = "P0000000"
"""Tangible personal property."""
FREIGHT_CODE = "FR"
NOT_TAXABLE_CODE = "NT"
TAX_CODES = {
    ChargeKind.SHIPPING: FREIGHT_CODE,
    ChargeKind.TIP: NOT_TAXABLE_CODE,
    ChargeKind.DUTY: NOT_TAXABLE_CODE,
    ChargeKind.ROUNDING: NOT_TAXABLE_CODE,
}
# How a code is written in a path (Avalara's SDK documentation of `CommitTransaction`); `%` first, so that none is
# escaped twice.
PATH_ESCAPES = {"%": "_-ava25-_", "/": "_-ava2f-_", "+": "_-ava2b-_", "?": "_-ava3f-_", "#": "_-ava23-_"}

Document = dict[str, Any]


def code_of(text: str) -> str:
    """Code of an order key's transaction: the key, or its start and a digest if too long. A code is its own code."""
    if len(text) <= CODE_LENGTH:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: CODE_LENGTH - len(digest) - 1]}-{digest}"


def in_path(code: str) -> str:
    for character, escape in PATH_ESCAPES.items():
        code = code.replace(character, escape)
    return quote(code, safe="")


def transaction(
    order: Order, company_code: str, ship_from: Address | None, codes: Mapping[str, str] = NO_CODES
) -> Document:
    """An uncommitted sales invoice; `codes` is SKU -> tax code. Raises `Declined` when no address says where."""
    return {
        "type": "SalesInvoice",
        "code": code_of(str(order.key)),
        "companyCode": company_code,
        "date": order.purchased_at.date().isoformat(),
        # The channel's account, not the buyer: exemption certificates are not used here, and names stay at home.
        "customerCode": f"{order.key.channel}/{order.key.account}"[:CODE_LENGTH],
        "currencyCode": order.currency,
        "commit": False,
        "referenceCode": correlation_of(order)[:CODE_LENGTH],
        "purchaseOrderNo": order.buyer.purchase_order[:CODE_LENGTH],
        "addresses": addresses(order, ship_from),
        "lines": [
            {"number": str(number), **line}
            for number, line in enumerate([*_goods(order, codes), *_charges(order)], start=1)
        ],
    }


def _goods(order: Order, codes: Mapping[str, str]) -> list[Document]:
    return [
        {
            **_part(order, line),
            "quantity": line.quantity,
            "taxCode": codes.get(line.sku, GOODS_CODE),
            "itemCode": line.sku[:CODE_LENGTH],
            "description": line.title[:255],
            "ref1": line.line_id[:CODE_LENGTH],
        }
        for line in order.lines
    ]


def _charges(order: Order) -> list[Document]:
    return [
        {
            **_part(order, charge),
            "quantity": 1,
            "taxCode": TAX_CODES.get(charge.kind, GOODS_CODE),
            "description": (charge.label or charge.kind.value)[:255],
            "ref1": (charge.line_id or "")[:CODE_LENGTH],
        }
        for charge in order.charges
    ]


def _part(order: Order, part: Part) -> Document:
    taxes = taxes_of(order, part)
    by_channel = bool(taxes) and all(tax.remitter is Remitter.CHANNEL for tax in taxes)
    return {
        "amount": str(taxable_amount(order, part).amount),
        "taxIncluded": any(tax.included for tax in taxes),
        "marketplaceLiabilityType": "Marketplace" if by_channel else "Seller",
    }


def addresses(order: Order, ship_from: Address | None) -> Mapping[str, Document]:
    """Where a sale is taxed. Raises `Declined` when nothing says it."""
    destination = order.ship_to or order.bill_to
    if destination and ship_from:
        return {"ShipFrom": _address(ship_from), "ShipTo": _address(destination)}
    if only := destination or ship_from:
        return {"SingleLocation": _address(only)}
    raise Declined(
        f"tax: {order.key} has no address to be taxed at; give it a ship-to, or the connection a ship_from",
        code="address_missing",
        field="ship_to",
    )


def _address(address: Address) -> Document:
    fields = {
        **{f"line{number}": line for number, line in enumerate(address.lines[:3], start=1)},
        "city": address.city,
        "region": address.region,
        "country": address.country,
        "postalCode": address.postal_code,
    }
    return {name: value for name, value in fields.items() if value}
