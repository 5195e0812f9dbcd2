"""Shopify's calculated query cost: a bucket of points per app and shop, as each answer describes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import Unavailable
from connectors.limiter import LONGEST_WAIT
from connectors.shopify.failing import TooCostly
from models.channel import QuotaLeft

BUCKET = 1000.0
"""Points that any shop's bucket holds at least, until an answer says how many (shopify.dev, "API rate limits")."""
RESTORE_RATE = 100.0
"""Points a second of a Standard shop, until an answer says otherwise."""
A_MOMENT = 0.005
"""Seconds more than computed, so that rounding does not make a wait fall short."""
FULL_QUERY = 1000.0
"""What a query may cost at most: assumed of one that has never run and is not in the table."""


class CostLimiter:
    """Waits before a query that the bucket cannot pay for. Learns from `extensions.cost` of every answer.

    Queries that are under way are paid for already: Shopify's figure of what is left does not know of all of them.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        costs: Mapping[str, float] | None = None,
        scale: float = 1.0,
    ) -> None:
        """`costs`: operation -> points that it asks for, until an answer says so; `scale`: granted times the bucket."""
        self._clock = clock
        self._ended = asyncio.Event()
        self._maximum = self._available = BUCKET * scale
        self._restore = RESTORE_RATE * scale
        self._at = clock()
        self._costs = dict(costs or {})
        self._under_way = 0.0
        self._told = False

    async def acquire(self, operation: str) -> float:
        """Pay for a query; returns the points, to be handed to `release` when the query has ended.

        Raises `Unavailable` when the wait would be longer than a worker's slot is worth, `TooCostly` if for ever.
        """
        latest = self._clock() + LONGEST_WAIT
        while (wait := self._wait(operation)) > 0:
            if self._clock() + (0 if self._under_way else wait) > latest:
                raise Unavailable(f"own cost limit: {operation} can be paid in {wait:.1f} s", timedelta(seconds=wait))
            await self._news(min(wait, LONGEST_WAIT))
        cost = self._cost(operation)
        self._available = self._left() - cost
        self._at = self._clock()
        self._under_way += cost
        return cost

    def release(self, points: float) -> None:
        """A query has ended, with or without an answer."""
        self._under_way -= points
        self._ended.set()

    def learn(self, operation: str, cost: Mapping[str, Any]) -> None:
        """`requestedQueryCost` must be in the bucket before a query runs, whatever it costs in the end.

        A figure above what Shopify takes of any query is not believed: such a query is refused in other words.
        """
        asked = _number(cost.get("requestedQueryCost"), self._costs.get(operation, 0.0))
        self._costs[operation] = min(asked, FULL_QUERY)
        status = cost.get("throttleStatus")
        if isinstance(status, Mapping):
            self._maximum = _number(status.get("maximumAvailable"), self._maximum)
            self._told = True
            self._restore = _number(status.get("restoreRate"), self._restore) or RESTORE_RATE
            if "currentlyAvailable" in status:
                self._available = _number(status["currentlyAvailable"], self._available) - self._under_way
                self._at = self._clock()

    def _cost(self, operation: str) -> float:
        """Until Shopify has said how large the bucket is, a query that seems too large takes all of it."""
        cost = self._costs.get(operation, FULL_QUERY)
        return cost if self._told and operation in self._costs else min(cost, self._maximum)

    def _wait(self, operation: str) -> float:
        """Seconds until the bucket can pay, if no query ends before that and gives back what it did not use."""
        cost = self._cost(operation)
        if cost > self._maximum:
            raise TooCostly(f"{operation} asks for {cost:.0f} points (MAX_COST), the bucket holds {self._maximum:.0f}")
        return max(0.0, (cost - self._left()) / self._restore)

    async def _news(self, seconds: float) -> None:
        """A query asks for many points and uses few: when one ends, others can often go at once."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + A_MOMENT):
                await self._ended.wait()

    def wait_for(self, operation: str) -> timedelta:
        """When a throttled query can be paid."""
        missing = self._costs.get(operation, 0.0) - self._left()
        return timedelta(seconds=max(missing / self._restore, 0.05))

    def level(self) -> QuotaLeft:
        left = max(0.0, self._left())
        return QuotaLeft(operation="graphql", rate=self._restore, burst=round(self._maximum), left=left)

    def _left(self) -> float:
        return min(self._maximum, self._available + (self._clock() - self._at) * self._restore)


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else otherwise
