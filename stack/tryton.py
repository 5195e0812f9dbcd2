"""A local Tryton: its programs, its database on our PostgreSQL, and what its kind has in it, by one call.

The first start installs Tryton, creates the database and sets it up, which takes a minute; a dump of that is
kept in `cache`, and later starts take seconds.
"""

import hashlib
import json
import os
import secrets
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from stack.accounts import unprivileged_account
from stack.errors import StackError
from stack.locks import held_lock
from stack.ports import LOOPBACK, PortBook
from stack.postgres import LocalPg
from stack.postgres_files import find_programs
from stack.processes import Child, Command
from stack.running import write_private
from stack.tryton_kinds import BOOKS, Kind
from stack.tryton_plan import Goods
from stack.tryton_programs import BUILD_SECONDS, lock_digest, tryton_programs
from stack.tryton_rpc import TrytonRpc

ADMIN = "admin"
SETTINGS = """\
[database]
uri = postgresql://postgres@{host}:{postgres}/
# How often the server itself repeats a transaction that lost a lock.
retry = 20
[web]
listen = {host}:{port}
[cache]
# Several processes serve one database: none may trust its memory.
clean_timeout = 0
[session]
max_attempt = 50
[email]
uri = smtp://{host}:9
"""


class LocalTryton:
    """`with LocalTryton(home, cache, goods) as tryton:`; `home` keeps the database, `cache` what can be made anew."""

    def __init__(
        self,
        home: Path,
        cache: Path,
        goods: Goods,
        kind: Kind = BOOKS,
        *,
        fast: bool = False,
        keep_ports: bool = True,
        processes: int = 2,
        niceness: int = 0,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        cache.mkdir(parents=True, exist_ok=True)
        self.home, self._cache, self._goods, self._say = home.resolve(), cache.resolve(), goods, say
        self._kind, self._database = kind, kind.database
        self._postgres = LocalPg(self.home / "postgres", fast=fast, usual_port=None, niceness=niceness)
        usual = kind.usual_port if keep_ports else None
        self.port = PortBook(self.home / "ports.json").choose("tryton", usual)
        self.url = f"http://{LOOPBACK}:{self.port}"
        self._processes, self._niceness = processes, niceness
        self._programs = tryton_programs(self._cache)
        self.child = Child(self._command(self._database))
        self._known: dict[str, Any] = {}

    def start(self) -> Self:
        self._postgres.start()
        try:
            self._provide_database()
            self._serve(self.child)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        self.child.stop()
        self._postgres.stop()

    def destroy(self) -> None:
        """Stop, and remove the database server's files."""
        self.child.stop()
        self._postgres.destroy()

    def restart(self) -> None:
        """Serve again after `child.kill()`, at the same address."""
        self.child.stop()
        self._serve(self.child)

    def connection(self) -> dict[str, Any]:
        """The entry of the connections file (`erp` or `wms`) for this server."""
        return self._kind.connection(self.url, self._database, self._known, self._goods)

    @property
    def database_url(self) -> str:
        """Its database, for tests that hold up its transactions."""
        return self._postgres.url(self._database)

    @property
    def admin_password(self) -> str:
        return str(self._known["admin"])

    def admin(self) -> TrytonRpc:
        """A session of the administrator, for tests that change the books' set-up."""
        return TrytonRpc(self.url, self._database).login(ADMIN, self.admin_password)

    def fresh(self) -> None:
        """Throw the database away and serve a new one."""
        self.child.stop()
        self._postgres.drop_database(self._database)
        self._provide_database()
        self._serve(self.child)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _provide_database(self) -> None:
        """The database of the last run, or a copy of the one in the cache; the keys belong to the database."""
        keys = self.home / "keys.json"
        if not (keys.exists() and self._has_database(self._database)):
            dump = self._cached()
            self._restore(dump)
            write_private(keys, dump.with_suffix(".json").read_text())
        self._known = json.loads(keys.read_text())

    def _cached(self) -> Path:
        dump = self._cache / f"{self._kind.name}-{self._digest()}.dump"
        refusal = f"another process still prepares Tryton's database in {self._cache}"
        with held_lock(self._cache / f"{self._kind.name}.lock", wait_seconds=BUILD_SECONDS, refusal=refusal):
            if not dump.exists():
                self._build(dump)
        return dump

    def _digest(self) -> str:
        """Another lock file, set-up or major version of PostgreSQL: another dump."""
        kind, postgres = self._kind, self._run_pg("postgres", "--version")
        parts = [lock_digest(), kind.sources(), self._goods, postgres, kind.modules]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]

    def _build(self, dump: Path) -> None:
        self._say("building Tryton's database (once, about a minute)")
        building = f"{self._database}_building"
        self._postgres.drop_database(building)
        self._postgres.create_database(building)
        known: dict[str, Any] = {"admin": secrets.token_hex(16)}
        self._install_modules(building, known["admin"])
        server = Child(self._command(building))
        self._serve(server)
        try:
            rpc = TrytonRpc(self.url, building).login(ADMIN, known["admin"])
            known |= self._kind.set_up(rpc, self._goods)
            rpc.close()
        finally:
            server.stop()
        self._run_pg("pg_dump", "-Fc", "-f", str(dump.with_suffix(".part")), self._postgres.url(building))
        write_private(dump.with_suffix(".json"), json.dumps(known))
        dump.with_suffix(".part").rename(dump)
        self._postgres.drop_database(building)

    def _install_modules(self, database: str, password: str) -> None:
        password_file = self.home / "admin-password"
        write_private(password_file, password)
        arguments = ["-c", str(self._settings()), "-d", database, "-u", "ir", "res", *self._kind.modules]
        arguments += ["--activate-dependencies", "--email", "admin@example.com", "-p"]
        environment = {**_environment(), "TRYTONPASSFILE": str(password_file)}
        try:
            _require(str(self._programs / "trytond-admin"), *arguments, env=environment)
        finally:
            password_file.unlink()

    def _restore(self, dump: Path) -> None:
        """Under another name first: an interrupted copy must not look like a database."""
        unfinished = f"{self._database}_unfinished"
        self._postgres.drop_database(unfinished)
        self._postgres.create_database(unfinished)
        self._run_pg("pg_restore", "-j2", "--no-owner", "-d", self._postgres.url(unfinished), str(dump))
        self._postgres.drop_database(self._database)
        self._run_pg("psql", self._postgres.url(), "-qc", f'ALTER DATABASE "{unfinished}" RENAME TO "{self._database}"')

    def _has_database(self, name: str) -> bool:
        listed = self._run_pg("psql", self._postgres.url(), "-Atc", "SELECT datname FROM pg_database")
        return name in listed.split()

    def _run_pg(self, program: str, *arguments: str) -> str:
        return _require(str(find_programs(unprivileged_account()) / program), *arguments, env=_environment())

    def _serve(self, server: Child) -> None:
        server.start()
        server.wait_until(self._answers, "Tryton")

    def _answers(self) -> bool:
        question = {"id": 1, "method": "common.server.version", "params": []}
        try:
            return httpx.post(f"{self.url}/rpc/", json=question, timeout=5, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def _command(self, database: str) -> Command:
        # gunicorn: the server that Tryton brings along answers one request at a time.
        options = ["-b", f"{LOOPBACK}:{self.port}", "-w", str(self._processes), "--threads", "4", "--timeout", "120"]
        # Longer than our clients keep a connection: one that the server closes under a request is a lost reply.
        options += ["--keep-alive", "75", "--no-control-socket"]
        # Named, because a database that is opened only by its first request answers every login with an error.
        named = {"TRYTOND_DATABASE_NAMES": database, "TRYTOND_CONFIG": str(self._settings())}
        return Command(
            name="tryton",
            argv=[str(self._programs / "gunicorn"), *options, "trytond.application:app"],
            log=self.home / "tryton.log",
            cwd=self.home,
            env={**_environment(), **named, "TRYTOND_LOGGING_LEVEL": "30"},
            grace_seconds=10,
            niceness=self._niceness,
        )

    def _settings(self) -> Path:
        path = self.home / "trytond.conf"
        path.write_text(SETTINGS.format(host=LOOPBACK, postgres=self._postgres.port, port=self.port))
        return path


def _environment() -> dict[str, str]:
    """Nothing that steers another Python or PostgreSQL may steer these programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON", "TRYTON"))}


def _require(*argv: str, env: Mapping[str, str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env)  # noqa: S603 - our own programs
    if done.returncode != 0:
        raise StackError(f"{Path(argv[0]).name} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout
