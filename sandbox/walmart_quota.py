"""Walmart's allotments: so many calls a minute for each operation, refilled gradually, told of in headers."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response

from sandbox.core import Handler
from sandbox.walmart_answers import milliseconds, now, throttled


class Allotment:
    def __init__(self, a_minute: int, scale: float) -> None:
        self._most = max(1.0, a_minute * scale)
        self._rate = a_minute * scale / 60
        self._tokens = self._most
        self._at = time.monotonic()

    def within(self, handler: Handler) -> Handler:
        """Answer with 429 beyond the allotment; every answer tells what is left."""

        async def answered(request: Request) -> Response:
            response = await handler(request) if self._take() else throttled()
            response.headers["x-current-token-count"] = str(int(self._tokens))
            response.headers["x-next-replenish-time"] = str(milliseconds(now()) + int(1000 / self._rate))
            return response

        return answered

    def _take(self) -> bool:
        moment = time.monotonic()
        self._tokens = min(self._most, self._tokens + (moment - self._at) * self._rate)
        self._at = moment
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
