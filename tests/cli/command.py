"""The commands as a person runs them: processes with arguments, output and an exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = ("ORDERYARD_", "TEMPORAL_")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def environment(**settings: str) -> dict[str, str]:
    """This process's environment, with only the given settings of ours."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**foreign, "COLUMNS": "200", **settings}


def run(*arguments: str | Path, settings: Mapping[str, str] | None = None) -> Ended:
    """`python starter.py …` to its end."""
    command = [sys.executable, "starter.py", *map(str, arguments)]
    env = environment(**(settings or {}))
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, timeout=100, check=False)
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


SHELL = """
import json, sys
from typer.testing import CliRunner
from cli.app import app
from stack.exit import finish

for line in sys.stdin:
    result = CliRunner().invoke(app, json.loads(line), prog_name="starter.py")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    print(json.dumps((result.exit_code, result.stdout, result.stderr)), flush=True)
finish(0)
"""


class Shell:
    """Runs commands one after the other in one process: starting one takes longer than what most of them do."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, *arguments: str | Path) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(argument) for argument in arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{arguments} ended the process; see its standard error"
        return Ended(*json.loads(answer))


@contextmanager
def shell(**settings: str) -> Iterator[Shell]:
    command, pipe = [sys.executable, "-c", SHELL], subprocess.PIPE
    env = environment(**settings)
    with subprocess.Popen(command, cwd=REPOSITORY, env=env, stdin=pipe, stdout=pipe, text=True) as process:
        yield Shell(process)


def run_each(commands: Sequence[Sequence[str]], settings: Mapping[str, str] | None = None) -> list[Ended]:
    """Each of the commands to its end."""
    with shell(**(settings or {})) as runner:
        return [runner.run(*command) for command in commands]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def running(*command: str, settings: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process of ours that goes on until it is told to end; its standard output is a pipe, as for a program."""
    env = environment(**(settings or {}))
    env.pop("PYTHONUNBUFFERED", None)
    arguments = [sys.executable, *command]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(arguments, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=errors, text=True) as child,
    ):
        try:
            yield child
        except BaseException:
            errors.seek(0)
            sys.stderr.write(errors.read()[-5000:])
            raise
        finally:
            child.terminate()
            try:
                child.wait(30)
            except subprocess.TimeoutExpired:
                child.kill()


def said_until(child: subprocess.Popen[str], last: str) -> list[str]:
    """The lines up to the one that contains a text; fails when the process ends without it."""
    assert child.stdout is not None
    lines: list[str] = []
    while not lines or last not in lines[-1]:
        line = child.stdout.readline()
        assert line, f"it ended without saying {last!r}: {lines}"
        lines.append(line.rstrip("\n"))
    return lines
