"""Waiting for other processes, by looking at a condition."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

REPOSITORY = Path(__file__).resolve().parents[2]


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Fails when `condition` does not hold in time."""
    Retrying(retry=retry_if_result(lambda held: not held), stop=stop_after_delay(seconds), wait=wait_fixed(0.02))(
        condition
    )


def is_running(pid: int) -> bool:
    """A zombie has ended, whoever has not collected it yet."""
    listing = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()[:1] not in ("", "Z")


@contextmanager
def parent_process(program: str, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """A Python process that uses the stack and prints to a pipe; `kill -9` ends it, whatever happened before."""
    search_path = [str(REPOSITORY), os.environ.get("PYTHONPATH", "")]
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(search_path)}
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(parent: "subprocess.Popen[str]") -> str:
    assert parent.stdout is not None
    line = parent.stdout.readline()
    assert line, "the process ended without saying anything"
    return line.strip()


def one_value(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return None if row is None else row[0]


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())
