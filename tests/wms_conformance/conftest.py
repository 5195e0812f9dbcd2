"""One warehouse of a kind for the whole run, and the grades at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.provider_suite import Servers, opened, print_grades
from tests.wms_conformance.subject import Running

POINT = "wms conformance point"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def warehouses() -> AsyncIterator[Servers[Running]]:
    async with opened("tests.wms_conformance", Running) as warehouses:
        yield warehouses


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_grades(terminalreporter, POINT, "WMS conformance")
