"""What stands in a company's warehouses."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.tryton.client import TrytonClient
from models.ledger import StockLevel


async def stock_levels(client: TrytonClient) -> tuple[StockLevel, ...]:
    """On hand and not assigned, for each warehouse and product that has any."""
    found: list[StockLevel] = []
    for warehouse in await client.search("stock.location", [["type", "=", "warehouse"]], ["code"]):
        on_hand = await _quantities(client, warehouse["id"], stock_assign=False)
        free = await _quantities(client, warehouse["id"], stock_assign=True)
        found += [
            StockLevel(node=warehouse["code"] or "", item=item, on_hand=units, free=free.get(item, 0))
            for item, units in on_hand.items()
            if units or free.get(item)
        ]
    return tuple(found)


async def _quantities(client: TrytonClient, warehouse: int, *, stock_assign: bool) -> dict[str, int]:
    products = await client.search(
        "product.product",
        [["type", "=", "goods"]],
        ["code", "quantity"],
        locations=[warehouse],
        stock_date_end=datetime.now(UTC).date(),
        stock_assign=stock_assign,
    )
    return {product["code"]: int(product["quantity"] or 0) for product in products if product["code"]}
