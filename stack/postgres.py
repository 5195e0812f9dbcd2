"""A PostgreSQL server for one machine: programs from a wheel or the system, a life cycle of our own.

The wheel's own launcher is not used: it listens on a socket file only, leaks the server when its parent is
killed, and trusts any live process id in a stale `postmaster.pid`.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from stack.accounts import unprivileged_account
from stack.errors import StackError
from stack.ports import LOOPBACK, PortBook
from stack.postgres_files import cluster_directory, find_programs
from stack.processes import Child, Command

USUAL_PORT = 15432
SUPERUSER = "postgres"
SETTINGS = {"max_connections": "200", "log_min_messages": "warning", "timezone": "UTC"}
FAST_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
"""For tests alone: a crash of the machine may lose the cluster. `kill -9` of the server loses nothing that was
committed, which is why `synchronous_commit` stays on."""


class LocalPg:
    """`home` keeps the port, the log and, where the server's account can reach it, the cluster."""

    def __init__(
        self, home: Path, *, fast: bool = False, usual_port: int | None = USUAL_PORT, niceness: int = 0
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home.resolve()
        self._account = unprivileged_account()
        self._programs = find_programs(self._account)
        self._settings = SETTINGS | FAST_SETTINGS if fast else SETTINGS
        self._usual_port, self._niceness = usual_port, niceness
        self.cluster = cluster_directory(self.home, self._account)
        self._unfinished = self.cluster.with_name(f"{self.cluster.name}.unfinished")
        self.port = PortBook(self.home / "ports.json").choose("postgres", usual_port)
        self.child = Child(self._command())

    def start(self) -> Self:
        """Start and wait until it answers; a cluster is made the first time."""
        self.child.start(prepare=self._prepare)
        self.child.wait_until(self._answers, "PostgreSQL")
        return self

    def stop(self) -> None:
        self.child.stop()

    def destroy(self) -> None:
        """Stop, and remove the cluster."""
        self.stop()
        for directory in (self.cluster, self._unfinished):
            if directory.exists():
                shutil.rmtree(directory)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """The URL of database `name`, which is made when missing: empty, or as a copy of `template`."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                copy_of = sql.SQL("TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
                connection.execute(sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), copy_of))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove it, whoever is still connected."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> Command:
        server = [str(self._programs / "postgres"), "-D", str(self.cluster), "-p", str(self.port), "-h", LOOPBACK]
        options = self._settings | {"unix_socket_directories": ""}
        return Command(
            name="postgres",
            argv=server + [f"--{name}={value}" for name, value in options.items()],
            log=self.home / "postgres.log",
            cwd=Path("/"),
            env=_environment(),
            stop_signal=signal.SIGINT,  # PostgreSQL's "fast shutdown"
            grace_seconds=15,
            account=self._account,
            niceness=self._niceness,
        )

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _prepare(self) -> None:
        if not self.cluster.exists():
            self._initialise()
        self._check_version()
        self._remove_stale_pid_file()

    def _initialise(self) -> None:
        """Under another name first: an interrupted `initdb` must not look like a cluster."""
        unfinished = self._unfinished
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(mode=0o700)
        if self._account is not None:
            os.chown(unfinished, self._account.uid, self._account.gid)
        self._run("initdb", "-D", str(unfinished), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C")
        unfinished.rename(self.cluster)

    def _check_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        version = self._run("postgres", "--version").split()[2]
        if version.split(".")[0] != made_by:
            raise StackError(
                f"the cluster in {self.cluster} was made by PostgreSQL {made_by}, and the programs in {self._programs} "
                f"are {version}: set PG_BIN to the programs of version {made_by}, or remove the data directory"
            )

    def _remove_stale_pid_file(self) -> None:
        """PostgreSQL trusts a live process id in the file, also when it belongs to somebody else by now.

        Our lock says that no server of ours is left. Only one that was started by hand could hold the cluster.
        """
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().split("\n", 1)[0])
        if _is_server_of(pid, self.cluster):
            raise StackError(f"a PostgreSQL server that Orderyard did not start (process {pid}) uses {self.cluster}")
        pid_file.unlink()

    def _run(self, program: str, *arguments: str) -> str:
        account = self._account
        done = subprocess.run(  # noqa: S603 - our own programs
            [self._programs / program, *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise StackError(f"{program} failed:\n{done.stderr[-2000:]}")
        return done.stdout


def _environment() -> dict[str, str]:
    """PG* variables of the person at the terminal must not steer this server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _is_server_of(pid: int, cluster: Path) -> bool:
    """Whether `pid` is a PostgreSQL server that works in `cluster`. The process is never touched."""
    working_directory = Path(f"/proc/{pid}/cwd")
    if Path("/proc/self/cwd").exists():
        try:
            return working_directory.resolve(strict=True) == cluster.resolve()
        except (FileNotFoundError, PermissionError):
            return False
    listing = subprocess.run(["ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return listing.stdout.strip().endswith("postgres")
