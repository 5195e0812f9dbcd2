"""Bearer tokens that expire: fetched once however many calls wait for one, refreshed once when refused."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator

import httpx

from connectors.errors import Unauthorized, Unavailable
from connectors.http import retry_after

EARLY = 60.0
"""Seconds before its end at which a token is not used any more."""
LIFETIME = 3600.0
"""Seconds that a token lives when its issuer does not say (or says something that is not a number)."""


class TokenAuth(httpx.Auth, ABC):
    """Puts a fetched token on each request. Subclasses say how to ask for one, and where it goes."""

    requires_response_body = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token: str | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    @abstractmethod
    def token_request(self) -> httpx.Request:
        """Resolves the connection's secrets each time: one that was rotated in its file counts from the next token."""

    @abstractmethod
    def apply(self, request: httpx.Request, token: str) -> None: ...

    def refused(self, response: httpx.Response) -> bool:
        """True when the answer says that the token, not the request, is the problem."""
        return response.status_code == 401

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        raise RuntimeError("connectors are asynchronous")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        if self._token is None or self._clock() >= self._until:
            async with self._lock:
                if self._token is None or self._clock() >= self._until:
                    response = yield self.token_request()
                    await response.aread()
                    self._keep(response)
        used = self._token
        assert used is not None
        self.apply(request, used)
        response = yield request
        await response.aread()
        if not self.refused(response):
            return
        async with self._lock:
            if self._token == used:
                response = yield self.token_request()
                await response.aread()
                self._keep(response)
        self.apply(request, self._token or used)
        yield request

    def _keep(self, response: httpx.Response) -> None:
        if response.status_code >= 500 or response.status_code == 429:
            problem = f"no token yet: HTTP {response.status_code} from {response.request.url.path}"
            raise Unavailable(problem, retry_after(response))
        grant = _grant(response)
        if grant is None:
            raise Unauthorized(f"no token from {response.request.url.path}: HTTP {response.status_code}")
        self._token, lifetime = grant
        self._until = self._clock() + max(1.0, lifetime - EARLY)


def _grant(response: httpx.Response) -> tuple[str, float] | None:
    """The token in an answer, and the seconds that it lives."""
    try:
        body = response.json() if response.status_code == 200 else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("access_token"), str) or not body["access_token"]:
        return None
    try:
        return body["access_token"], float(body.get("expires_in", LIFETIME))
    except (TypeError, ValueError):
        return body["access_token"], LIFETIME
