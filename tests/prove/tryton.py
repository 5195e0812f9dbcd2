"""The whole product on a real ERP, where the worker and the ERP are killed while orders are posted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cli.demo_books import read_back
from cli.erp import demo_goods
from settings import Settings
from stack.tryton import LocalTryton
from store import orders
from tests.prove import scenes
from tests.prove.product import Change, Product

UNIQUE = {
    "sale.sale": ("web_id",),
    "stock.shipment.out": ("reference", "warehouse"),
    "stock.shipment.out.return": ("reference",),
    "account.invoice": ("reference",),
    "account.move": ("description",),  # Of journals and payments; those of invoices have none of ours.
}
"""Tryton's documents -> the fields that together have our reference. A parcel may leave several warehouses."""
Reference = tuple[int, str, tuple[str, ...]]
"""Company, model, reference."""


@asynccontextmanager
async def local_tryton(home: Path) -> AsyncIterator[LocalTryton]:
    tryton = LocalTryton(home, Settings().data_dir / "erp" / "cache", demo_goods(), keep_ports=False)
    try:
        yield await asyncio.to_thread(tryton.start)
    finally:
        await asyncio.to_thread(tryton.destroy)


def tryton_is_the_erp(tryton: LocalTryton) -> Change:
    def change(connections: dict[str, Any]) -> None:
        connections["erp"] = dict(tryton.connection())

    return change


async def survives_kills_of_both(product: Product, tryton: LocalTryton, kills: int) -> None:
    """Worker and Tryton are killed in turn, at chance moments of the postings; the books show everything once."""
    await product.buy(product.size.orders)
    killed: Counter[str] = Counter()
    for number, share in enumerate(scenes.moments(kills, seed=kills)):
        await _reach(product, share)
        name = "tryton" if number % 2 else "worker"
        await (_kill(tryton) if name == "tryton" else product.kill(name))
        killed[name] += 1
    await product.ship()
    await product.settle()
    await product.until(product.run.settled, "every settlement to be booked")
    print(f"\nkilled {dict(killed)} while {len(await product.run.states())} orders were posted")
    await check(product, tryton)


async def check(product: Product, tryton: LocalTryton) -> None:
    result = await product.run.count(seconds=0.0)
    assert result.unfinished == 0
    assert result.duplicates == {}, "effects too many"
    books = await read_back(tryton.connection(), await product.run.happened(), await product.run.settlements())
    found = await asyncio.to_thread(_references, tryton)
    doubled = {reference: count for reference, count in found.items() if count > 1}
    print(f"Tryton has {dict(books.documents)}; {len(doubled)} of {len(found)} references are there twice")
    assert doubled == {}
    assert books.wrong == {}, books.wrong


async def _kill(tryton: LocalTryton) -> None:
    """`kill -9` of the server and all its workers, whatever they are doing; then it is started again."""
    await asyncio.to_thread(tryton.child.kill)
    await asyncio.to_thread(tryton.restart)


async def _reach(product: Product, share: float) -> None:
    """Wait until so much is in the ERP: one sale an order, and the invoice of what it shipped."""

    async def reached() -> bool:
        async with product.run.database.session() as session:
            found = await orders.find(session, limit=1_000_000)
        snapshots = [snapshot for row in found if (snapshot := row.order_snapshot()) is not None]
        sold = sum(snapshot.erp_order is not None for snapshot in snapshots)
        billed = sum(any(parcel.invoice for parcel in snapshot.shipments) for snapshot in snapshots)
        return sold + billed >= share * 2 * product.size.orders

    await product.until(reached, f"{share:.0%} of the orders to be posted")


def _references(tryton: LocalTryton) -> Counter[Reference]:
    """How many documents that count have each reference."""
    rpc = tryton.admin()
    found: Counter[Reference] = Counter()
    for company in tryton.connection()["options"]["companies"].values():
        for model, fields in UNIQUE.items():
            ours = ["description", "like", "%#%"] if model == "account.move" else [fields[0], "!=", None]
            domain = [ours, ["state", "!=", "cancelled"], ["company", "=", company["id"]]]
            for record in rpc.search(model, domain, [*fields], company=company["id"]):
                found[company["id"], model, tuple(str(record[field]) for field in fields)] += 1
    rpc.close()
    assert found, "nothing is in Tryton: this proves nothing"
    return found
