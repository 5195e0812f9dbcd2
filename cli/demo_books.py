"""The demo on a real ERP: a Tryton of its own, and its books read back order by order at the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.erp import demo_goods
from cli.output import console, errors, rows
from connectors.erp.tryton.provider import TrytonErp
from connectors.registry import SystemConnection
from models.ledger import DocumentKind, OrderDocuments, TrialBalance
from models.order import OrderKey
from settings import Settings
from stack.tryton import LocalTryton

READERS = 4
"""Orders that are read back at the same time."""


@dataclass(frozen=True)
class BooksResult:
    """What Tryton itself says of the demo's orders."""

    documents: Counter[str] = field(default_factory=Counter)
    """Kind of document -> how many."""
    wrong: dict[str, str] = field(default_factory=dict)
    """Order key -> what its books lack or have too much of."""
    balances: tuple[TrialBalance, ...] = ()


@asynccontextmanager
async def demo_tryton(data_dir: Path) -> AsyncIterator[Mapping[str, Any]]:
    """A Tryton with fresh books; yields its entry for the connections file."""
    cache = Settings().data_dir / "erp" / "cache"
    tryton = LocalTryton(
        data_dir, cache, demo_goods(), keep_ports=False, say=lambda line: errors.print(line, style="dim")
    )
    await asyncio.to_thread(tryton.start)
    try:
        yield tryton.connection()
    finally:
        await asyncio.to_thread(tryton.stop)


async def read_back(connection: Mapping[str, Any], parcels: Mapping[str, int]) -> BooksResult:
    """Compare every order with its books; `parcels` is order key -> parcels that it was shipped in."""
    erp = TrytonErp(SystemConnection.model_validate(connection))
    counted: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    waiting = iter(parcels.items())

    async def read() -> None:
        for key, expected in waiting:
            found = await erp.order_documents(OrderKey.from_string(key))
            if found is not None:
                counted["sale"] += 1
                counted.update(document.kind.value for document in found.documents)
            if problem := _problem(found, expected):
                wrong[key] = problem

    try:
        await asyncio.gather(*(read() for _ in range(READERS)))
        balances = [await erp.trial_balance(entity) for entity in connection["options"]["companies"]]
    finally:
        await erp.aclose()
    return BooksResult(counted, wrong, tuple(balances))


def _problem(found: OrderDocuments | None, parcels: int) -> str:
    """Each shipped order has one sale, and one shipment and one invoice for each parcel."""
    if found is None:
        return f"no sale in Tryton, and {parcels} parcels left"
    seen = (len(found.of_kind(DocumentKind.SHIPMENT)), len(found.of_kind(DocumentKind.INVOICE)))
    if seen != (parcels, parcels):
        return f"Tryton has {seen[0]} shipments and {seen[1]} invoices, and {parcels} parcels left"
    return ""


def print_books(result: BooksResult) -> None:
    rows("Read back from Tryton", ("document", "number"), sorted(result.documents.items()))
    rows(
        "Trial balance",
        ("company", "account", "name", "channel account", "balance"),
        [
            (each.entity, balance.account, balance.name, balance.channel_account, str(balance.amount))
            for each in result.balances
            for balance in each.balances
        ],
    )
    for each in result.balances:
        sums = ", ".join(f"{amount} {currency}" for currency, amount in each.difference.items()) or "no entries"
        console.print(f"{each.entity}: debits minus credits: {sums}")
