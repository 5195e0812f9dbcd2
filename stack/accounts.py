"""PostgreSQL refuses to run as root: the unprivileged account it runs as then, and what that account can reach."""

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from stack.errors import StackError
from stack.processes import Account

ACCOUNTS = ("postgres", "nobody")
SHARED_CACHE = Path("/var/tmp/orderyard")  # noqa: S108 - made by root, and refused when anybody else owns it


def unprivileged_account() -> Account | None:
    """None: we are not root, so every child simply runs as we do. Nothing is created: an existing account is used."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if name in known:
            return Account(name, known[name].pw_uid, known[name].pw_gid)
    raise StackError(f"PostgreSQL does not run as root, and there is no account named {' or '.join(ACCOUNTS)}")


def can_reach(account: Account | None, path: Path) -> bool:
    """Whether the account may walk down to `path`. A checkout under a 0700 directory is the case that fails."""
    return account is None or all(_may_enter(account, parent) for parent in path.resolve().parents)


def _may_enter(account: Account, directory: Path) -> bool:
    status = directory.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def shared_cache() -> Path:
    """A directory every account can enter and only root can write to."""
    SHARED_CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = SHARED_CACHE.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise StackError(f"{SHARED_CACHE} is not a directory that only root can write to: remove it and start again")
    SHARED_CACHE.chmod(0o755)
    return SHARED_CACHE


def copied_once(trees: Mapping[str, Path], name: str) -> Path:
    """A directory in the shared cache with a copy of each tree; an interrupted copy never gets the name."""
    copy = shared_cache() / name
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=shared_cache()))
        for place, tree in trees.items():
            shutil.copytree(tree, unfinished / place, symlinks=True)
        unfinished.chmod(0o755)
        _give_name(unfinished, copy)
    return copy


def _give_name(unfinished: Path, copy: Path) -> None:
    try:
        unfinished.rename(copy)
    except OSError:
        # Another process finished the same copy first.
        if not copy.exists():
            raise
        shutil.rmtree(unfinished)
