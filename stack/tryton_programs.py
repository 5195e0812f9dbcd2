"""Tryton's programs, in an environment of their own.

Tryton is GPL and Orderyard is not: it is a server for tests and tours, reached over HTTP. None of it is installed
beside the product, and no file of the product imports it.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from stack.errors import StackError
from stack.locks import held_lock

LOCK_FILE = Path(__file__).resolve().parent.parent / "requirements" / "tryton.lock"
BUILD_SECONDS = 600.0


def tryton_programs(cache: Path) -> Path:
    """The `bin` directory with `trytond-admin` and `gunicorn`; installed from the lock file the first time."""
    environment = cache.resolve() / f"venv-{lock_digest()}-{sys.version_info.major}.{sys.version_info.minor}"
    with held_lock(
        cache / "venv.lock", wait_seconds=BUILD_SECONDS, refusal=f"another process still installs Tryton in {cache}"
    ):
        if not (environment / "ready").exists():
            _install(environment)
    return environment / "bin"


def lock_digest() -> str:
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:12]


def _install(environment: Path) -> None:
    shutil.rmtree(environment, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(environment))
    # The lock is complete: without --no-deps pip would look for newer releases of extras.
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", str(LOCK_FILE)]
    _run(str(environment / "bin" / "python"), "-m", "pip", "install", *options)
    (environment / "ready").touch()


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0:
        raise StackError(f"{' '.join(argv[:4])} … failed:\n{(done.stdout + done.stderr)[-2000:]}")
