"""Waiting by condition."""

import asyncio
from collections.abc import Callable


async def until(done: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Returns as soon as `done`. Raises `TimeoutError` that says what was waited for."""
    try:
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - what is waited for knows no events
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"waited {seconds:.0f} s for {what}") from None
