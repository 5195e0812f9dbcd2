"""The whole product on a real ERP, where the worker and the ERP are killed while orders are posted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cli.demo_books import read_back
from cli.erp import demo_goods
from settings import Settings
from stack.tryton import LocalTryton
from store import orders
from tests.prove import scenes
from tests.prove.product import Product

UNIQUE = {"sale.sale": "web_id", "stock.shipment.out": "reference", "account.invoice": "reference"}
"""Tryton's documents -> the field that has our reference."""


@asynccontextmanager
async def local_tryton(home: Path) -> AsyncIterator[LocalTryton]:
    tryton = LocalTryton(home, Settings().data_dir / "erp" / "cache", demo_goods(), keep_ports=False)
    try:
        yield await asyncio.to_thread(tryton.start)
    finally:
        await asyncio.to_thread(tryton.destroy)


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


def _references(tryton: LocalTryton) -> Counter[tuple[int, str, str]]:
    """(company, model, reference) -> how many documents that count have it."""
    rpc = tryton.admin()
    found: Counter[tuple[int, str, str]] = Counter()
    for company in tryton.connection()["options"]["companies"].values():
        for model, field in UNIQUE.items():
            domain = [[field, "!=", None], ["state", "!=", "cancelled"], ["company", "=", company["id"]]]
            for record in rpc.search(model, domain, [field], company=company["id"]):
                found[company["id"], model, record[field]] += 1
    rpc.close()
    assert found, "nothing is in Tryton: this proves nothing"
    return found
