"""One word per task, on a machine that has nothing but make and Python."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = ROOT / "Makefile"
TASKS = (
    *("demo", "up", "bench", "test", "conformance", "erp-conformance", "clients", "prove", "states"),
    *("lint", "fmt", "cover", "lock", "clean", "help"),
)


def make(*arguments: str, directory: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    # Not as a part of a make that runs these tests.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    }
    command = ["make", "--no-print-directory", "-f", str(MAKEFILE), *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def fresh_checkout(tmp_path: Path) -> Path:
    """A directory without `.venv`."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.lock").touch()
    return tmp_path


def test_help_names_every_task() -> None:
    listed = re.findall(r"^  make ([\w-]+)", make("help").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(TASKS)


@pytest.mark.parametrize(
    ("task", "command"),
    [
        ("demo", "starter.py demo --orders 5"),
        ("up", "starter.py up --orders 5"),
        ("bench", "-m benchmarks --orders 5"),
        ("test", "-m pytest --orders 5"),
        ("prove", "-m pytest -m prove --orders 5"),
    ],
)
def test_arguments_are_passed_through(task: str, command: str, fresh_checkout: Path) -> None:
    planned = make("-n", task, "ARGS=--orders 5", directory=fresh_checkout).stdout
    assert f".venv/bin/python {command}" in planned


@pytest.mark.parametrize("task", ["demo", "up", "bench", "test", "prove", "lint", "fmt", "cover"])
def test_a_fresh_checkout_is_set_up_from_the_hashed_lock_before_the_task_runs(task: str, fresh_checkout: Path) -> None:
    planned = make("-n", task, directory=fresh_checkout).stdout
    assert planned.index("-m venv .venv") < planned.index("--require-hashes -r requirements/dev.lock")


def test_a_prepared_environment_is_used_as_it_is(fresh_checkout: Path) -> None:
    (fresh_checkout / ".venv").mkdir()
    (fresh_checkout / ".venv" / ".ready").touch()
    assert "pip install" not in make("-n", "test", directory=fresh_checkout).stdout


def test_an_old_python_is_refused_with_what_to_do(fresh_checkout: Path) -> None:
    old = fresh_checkout / "python-of-yesterday"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    refused = make("test", f"PYTHON={old}", directory=fresh_checkout)
    assert refused.returncode != 0
    assert "Orderyard needs Python 3.11 or newer" in refused.stderr
    assert not (fresh_checkout / ".venv").exists()


def test_what_every_change_must_pass_is_lint_tests_and_the_real_erp() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.findall(r"^step ([\w-]+)$", script.read_text(), re.MULTILINE) == ["lint", "test", "erp-conformance"]
