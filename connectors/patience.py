"""Short patience within one page: a page of many reads must not begin again because one of them failed.

Without it a page of ten orders at a vendor that fails every tenth read ends once in three attempts, and on a worse day
never. Writes have no such patience: whether one is made again is decided with a look at what it did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from connectors.errors import Unavailable

Answer = TypeVar("Answer")

ATTEMPTS = 4
SHORT = timedelta(seconds=5)
"""Who is asked to wait for longer lets the page fail: the engine waits better."""

_growing = wait_random_exponential(multiplier=0.2, max=2.0)


async def patiently(read: Callable[[], Awaitable[Answer]], longest: timedelta = SHORT) -> Answer:
    """One of a page's reads, made again a few times. Raises what the last one raised.

    `longest`: how long it waits when it is asked to; longer where beginning again would cost more.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: _passes(error, longest)),
        stop=stop_after_attempt(ATTEMPTS),
        wait=_pause,
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            return await read()
    raise AssertionError("the last attempt either answers or raises")


def _passes(error: BaseException, longest: timedelta) -> bool:
    return isinstance(error, Unavailable) and (error.retry_after or timedelta()) <= longest


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Unavailable) and error.retry_after else timedelta()
    return asked.total_seconds() + _growing(state)
