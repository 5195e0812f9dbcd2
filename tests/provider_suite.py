"""What the suites of providers (ERP, WMS) share: points that are promises of a port, servers opened once, grades."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from tenacity import AsyncRetrying, retry_if_exception_type, retry_if_not_exception_type, stop_after_delay, wait_random

from connectors.errors import ConnectorError, Declined
from tests.conformance.conftest import ABSENT, count
from tests.conformance.conftest import POINT as CHANNEL_POINT
from tests.conformance.grades import Grade
from tests.erp_conformance.transport import Harm, Line

Case = TypeVar("Case")
Need = TypeVar("Need", bound=str)
Running = TypeVar("Running")
Stage = TypeVar("Stage")

REAL_SERVERS = frozenset({"tryton"})


@dataclass(frozen=True)
class Point(Generic[Stage, Need]):
    check: Callable[[Stage], Awaitable[None]]
    needs: tuple[Need, ...]

    @property
    def name(self) -> str:
        return self.check.__name__

    def absent(self, without: Mapping[Need, str]) -> str:
        """Why the point says nothing about this provider; empty when it does."""
        return "; ".join(dict.fromkeys(without[need] for need in self.needs if need in without))


class Points(Generic[Stage, Need]):
    """Of one suite, in the order of their files."""

    def __init__(self) -> None:
        self.all: list[Point[Stage, Need]] = []

    def point(self, *needs: Need) -> Callable[[Callable[[Stage], Awaitable[None]]], Callable[[Stage], Awaitable[None]]]:
        """Make a function a point of the suite. Its name is the promise; `needs` says of whom it is asked."""

        def registered(check: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], Awaitable[None]]:
            self.all.append(Point(check, needs))
            return check

        return registered


class Servers(Generic[Running]):
    """One of a kind for the whole run, opened when the first point needs it."""

    def __init__(self, undo: AsyncExitStack, package: str, running: Callable[[Any, Any], Running]) -> None:
        self._undo, self._package, self._make = undo, package, running
        self._running: dict[str, Running] = {}

    async def of(self, name: str) -> Running:
        if name not in self._running:
            subject = subject_of(self._package, name)
            self._running[name] = self._make(subject, await self._undo.enter_async_context(subject.server()))
        return self._running[name]


@asynccontextmanager
async def opened(package: str, running: Callable[[Any, Any], Running]) -> AsyncIterator[Servers[Running]]:
    async with AsyncExitStack() as undo:
        yield Servers(undo, package, running)


def subject_of(package: str, name: str) -> Any:
    return import_module(f"{package}.subjects.{name}").SUBJECT


def load_points(package: str, here: Path) -> None:
    for name in _names_in(here / "points"):
        import_module(f"{package}.points.{name}")


def providers(here: Path) -> list[Any]:
    """For `parametrize`: a name each, marked where it takes a real server."""
    return [
        pytest.param(name, marks=[pytest.mark.erp] if name in REAL_SERVERS else [])
        for name in _names_in(here / "subjects")
    ]


def _names_in(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.py"))


def skip_if_absent(why: str, record_property: Callable[[str, object], None]) -> None:
    if why:
        record_property(ABSENT, why)
        pytest.skip(f"n/a because {why}")


def print_grades(reporter: pytest.TerminalReporter, point: str, title: str) -> None:
    """`point` is the property under which a suite's tests say which promise they are about."""
    grades: dict[str, Grade] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in reporter.getreports(outcome):
            told = dict(getattr(report, "user_properties", ()))
            if point in told:
                count(grades, outcome, {CHANNEL_POINT: told[point], **told})
    if grades:
        reporter.section(title)
    for name, grade in sorted(grades.items()):
        reporter.write("\n".join(grade.lines(name)) + "\n")


class Harmed:
    """A stage whose line can be harmed, and what its provider said of that."""

    line: Line
    told: list[ConnectorError]
    most_writes: ClassVar[int]
    """No call of a provider may need more."""

    async def hurt(
        self, harm: Harm, prepare: Callable[[], Awaitable[Case]], call: Callable[[Case, bool], Awaitable[Any]]
    ) -> list[Case]:
        """Let each write of a call suffer in turn, in a fresh case each; then try again, as the engine does.

        `prepare` makes the case while the line is whole; `call` is told whether it is a retry. Returns all cases.
        """
        cases: list[Case] = []
        for at in range(1, self.most_writes + 1):
            cases.append(await prepare())
            self.line.break_at(harm, at)
            try:
                await call(cases[-1], False)
            except Declined:
                raise
            except ConnectorError as error:
                self.told.append(error)
            struck = self.line.writes >= at
            self.line.mend()
            if not struck:
                return cases
            await call(cases[-1], True)
        raise AssertionError(f"more than {self.most_writes} writes in one call")

    async def refusal(self, call: Awaitable[Any]) -> Declined:
        try:
            await call
        except Declined as declined:
            return declined
        raise AssertionError("was not declined")


async def insist(call: Callable[[bool], Awaitable[object]], seconds: float) -> int:
    """Call until it is done, as the engine does, told whether it is a retry; returns the attempts that failed."""
    patience = AsyncRetrying(
        retry=retry_if_exception_type(ConnectorError) & retry_if_not_exception_type(Declined),
        wait=wait_random(0.05, 0.5),
        stop=stop_after_delay(seconds),
        reraise=True,
    )
    async for attempt in patience:
        with attempt:
            await call(attempt.retry_state.attempt_number > 1)
    return int(patience.statistics["attempt_number"]) - 1
