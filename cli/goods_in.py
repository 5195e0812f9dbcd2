"""Goods that a supplier brings, as the retailer's own people book them in Tryton: Orderyard has no part in that."""

from __future__ import annotations

from decimal import Decimal

from connectors.erp.tryton.company import CompanyBooks
from connectors.erp.tryton.options import TrytonOptions
from connectors.errors import Declined
from connectors.registry import SystemConnection

MOVE = "stock.move"


async def book_arrival(connection: SystemConnection, item: str, node: str, units: int) -> None:
    """Units of an item arrive in a node's storage. Raises `Declined` when the books do not know them."""
    options = TrytonOptions.of(connection)
    books = CompanyBooks(connection, options, options.company)
    try:
        made = await books.client.create(MOVE, await _arrival(books, item, node, units), _cannot_be_found, ["state"])
        await books.client.press(MOVE, made["id"], "do", ("done",))
    finally:
        await books.client.aclose()


async def _arrival(books: CompanyBooks, item: str, node: str, units: int) -> dict[str, object]:
    supplier = await books.client.first("stock.location", [["type", "=", "supplier"]])
    if supplier is None:
        raise Declined("tryton: no location of suppliers: create it in Tryton", code="no_location", field="supplier")
    return {
        "company": books.client.company,
        "product": await books.masters.product(item),
        "unit": await books.masters.unit(),
        "quantity": units,
        "from_location": supplier["id"],
        "to_location": (await books.masters.warehouse(node))["storage_location"],
        "unit_price": Decimal(0),
        "currency": (await books.masters.company_currency())["id"],
    }


async def _cannot_be_found() -> None:
    """A move has no reference of its own: an arrival whose reply is lost fails, and a person looks."""
