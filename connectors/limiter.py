"""Token buckets, one an operation, that learn their rate from what the vendor says."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from connectors.errors import Unavailable
from models.channel import QuotaLeft

LONGEST_WAIT = 10.0
"""Seconds a call waits for its turn; beyond that it gives its worker slot back and says when to come again."""


class Bucket:
    """`rate` calls a second on average, `burst` at once."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def reserve(self, longest: float = LONGEST_WAIT) -> float:
        """Take a token; returns the seconds to wait for it. Raises `Unavailable` when that is longer than `longest`."""
        self._refill()
        wait = max(0.0, (1 - self._tokens) / self.rate)
        if wait > longest:
            raise Unavailable(f"own rate limit: next call in {wait:.1f} s", timedelta(seconds=wait))
        self._tokens -= 1
        return wait

    def drain(self) -> None:
        """The vendor said `too many`: whatever we counted, nothing is left."""
        self._refill()
        self._tokens = min(self._tokens, 0.0)

    def learn(self, rate: float) -> None:
        """Go on at the rate that the vendor grants; a rate that is none is not believed."""
        if rate > 0 and math.isfinite(rate):
            self._refill()
            self.rate = rate

    @property
    def left(self) -> float:
        self._refill()
        return max(0.0, self._tokens)

    def _refill(self) -> None:
        now = self._clock()
        self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.rate)
        self._at = now


class RateLimiter:
    """Keeps calls within the vendor's quota for each operation; operations without a bucket are not limited."""

    def __init__(
        self,
        quotas: Mapping[str, tuple[float, int]],
        *,
        scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`quotas`: operation -> (calls a second, burst) as published; `scale`: how many times that was granted."""
        self._sleep = sleep
        self._buckets = {
            operation: Bucket(rate * scale, max(1, round(burst * scale)), clock)
            for operation, (rate, burst) in quotas.items()
        }

    async def acquire(self, operation: str) -> None:
        bucket = self._buckets.get(operation)
        if bucket and (wait := bucket.reserve()):
            await self._sleep(wait)

    def learn(self, operation: str, rate: float) -> None:
        if bucket := self._buckets.get(operation):
            bucket.learn(rate)

    def drain(self, operation: str) -> None:
        if bucket := self._buckets.get(operation):
            bucket.drain()

    def levels(self) -> tuple[QuotaLeft, ...]:
        """What is left of each quota, as far as our own calls say."""
        return tuple(
            QuotaLeft(operation=operation, rate=bucket.rate, burst=bucket.burst, left=bucket.left)
            for operation, bucket in self._buckets.items()
        )
