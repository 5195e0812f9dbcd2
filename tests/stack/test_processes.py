"""Guarded children: none outlives its parent, and every end is noticed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.guard import AUTOGROUP
from stack.processes import Child, Command
from tests.stack.waiting import is_running, next_line, parent_process, until

PATIENT = "import signal; print('ready', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
PARENT = """
    import signal, sys
    from pathlib import Path
    from stack.processes import Child, Command

    argv = [sys.executable, "-c", sys.argv[2]]
    child = Child(Command("child", argv, Path(sys.argv[1]), Path("/"), {}, grace_seconds=0.5))
    child.start()
    child.wait_until(lambda: "ready" in child.last_lines(), "child")
    print(child.pid, flush=True)
    signal.pause()
"""


def python_child(log: Path, program: str, *, grace_seconds: float = 5.0) -> Child:
    argv = [sys.executable, "-c", program]
    return Child(Command("worker", argv, log, Path("/"), {}, grace_seconds=grace_seconds))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def patient(log: Path) -> Iterator[Child]:
    child = python_child(log, PATIENT)
    child.start()
    child.wait_until(lambda: "ready" in child.last_lines(), "child")
    yield child
    child.stop()


def test_a_child_that_steps_back_does_so_beside_other_sessions_too(log: Path) -> None:
    # Linux may share processors among sessions first: niceness alone would count only within the child's own.
    argv = [sys.executable, "-c", "import os; import signal; print(f'nice {os.nice(0)}', flush=True); signal.pause()"]
    child = Child(Command("worker", argv, log, Path("/"), {}, niceness=7))
    child.start()
    try:
        child.wait_until(lambda: f"nice {os.nice(0) + 7}" in child.last_lines(), "child")
        if AUTOGROUP.exists():
            assert Path(f"/proc/{child.pid}/autogroup").read_text().rstrip().endswith("nice 7")
    finally:
        child.stop()


@pytest.mark.parametrize("program", [PATIENT, STUBBORN], ids=["that ends when asked", "that ignores SIGTERM"])
def test_a_child_ends_when_its_parent_is_killed(log: Path, program: str) -> None:
    with parent_process(PARENT, str(log), program) as parent:
        pid = int(next_line(parent))
        assert is_running(pid)
    until(lambda: not is_running(pid), seconds=4)


def test_a_child_that_ignores_the_polite_signal_is_killed_after_its_grace_period(log: Path) -> None:
    child = python_child(log, STUBBORN, grace_seconds=0.3)
    child.start()
    child.wait_until(lambda: "ready" in child.last_lines(), "child")
    child.stop()
    assert not child.is_alive()
    assert child.pid is not None
    assert not is_running(child.pid)


def test_what_a_child_prints_stands_in_its_log(patient: Child, log: Path) -> None:
    assert log.read_text() == "ready\n"


async def test_an_unexpected_end_is_told_by_name_with_the_last_lines_of_the_log(log: Path) -> None:
    child = python_child(log, "import sys; print('the database is gone'); sys.exit(7)")
    child.start()
    death = await child.ended()
    child.stop()
    assert (death.name, death.code) == ("worker", 7)
    assert "worker ended unexpectedly with code 7" in str(death)
    assert "the database is gone" in str(death)


def test_a_killed_child_can_be_started_again(patient: Child) -> None:
    first = patient.pid
    patient.kill()
    assert not patient.is_alive()
    patient.start()
    assert patient.is_alive()
    assert patient.pid != first


def test_a_child_that_dies_while_it_is_waited_for_is_reported_at_once(log: Path) -> None:
    child = python_child(log, "raise SystemExit('no connections file')")
    child.start()
    with pytest.raises(StackError, match="no connections file"):
        child.wait_until(lambda: False, "worker")
    child.stop()


def test_a_child_that_never_gets_ready_is_reported_with_what_was_waited_for(patient: Child) -> None:
    with pytest.raises(StackError, match="the moon: not ready after 0 s"):
        patient.wait_until(lambda: False, "the moon", timeout_seconds=0.2)


def test_a_program_that_does_not_exist_is_reported(log: Path) -> None:
    child = Child(Command("worker", ["/does/not/exist"], log, Path("/"), {}))
    with pytest.raises(StackError, match="worker could not be started"):
        child.start()
    child.stop()


def test_a_successor_starts_only_when_its_predecessor_has_gone(log: Path) -> None:
    """The parent was killed and its child still needs half a second to end: a restart must not run beside it."""
    with parent_process(PARENT, str(log), STUBBORN) as parent:
        predecessor = int(next_line(parent))
    successor = python_child(log, PATIENT)
    successor.start()
    assert not is_running(predecessor)
    successor.stop()
