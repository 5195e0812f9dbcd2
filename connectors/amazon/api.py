"""Amazon's way to say `too many`: without a time, so the time is that of our own count of its quota."""

from __future__ import annotations

from datetime import timedelta

import httpx

from connectors.errors import Unavailable
from connectors.http import VendorClient
from connectors.limiter import RateLimiter


class SellingPartnerClient(VendorClient):
    """429 comes without `Retry-After`: the next call is due after 1/rate (SP-API usage plans)."""

    def _checked(self, operation: str, response: httpx.Response, writes: bool) -> httpx.Response:
        try:
            return super()._checked(operation, response, writes)
        except Unavailable as refused:
            if response.status_code != 429 or refused.retry_after is not None:
                raise
            raise Unavailable(str(refused), next_call(self._limiter, operation)) from None


def next_call(limiter: RateLimiter, operation: str) -> timedelta | None:
    """When a drained bucket holds a call again; None for an operation without a quota."""
    levels = (level for level in limiter.levels() if level.operation == operation)
    return next((timedelta(seconds=max(0.0, 1 - level.left) / level.rate) for level in levels), None)
