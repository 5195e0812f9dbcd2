"""File locks (flock): whoever holds the open file, or inherited it, holds the lock. A dead process holds nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from stack.errors import StackError


def take_lock(path: Path, *, wait_seconds: float, refusal: str) -> int:
    """The descriptor that holds the lock. Closing it, and every copy a child inherited, releases the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    patience = Retrying(
        retry=retry_if_exception_type(BlockingIOError), stop=stop_after_delay(wait_seconds), wait=wait_fixed(0.05)
    )
    try:
        patience(fcntl.flock, descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except RetryError:
        os.close(descriptor)
        raise StackError(refusal) from None
    return descriptor


@contextmanager
def held_lock(path: Path, *, wait_seconds: float, refusal: str) -> Iterator[None]:
    descriptor = take_lock(path, wait_seconds=wait_seconds, refusal=refusal)
    try:
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a live process holds the lock right now."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
