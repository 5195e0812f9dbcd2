"""Runs one command and ends it when standard input closes, so that it cannot outlive whoever started us.

A pipe from the parent is standard input: any death of the parent, SIGKILL too, closes it. This needs no
feature of one operating system and no help from the command. The first line on standard output is the
command's process id; standard error is the command's log. The byte `k` on standard input is `kill -9`.

Started by path, in isolated mode: it imports nothing but the standard library and starts in milliseconds.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

GONE = (ProcessLookupError, PermissionError)
AUTOGROUP = Path("/proc/self/autogroup")
"""Where Linux groups processes by session, niceness counts only within a session; sched(7), "The autogroup feature"."""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stop-signal", type=int, required=True)
    parser.add_argument("--grace", type=float, required=True)
    parser.add_argument("--lock", type=int, required=True)
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("argv", nargs="+")
    return parser.parse_args()


def step_back(niceness: int) -> None:
    """Let others go first: this session, and within it whatever it starts."""
    os.nice(niceness)
    if niceness and AUTOGROUP.exists():
        AUTOGROUP.write_text(str(niceness))


def spawn(options: argparse.Namespace) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - the parent of this guard chose the command
        options.argv,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=(options.lock,),
        process_group=0,
        user=options.uid,
        group=options.gid,
        extra_groups=None if options.uid is None else [],
    )


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    with suppress(*GONE):
        os.killpg(child.pid, signal.SIGKILL)


def end(child: "subprocess.Popen[bytes]", options: argparse.Namespace) -> None:
    """Ask first, insist after the grace period."""
    child.send_signal(options.stop_signal)
    insist = threading.Timer(options.grace, kill_group, [child])
    insist.daemon = True
    insist.start()


def follow_parent(child: "subprocess.Popen[bytes]", options: argparse.Namespace) -> None:
    while order := os.read(0, 1):
        if order == b"k":
            kill_group(child)
    end(child, options)


def main() -> int:
    options = parse()
    step_back(options.nice)
    child = spawn(options)
    print(child.pid, flush=True)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: end(child, options))
    threading.Thread(target=follow_parent, args=(child, options), daemon=True).start()
    code = child.wait()
    kill_group(child)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
