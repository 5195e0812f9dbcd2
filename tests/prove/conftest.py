"""A data directory that PostgreSQL's own account can reach, and the postman."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

ASSERTING = ("audit", "capturing", "scenes", "product", "tryton")
pytest.register_assert_rewrite(*(f"tests.prove.{name}" for name in ASSERTING))

from tests.prove.capturing import SELDOM, in_small_pages, without_erp  # noqa: E402 - rewritten asserts explain themselves
from tests.prove.postman import Postman  # noqa: E402
from tests.prove.product import Product, Size  # noqa: E402

SMALL = Size(orders=24, per_second=20.0, patience=120.0)
THOUSAND = Size(orders=1000, per_second=40.0, patience=600.0)
LARGE = Size(orders=200, per_second=20.0, patience=300.0)


@contextmanager
def reachable_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="orderyard-prove-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "var"


@pytest.fixture(scope="module")
def shared_directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


@pytest.fixture
def own_directory() -> Iterator[Path]:
    with reachable_directory() as directory:
        yield directory


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def small(shared_directory: Path) -> AsyncIterator[Product]:
    """One product for all small proofs: what an earlier one left behind must not disturb a later one."""
    async with Postman() as postman, Product(shared_directory, SMALL, postman, fast=True) as product:
        yield product


@pytest_asyncio.fixture
async def large(own_directory: Path) -> AsyncIterator[Product]:
    """A product of its own for each long proof, with a database that is safe against a crash of the machine."""
    async with Postman() as postman, Product(own_directory, LARGE, postman) as product:
        yield product


@pytest_asyncio.fixture
async def thousand(own_directory: Path) -> AsyncIterator[Product]:
    """A product that polls only when it is told to, page by small page."""
    async with Postman() as postman:
        product = Product(own_directory, THOUSAND, postman, poll_seconds=SELDOM, change=in_small_pages)
        async with product:
            yield product


@pytest_asyncio.fixture
async def bereft(own_directory: Path) -> AsyncIterator[Product]:
    """A product whose ERP is dead."""
    async with Postman() as postman, Product(own_directory, LARGE, postman, change=without_erp) as product:
        yield product
