"""One warehouse of a kind for the whole run, and the grades at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib import import_module

import pytest
import pytest_asyncio

from tests.conformance.conftest import POINT as CHANNEL_POINT
from tests.conformance.conftest import count as count_into
from tests.conformance.grades import Grade
from tests.wms_conformance.subject import Running

POINT = "wms conformance point"


class Warehouses:
    """Opened when the first point needs it."""

    def __init__(self, undo: AsyncExitStack) -> None:
        self._undo = undo
        self._running: dict[str, Running] = {}

    async def of(self, name: str) -> Running:
        if name not in self._running:
            subject = import_module(f"tests.wms_conformance.subjects.{name}").SUBJECT
            self._running[name] = Running(subject, await self._undo.enter_async_context(subject.server()))
        return self._running[name]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def warehouses() -> AsyncIterator[Warehouses]:
    async with AsyncExitStack() as undo:
        yield Warehouses(undo)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    grades: dict[str, Grade] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            told = dict(getattr(report, "user_properties", ()))
            if POINT in told:
                count_into(grades, outcome, {CHANNEL_POINT: told[POINT], **told})
    if grades:
        terminalreporter.section("WMS conformance")
    for wms, grade in sorted(grades.items()):
        terminalreporter.write("\n".join(grade.lines(wms)) + "\n")
