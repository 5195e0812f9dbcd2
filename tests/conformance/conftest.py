"""One port for the whole run, a stage for each point, and the grades at the end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import certifi
import pytest
import pytest_asyncio
import uvicorn

from tests.conformance.grades import Grade
from tests.conformance.stage import Stand
from tests.systems.running import until

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
POINT, ABSENT = "conformance point", "conformance absent"


@pytest.fixture(scope="session")
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one authority, not all: every HTTP client reads them anew, and no call leaves this machine."""
    first = Path(certifi.where()).read_text(encoding="utf-8").partition(END)[0] + END
    file = tmp_path_factory.mktemp("authorities") / "one.pem"
    file.write_text(first[first.index(BEGIN) :], encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stand(one_authority: None) -> AsyncIterator[Stand]:
    """One server for all points, in their own loop: to start one for each takes longer than the points themselves."""
    # With its protocol named, asyncio sends small answers at once; else each waits 40 ms for the one before.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    stand = Stand(f"http://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(stand, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await until(lambda: server.started)
    yield stand
    server.should_exit = True
    await serving
    listener.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    grades: dict[str, Grade] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            count(grades, outcome, dict(getattr(report, "user_properties", ())))
    if grades:
        terminalreporter.section("conformance")
    for channel, grade in sorted(grades.items()):
        terminalreporter.write("\n".join(grade.lines(channel)) + "\n")


def count(grades: dict[str, Grade], outcome: str, told: dict[str, Any]) -> None:
    """Put one report into its channel's grade; reports of other tests are nobody's."""
    channel, name = told.get(POINT, (None, ""))
    if channel is None:
        return
    grade = grades.setdefault(channel, Grade())
    if outcome == "passed":
        grade.passed += 1
    elif outcome == "skipped":
        grade.absent[name] = told[ABSENT]
    elif name not in grade.failed:
        grade.failed.append(name)
