"""One server an ERP for the whole run, and the grades at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.erp_conformance.subject import Running
from tests.provider_suite import Servers, opened, print_grades

POINT = "erp conformance point"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[Servers[Running]]:
    async with opened("tests.erp_conformance", Running) as servers:
        yield servers


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_grades(terminalreporter, POINT, "ERP conformance")
