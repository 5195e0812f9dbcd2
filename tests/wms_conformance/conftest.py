"""One warehouse of a kind for the whole run, and the grades at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from stack.tryton import LocalTryton
from store.database import Database
from tests.provider_suite import Servers, opened, print_grades
from tests.wms_conformance.subject import Running
from tests.wms_conformance.subjects.tryton import Keepers, closed_warehouse

POINT = "wms conformance point"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def warehouses() -> AsyncIterator[Servers[Running]]:
    async with opened("tests.wms_conformance", Running) as warehouses:
        yield warehouses


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    yield database
    await database.aclose()


@pytest.fixture(scope="module")
def tryton() -> Iterator[LocalTryton]:
    """A real warehouse of a module's own."""
    # Started by the main thread: the server ends with the thread that started it, and a test's threads end with it.
    with closed_warehouse() as tryton:
        yield tryton.start()


@pytest.fixture(scope="module")
def keepers(tryton: LocalTryton) -> Keepers:
    return Keepers(tryton)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_grades(terminalreporter, POINT, "WMS conformance")
