"""A local Tryton: quick the second time, with its books kept, and gone with its parent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.erp import demo_goods
from settings import Settings
from stack.ports import answers
from stack.tryton import LocalTryton
from tests.stack.waiting import until

pytestmark = [pytest.mark.erp, pytest.mark.timeout(900)]
PARENT = """
import sys
from pathlib import Path
from cli.erp import demo_goods
from stack.tryton import LocalTryton

tryton = LocalTryton(Path(sys.argv[1]), Path(sys.argv[2]), demo_goods(), fast=True, keep_ports=False).start()
print(tryton.port, flush=True)
sys.stdin.read()
"""


def cache() -> Path:
    return (Settings().data_dir / "erp" / "cache").resolve()


@pytest.fixture
def tryton(tmp_path: Path) -> Iterator[LocalTryton]:
    server = LocalTryton(tmp_path, cache(), demo_goods(), fast=True, keep_ports=False)
    yield server
    server.destroy()


def test_a_second_start_takes_seconds_and_finds_its_books(tryton: LocalTryton, tmp_path: Path) -> None:
    with tryton:
        rpc = tryton.admin()
        rpc.create("party.party", {"name": "Ada", "code": "kept"})
        rpc.close()
    began = time.monotonic()
    with LocalTryton(tmp_path, cache(), demo_goods(), fast=True, keep_ports=False) as again:
        seconds = time.monotonic() - began
        rpc = again.admin()
        assert rpc.first("party.party", [["code", "=", "kept"]], ["name"])["name"] == "Ada"
        rpc.close()
    print(f"second start: {seconds:.1f} s")
    assert seconds < 60


def test_a_server_dies_with_its_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path), str(cache())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    port = int(parent.stdout.readline())
    assert answers(port)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    until(lambda: not answers(port), seconds=30)
    LocalTryton(tmp_path, cache(), demo_goods(), fast=True, keep_ports=False).destroy()
