"""How fast a long settlement is read and posted, beside a bare read of the same file in the same run; and peak memory.

`python -m benchmarks.settlement_lines [--lines 25000 250000] [--post [URL]]`: with `--post` each file is fetched from
Amazon's twin and posted twice, into this PostgreSQL database or into one that is thrown away.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from benchmarks import settlement_file
from benchmarks.settlement_posting import peak
from connectors.providers import FORMATS
from connectors.settlement_files import prove
from stack.postgres import LocalPg
from store import orders
from store.database import Database
from store.migrate import upgrade

T = TypeVar("T")


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


def read(path: Path, lines: int) -> None:
    _, bare_took = timed(lambda: bare(path))
    before = peak()
    counted, took = timed(lambda: proven(path))
    grown = f"{(peak() - before) / 1024:.0f} MiB more memory"
    print(f" bare CSV read:   {bare_took:.2f} s, {lines / bare_took:,.0f} lines/s")
    rate = f"{counted / took:,.0f} lines/s, {took / bare_took:.1f} times the bare read"
    print(f" read and proven: {took:.2f} s, {rate}, {grown}", flush=True)


def post(path: Path, lines: int, url: str) -> None:
    """Raises `CalledProcessError` when the second posting has changed something."""
    with channel(path) as connection:
        asyncio.run(prepare(url, lines, connection["account"]))
        command = [sys.executable, "-m", "benchmarks.settlement_posting", url, str(lines)]
        subprocess.run(command, input=json.dumps(connection), text=True, check=True)  # noqa: S603 - our own program


@contextmanager
def channel(path: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks.settlement_channel", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


async def prepare(url: str, lines: int, account: str) -> None:
    await upgrade(url)
    database = Database(url)
    try:
        await register(database, lines, account)
    finally:
        await database.aclose()


async def register(database: Database, lines: int, account: str) -> None:
    """Have the orders that the settlement pays."""
    paid = settlement_file.orders(lines, account)
    while batch := list(islice(paid, 1000)):
        async with database.session() as session:
            for order in batch:
                await orders.register(session, order, 1)


@contextmanager
def throw_away_database(home: Path) -> Iterator[str]:
    server = LocalPg(home / "postgres", usual_port=None)
    try:
        yield server.start().create_database("settlements")
    finally:
        server.destroy()


def measure(home: Path, sizes: Sequence[int], url: str | None) -> None:
    for lines in sizes:
        path = home / f"{settlement_file.settlement_id(lines)}.txt"
        settlement_file.write(path, lines)
        size = path.stat().st_size / 2**20
        print(f"{lines:,} lines, {size:.1f} MiB, Python {sys.version.split()[0]}", flush=True)
        read(path, lines)
        if url:
            post(path, lines, url)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[250_000])
    parser.add_argument("--post", metavar="URL", nargs="?", const="", help="post them, too, each twice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        home.chmod(0o755)  # The database's account has to follow into it.
        if options.post == "":
            with throw_away_database(home) as url:
                measure(home, options.lines, url)
        else:
            measure(home, options.lines, options.post)


if __name__ == "__main__":
    main()
