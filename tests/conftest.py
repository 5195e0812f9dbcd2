"""Real servers for the tests: one PostgreSQL and one Temporal for the whole run."""

import asyncio
import logging
import os
import sys
import tempfile
import uuid
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest
import structlog
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from stack.postgres import LocalPg
from stack.temporal import NAMESPACE, LocalTemporal, ensure_namespace, find_temporal

TEMPLATE = "orderyard_template"
SESSION = pytest.StashKey[pytest.Session]()
T = TypeVar("T")

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile(
    "orderyard", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("orderyard")


def run_in_own_loop(step: Coroutine[object, object, T]) -> T:
    """Run to the end in a loop that never becomes pytest-asyncio's."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(step)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command run inside the tests sends the logs to a stream that ends with its test."""
    root = logging.getLogger()
    handlers, level, chain = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**chain)


@pytest.fixture(scope="session")
def postgres() -> Iterator[LocalPg]:
    """One throw-away server. pytest's own directories are 0700, where the server's account could not follow."""
    with tempfile.TemporaryDirectory(prefix="orderyard-tests-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        server = LocalPg(Path(home) / "postgres", fast=True, usual_port=None)
        try:
            yield server.start()
        finally:
            server.destroy()


@pytest.fixture(scope="session")
def database_template(postgres: LocalPg) -> str:
    """The name of a migrated, empty database."""
    from store.migrate import upgrade

    run_in_own_loop(upgrade(postgres.create_database(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def database_url(postgres: LocalPg, database_template: str) -> Iterator[str]:
    """A migrated, empty database for one test alone."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(name, template=database_template)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def temporal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTemporal]:
    """One throw-away dev server that can skip time."""
    home = tmp_path_factory.mktemp("temporal")
    program = run_in_own_loop(find_temporal(home / "bin"))
    server = LocalTemporal(home, program=program, in_memory=True, time_skipping=True, usual_ports=False)
    with server:
        run_in_own_loop(ensure_namespace(server.address))
        yield server


@pytest.fixture
async def temporal_client(temporal_server: LocalTemporal) -> Client:
    return await Client.connect(temporal_server.address, namespace=NAMESPACE, data_converter=pydantic_data_converter)


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[SESSION] = session


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave without the interpreter's teardown, in which the Temporal SDK may abort (see `stack/exit.py`).

    Reports, coverage and temporary directories were finished before this, at the end of the session.
    """
    session = config.stash.get(SESSION, None)
    if session is None:
        return
    config.get_terminal_writer().flush()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(int(session.exitstatus))
