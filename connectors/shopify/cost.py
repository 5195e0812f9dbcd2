"""Shopify's calculated query cost: a bucket of points per app and shop, as each answer describes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import Unavailable
from connectors.limiter import LONGEST_WAIT

RESTORE_RATE = 100.0
"""Points a second of a Standard shop, until an answer says otherwise."""


class CostLimiter:
    """Waits before a query that the bucket cannot pay for. Learns from `extensions.cost` of every answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._available = float("inf")
        self._maximum = float("inf")
        self._restore = RESTORE_RATE
        self._at = clock()
        self._costs: dict[str, float] = {}

    async def acquire(self, operation: str) -> None:
        """Raises `Unavailable` when the wait would be longer than a worker's slot is worth."""
        cost = self._costs.get(operation, 0.0)
        wait = max(0.0, (cost - self._left()) / self._restore)
        if wait > LONGEST_WAIT:
            raise Unavailable(f"own cost limit: {operation} can be paid in {wait:.1f} s", timedelta(seconds=wait))
        self._available = self._left() - cost
        self._at = self._clock()
        if wait:
            await asyncio.sleep(wait)

    def learn(self, operation: str, cost: Mapping[str, Any]) -> None:
        """`requestedQueryCost` must be in the bucket before a query runs, whatever it costs in the end."""
        self._costs[operation] = _number(cost.get("requestedQueryCost"), self._costs.get(operation, 0.0))
        status = cost.get("throttleStatus")
        if isinstance(status, Mapping):
            self._available = _number(status.get("currentlyAvailable"), self._available)
            self._maximum = _number(status.get("maximumAvailable"), self._maximum)
            self._restore = _number(status.get("restoreRate"), self._restore) or RESTORE_RATE
            self._at = self._clock()

    def wait_for(self, operation: str) -> timedelta:
        """When a throttled query can be paid."""
        missing = self._costs.get(operation, 0.0) - self._left()
        return timedelta(seconds=max(missing / self._restore, 0.05))

    def _left(self) -> float:
        return min(self._maximum, self._available + (self._clock() - self._at) * self._restore)


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else otherwise
