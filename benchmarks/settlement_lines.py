"""How fast a long settlement is read and posted, beside a bare read of the same file in the same run; and peak memory.

`python -m benchmarks.settlement_lines [--lines 250000] [--post URL]`: with a PostgreSQL URL the file is posted twice.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, TypeVar

from temporalio.testing import ActivityEnvironment

from activities.settlement import SettlementActivities
from connectors.providers import FORMATS
from connectors.settlement_files import prove
from models.money import Money
from models.order import ChannelState, Order, OrderKey, OrderLine
from models.settlement import SettlementResult
from store import inbox, orders
from store.database import Database
from store.inbox import NewEvent
from store.migrate import upgrade

COLUMNS = ("settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
           "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
           "amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time",
           "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
           "promotion-id")  # fmt: skip
PARTS = (("ItemPrice", "Principal"), ("ItemPrice", "Tax"), ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"),
         ("ItemFees", "Commission"), ("ItemFees", "FBAPerUnitFulfillmentFee"))  # fmt: skip
PURCHASED = "2026-06-01T00:00:00+00:00"
T = TypeVar("T")


def write(path: Path, lines: int) -> None:
    """A settlement report of so many amounts, five an order."""
    total = sum((Decimal(row[4]) for row in _amounts(lines)), start=Decimal(0))
    period = [f"2026-06-{day} 00:00:00 UTC" for day in ("01", "14", "16")]
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join(COLUMNS) + "\n")
        file.write("\t".join(["990", *period, str(total), "EUR", *[""] * 18]) + "\n")
        for number, order, kind, description, amount in _amounts(lines):
            cells = ["990", "", "", "", "", "", "Order", order, "", "", f"S{number}", "amazon.de", kind, description]
            cells += [amount, "MFN", "2026-06-10 00:00:00 UTC", "2026-06-10 08:14:22 UTC", "L1"]
            file.write("\t".join([*cells, "", "", "SKU-1", "1", ""]) + "\n")


def _amounts(lines: int) -> Iterator[tuple[int, str, str, str, str]]:
    for number in range(lines):
        order, part = divmod(number, len(PARTS))
        goods = price(order)
        tax = (goods * Decimal("0.19")).quantize(Decimal("0.01"))
        amounts = (goods, tax, -tax, -(goods * Decimal("0.15")).quantize(Decimal("0.01")), Decimal("-3.20"))
        yield number, f"302-{order:07}", *PARTS[part], str(amounts[part])


def price(order: int) -> Decimal:
    """Different, and the same in every run."""
    return Decimal(500 + order * 7919 % 19_501) / 100


def timed(work: Callable[[], T]) -> tuple[T, float]:
    begin = time.perf_counter()
    return work(), time.perf_counter() - begin


def bare(path: Path) -> int:
    """Nothing but the standard library's reading of the cells."""
    with path.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)) - 2


def proven(path: Path) -> int:
    with path.open("rb") as file:
        return prove(FORMATS["amazon"].read_settlement(file, "EU"))[0].lines


def peak() -> float:
    """Memory of this process, at most so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def grown(before: float) -> str:
    return f"peak memory {peak():.0f} MiB, {peak() - before:.0f} MiB above {before:.0f} MiB before"


async def post(path: Path, url: str, lines: int) -> None:
    await upgrade(url)
    database = Database(url)
    try:
        await _register(database, lines)
        with path.open("rb") as file:
            event_id = await _keep(database, file)
        before = peak()
        for turn in ("first", "second"):
            begin = time.perf_counter()
            result = await _posted(database, event_id)
            took = time.perf_counter() - begin
            sums = f"payout {result.payout} = matched {result.matched} + residual {result.residual}"
            print(f"{turn} posting: {took:.1f} s, {lines / took:,.0f} lines/s; {sums}; {grown(before)}")
    finally:
        await database.aclose()


async def _posted(database: Database, event_id: int) -> SettlementResult:
    activities, environment = SettlementActivities(FORMATS, database), ActivityEnvironment()
    document = await environment.run(activities.prove_settlement, event_id)
    await environment.run(activities.keep_settlement, event_id)
    result: SettlementResult = await environment.run(activities.match_settlement, document.settlements[0])
    return result


async def _keep(database: Database, file: BinaryIO) -> int:
    event = NewEvent(channel="amazon", account="EU", source="file", topic="settlement", delivery_id="990",
                     body=file.read())  # fmt: skip
    async with database.session() as session:
        event_id = await inbox.keep(session, event)
    assert event_id is not None
    return event_id


async def _register(database: Database, lines: int) -> None:
    count = lines // len(PARTS)
    for begin in range(0, count, 1000):
        async with database.session() as session:
            for number in range(begin, min(begin + 1000, count)):
                await orders.register(session, _order(number), 1)


def _order(number: int) -> Order:
    goods = Money.of(price(number), "EUR")
    tax = Money.rounded(goods.amount * Decimal("0.19"), "EUR")
    return Order.model_validate(
        {
            "key": OrderKey(channel="amazon", account="EU", external_id=f"302-{number:07}"),
            "purchased_at": PURCHASED,
            "version": PURCHASED,
            "state": ChannelState.SHIPPED,
            "currency": "EUR",
            "lines": (
                OrderLine.model_validate(
                    {"line_id": "L1", "sku": "SKU-1", "quantity": 1, "goods": goods,
                     "taxes": [{"amount": tax, "remitter": "channel"}]}
                ),
            ),
            "total": goods + tax,
        }
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=250_000)
    parser.add_argument("--post", metavar="URL", default="", help="post it into this PostgreSQL database, twice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / "settlement.txt"
        write(path, options.lines)
        size = path.stat().st_size / 2**20
        print(f"{options.lines:,} lines, {size:.1f} MiB, Python {sys.version.split()[0]}")
        _, bare_took = timed(lambda: bare(path))
        before = peak()
        counted, took = timed(lambda: proven(path))
        print(f"bare CSV read:   {bare_took:.2f} s, {options.lines / bare_took:,.0f} lines/s")
        print(
            f"read and proven: {took:.2f} s, {counted / took:,.0f} lines/s, {took / bare_took:.1f} times the bare read"
        )
        print(grown(before))
        if options.post:
            asyncio.run(post(path, options.post, options.lines))


if __name__ == "__main__":
    main()
