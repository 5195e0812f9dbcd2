"""Child processes under a guard: none outlives us, each has a log, and a death is told by name."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from stack.errors import StackError
from stack.locks import take_lock

GUARD = Path(__file__).with_name("guard.py")
PREDECESSOR_SECONDS = 20.0
TAIL_LINES = 20
STEPS_BACK = 10
"""Niceness of all but the gateway and its database: an order may wait, a webhook may not. All step back alike, or the
worker would starve beside the systems that it calls."""


@dataclass(frozen=True)
class Account:
    """An operating-system account a child runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Command:
    """What to run, and how to end it."""

    name: str
    argv: Sequence[str]
    log: Path
    cwd: Path
    env: Mapping[str, str]
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 5.0
    account: Account | None = None
    niceness: int = 0
    """How far it steps back when processors are scarce: capture comes before all work that can wait."""


@dataclass(frozen=True)
class Death:
    """A child that ended although nobody asked it to."""

    name: str
    code: int
    last_lines: str

    def __str__(self) -> str:
        return f"{self.name} ended unexpectedly with code {self.code}. The last lines of its log:\n{self.last_lines}"


class Child:
    """One guarded process. `start` may be called again after it ended."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.pid: int | None = None
        self.expected_to_end = True
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Start, once a predecessor that is still on its way out has gone; `prepare` runs when none is left."""
        self._close_pipes()
        self.command.log.parent.mkdir(parents=True, exist_ok=True)
        lock = take_lock(
            self.command.log.with_suffix(".lock"),
            wait_seconds=PREDECESSOR_SECONDS,
            refusal=f"another {self.command.name} still runs with the log {self.command.log}",
        )
        try:
            prepare()
            self._guard = self._spawn(lock)
        finally:
            # The guard and its command inherited the lock: it is theirs now, for as long as one of them lives.
            os.close(lock)
        self.expected_to_end = False
        self.pid = self._read_pid()

    def stop(self) -> None:
        """The stop signal, then after the grace period SIGKILL; returns when the process is gone."""
        if self._guard is None:
            return
        self.expected_to_end = True
        self._close_pipes()
        try:
            self._guard.wait(self.command.grace_seconds + 5)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()

    def kill(self) -> None:
        """`kill -9`, as a crash test does; returns when the process is gone."""
        if self._guard is None or self._guard.stdin is None or not self.is_alive():
            return
        self.expected_to_end = True
        with suppress(BrokenPipeError):
            os.write(self._guard.stdin.fileno(), b"k")
        self._guard.wait()
        self._close_pipes()

    def is_alive(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    async def ended(self) -> Death:
        """Wait for the end, without a thread: the guard's output closes when the guard goes."""
        guard = self._guard
        if guard is None or guard.stdout is None:
            raise StackError(f"{self.command.name} was not started")
        loop, closed = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.dup(guard.stdout.fileno())
        loop.add_reader(descriptor, closed.set)
        try:
            await closed.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
        return self._death(await asyncio.to_thread(guard.wait))

    def wait_until(self, ready: Callable[[], bool], what: str, timeout_seconds: float = 60.0) -> None:
        """Poll `ready`; a child that died or never gets ready is a `StackError` with its last log lines."""

        def still_waiting() -> bool:
            if not self.is_alive() and self._guard is not None:
                raise StackError(str(self._death(self._guard.wait())))
            return not ready()

        patience = Retrying(retry=retry_if_result(bool), stop=stop_after_delay(timeout_seconds), wait=wait_fixed(0.05))
        try:
            patience(still_waiting)
        except RetryError:
            story = f"{what}: not ready after {timeout_seconds:.0f} s. The last lines of the log:\n{self.last_lines()}"
            raise StackError(story) from None

    def last_lines(self) -> str:
        lines = self.command.log.read_text(errors="replace").splitlines() if self.command.log.exists() else []
        return "\n".join(lines[-TAIL_LINES:])

    def _spawn(self, lock: int) -> "subprocess.Popen[bytes]":
        with self.command.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - the caller chose the command
                [sys.executable, "-I", "-S", str(GUARD), *self._guard_options(lock), "--", *self.command.argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.command.cwd,
                env=dict(self.command.env),
                pass_fds=(lock,),
                # Out of the terminal's group: Ctrl-C reaches us alone, and we end the children in order.
                start_new_session=True,
            )

    def _guard_options(self, lock: int) -> list[str]:
        command = self.command
        options = [f"--stop-signal={int(command.stop_signal)}", f"--grace={command.grace_seconds}", f"--lock={lock}"]
        options.append(f"--nice={command.niceness}")
        if command.account is not None:
            options += [f"--uid={command.account.uid}", f"--gid={command.account.gid}"]
        return options

    def _read_pid(self) -> int:
        if self._guard is None or self._guard.stdout is None:
            raise StackError(f"{self.command.name} was not started")
        line = self._guard.stdout.readline()
        if not line:
            raise StackError(f"{self.command.name} could not be started:\n{self.last_lines()}")
        return int(line)

    def _death(self, code: int) -> Death:
        return Death(self.command.name, code, self.last_lines())

    def _close_pipes(self) -> None:
        """Closing the guard's input is the order to end; `ended` follows the output through a copy of its own."""
        if self._guard is None:
            return
        for pipe in (self._guard.stdin, self._guard.stdout):
            if pipe is not None:
                pipe.close()
