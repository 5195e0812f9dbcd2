"""The local PostgreSQL server: it keeps its data, leaves nothing behind and trusts no stale file."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stack.errors import StackError
from stack.ports import LOOPBACK
from stack.postgres import LocalPg
from stack.postgres_files import find_programs
from tests.stack.waiting import execute, is_running, next_line, one_value, parent_process, until

PARENT = """
    import signal, sys
    from pathlib import Path
    from stack.postgres import LocalPg

    server = LocalPg(Path(sys.argv[1]), fast=True, usual_port=None).start()
    print(server.child.pid, flush=True)
    signal.pause()
"""


def local_pg(home: Path) -> LocalPg:
    return LocalPg(home, fast=True, usual_port=None)


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the server's account can reach; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="orderyard-tests-") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory) / "postgres"


def test_data_survives_a_restart_at_the_same_address(home: Path) -> None:
    with local_pg(home) as server:
        execute(server.create_database("shop"), "CREATE TABLE orders AS SELECT 42 AS number")
        first_url = server.url("shop")
    with local_pg(home) as server:
        assert server.url("shop") == first_url
        assert one_value(server.url("shop"), "SELECT number FROM orders") == 42


def test_an_interrupted_first_start_is_done_again(home: Path) -> None:
    half_made = local_pg(home).cluster.with_name("cluster.unfinished")
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with local_pg(home) as server:
        assert one_value(server.url(), "SELECT 1") == 1
    assert not half_made.exists()


def test_an_occupied_port_is_left_to_its_owner(home: Path) -> None:
    with socket.socket() as owner:
        owner.bind((LOOPBACK, 0))
        owner.listen()
        taken = owner.getsockname()[1]
        with LocalPg(home, fast=True, usual_port=taken) as server:
            assert server.port != taken
            assert one_value(server.url(), "SELECT 1") == 1


def test_a_database_is_made_once_and_can_be_copied_from_a_template(postgres: LocalPg) -> None:
    execute(postgres.create_database("first"), "CREATE TABLE stock AS SELECT 7 AS pieces")
    assert postgres.create_database("first") == postgres.url("first")
    copy = postgres.create_database("copy", template="first")
    assert one_value(copy, "SELECT pieces FROM stock") == 7
    postgres.drop_database("copy")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        one_value(copy, "SELECT 1")


def test_the_server_ends_within_two_seconds_when_its_parent_is_killed(home: Path) -> None:
    with parent_process(PARENT, str(home)) as parent:
        pid = int(next_line(parent))
        assert is_running(pid)
    until(lambda: not is_running(pid), seconds=2)


def test_the_server_can_be_killed_and_started_again_without_loss(home: Path) -> None:
    with local_pg(home) as server:
        execute(server.url(), "CREATE TABLE orders AS SELECT 42 AS number")
        server.child.kill()
        server.start()
        assert one_value(server.url(), "SELECT number FROM orders") == 42


def test_a_stale_pid_file_that_names_somebody_elses_process_neither_stops_us_nor_harms_it(home: Path) -> None:
    with local_pg(home) as server:
        owner = server.cluster.stat()
        pid_file = server.cluster / "postmaster.pid"
        server.child.kill()
    stranger = subprocess.Popen(
        ["sleep", "60"], user=owner.st_uid, group=owner.st_gid, extra_groups=[] if os.geteuid() == 0 else None
    )
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]))
    with local_pg(home) as server:
        assert one_value(server.url(), "SELECT 1") == 1
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_server_that_was_started_by_hand_keeps_its_cluster(home: Path) -> None:
    """Its process works in the cluster's directory, as PostgreSQL does."""
    with local_pg(home) as server:
        cluster = server.cluster
    by_hand = subprocess.Popen(["sleep", "60"], cwd=cluster)
    (cluster / "postmaster.pid").write_text(f"{by_hand.pid}\n")
    with pytest.raises(StackError, match=rf"did not start \(process {by_hand.pid}\)"):
        local_pg(home).start()
    assert by_hand.poll() is None
    by_hand.kill()
    by_hand.wait()


def test_programs_of_another_major_version_are_refused_with_what_to_do(home: Path) -> None:
    with local_pg(home) as server:
        (server.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(StackError, match=r"made by PostgreSQL 9.*set PG_BIN"):
        local_pg(home).start()


def test_variables_meant_for_other_servers_do_not_steer_this_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with local_pg(home) as server:
        assert one_value(server.url(), "SELECT 1") == 1


def test_a_checkout_in_a_private_directory_works_and_finds_its_data_again(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    server = local_pg(private / "postgres")
    with server:
        execute(server.url(), "CREATE TABLE orders AS SELECT 42 AS number")
    again = local_pg(private / "postgres").start()
    try:
        assert again.cluster == server.cluster
        assert one_value(again.url(), "SELECT number FROM orders") == 42
    finally:
        again.destroy()
    assert not server.cluster.exists()
    assert private.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another account")
def test_programs_in_a_private_directory_are_copied_with_their_libraries_to_where_the_account_can_reach_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)
    package = find_programs(None).parent.parent
    private = tmp_path / "site-packages"
    private.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", package, package.with_name(f"{package.name}.libs"), private], check=True)
    monkeypatch.setenv("PG_BIN", str(private / package.name / "pginstall" / "bin"))
    with tempfile.TemporaryDirectory(dir=home.parent) as cache:
        monkeypatch.setattr("stack.accounts.SHARED_CACHE", Path(cache))
        with local_pg(home) as server:
            assert Path(server.child.command.argv[0]).is_relative_to(cache)
            assert one_value(server.url(), "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root shares a cache with another account")
def test_a_cache_that_somebody_else_could_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    squatted = tmp_path / "orderyard"
    squatted.mkdir()
    squatted.chmod(0o777)
    monkeypatch.setattr("stack.accounts.SHARED_CACHE", squatted)
    with pytest.raises(StackError, match="only root can write to"):
        local_pg(tmp_path / "postgres")
