"""The one HTTP client of all connectors: limits, headers, time-outs, and transport failures in our vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO

import httpx
import structlog

from connectors.errors import InDoubt, Unauthorized, Unavailable
from connectors.limiter import RateLimiter

log = structlog.get_logger(__name__)

TIMEOUT = httpx.Timeout(connect=5.0, read=20.0, write=10.0, pool=20.0)
CORRELATION_HEADER = "X-Correlation-Id"
IDEMPOTENCY_HEADER = "Idempotency-Key"

RateReader = Callable[[httpx.Response], float | None]
"""Reads the rate (calls a second) that a response grants its operation."""

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_NOT_DONE = frozenset({408, 425, 429, 503})
"""Answers that say the server has not begun: request time-out, too early, too many requests, service unavailable."""
CHUNK = 1 << 16
"""Bytes of a download that are in memory at once."""
_LONGEST_PAUSE = 86_400.0
"""Seconds; a vendor that asks for more than a day has made a mistake."""


class VendorClient:
    """Sends one vendor's requests.

    `send` returns any answer below 500 that is not 401, 403, 408, 425 or 429; what another 4xx means is the connector's
    to say.
    """

    def __init__(
        self,
        vendor: str,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        limiter: RateLimiter | None = None,
        rate_of: RateReader | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        forbidden_is_auth: bool = True,
    ) -> None:
        self.vendor = vendor
        self._limiter = limiter or RateLimiter({})
        self._rate_of = rate_of
        self._forbidden_is_auth = forbidden_is_auth
        self._http = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            timeout=TIMEOUT,
            headers=dict(headers or {}),
            transport=transport,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=30),
        )

    async def aclose(self) -> None:
        await self._http.aclose()

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        json: Any = None,
        files: Mapping[str, tuple[str, bytes, str]] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
        idempotency_key: str | None = None,
        writes: bool = False,
    ) -> httpx.Response:
        """Send one request. `writes` says that it may change something, so that a lost reply is `InDoubt`.

        `files` are the parts of a form: name of the part -> file name, content, media type.

        Raises `Unavailable`, `InDoubt`, `Unauthorized`.
        """
        await self._limiter.acquire(operation)
        request_headers = dict(headers or {})
        if correlation_id:
            request_headers[CORRELATION_HEADER] = correlation_id
        if idempotency_key:
            request_headers[IDEMPOTENCY_HEADER] = idempotency_key
        with self._failures(operation, writes):
            response = await self._http.request(
                method, path, json=json, files=files, params=params, headers=request_headers
            )
        self._learn(operation, response)
        return self._checked(operation, response, writes)

    async def download(
        self, operation: str, path: str, into: BinaryIO, *, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Write the content of a success into a file as it comes. The answer has content only when it is another.

        Raises like `send`; one that breaks off is `Unavailable`, and has left a part of the content in the file.
        """
        await self._limiter.acquire(operation)
        with self._failures(operation, writes=False):
            async with self._http.stream("GET", path, params=params) as response:
                if response.is_success:
                    async for chunk in response.aiter_bytes(CHUNK):
                        into.write(chunk)
                else:
                    await response.aread()
        self._learn(operation, response)
        return self._checked(operation, response, writes=False)

    @contextmanager
    def _failures(self, operation: str, writes: bool) -> Iterator[None]:
        try:
            yield
        except _NOT_SENT as error:
            raise Unavailable(f"{self.vendor} {operation}: {error!r}") from error
        except httpx.RequestError as error:
            raise self._lost(operation, repr(error), writes) from error

    def _learn(self, operation: str, response: httpx.Response) -> None:
        if self._rate_of and (rate := self._rate_of(response)):
            self._limiter.learn(operation, rate)

    def _checked(self, operation: str, response: httpx.Response, writes: bool) -> httpx.Response:
        status = response.status_code
        where = f"{self.vendor} {operation}: HTTP {status} from {response.request.url.path}"
        log.debug("vendor call", vendor=self.vendor, operation=operation, status=status)
        if status == 429:
            self._limiter.drain(operation)
        if status in _NOT_DONE:
            raise Unavailable(where, retry_after(response))
        if status == 401 or (status == 403 and self._forbidden_is_auth):
            raise Unauthorized(where)
        if status >= 500:
            raise self._lost(operation, f"HTTP {status}", writes)
        return response

    def _lost(self, operation: str, why: str, writes: bool) -> Unavailable | InDoubt:
        message = f"{self.vendor} {operation}: {why}"
        return InDoubt(f"{message}; it may have taken effect") if writes else Unavailable(message)


def retry_after(response: httpx.Response) -> timedelta | None:
    """`Retry-After` in seconds or as an HTTP date, a day at most; `None` when absent or unreadable."""
    try:
        seconds = _seconds(response.headers.get("Retry-After", ""))
    except (ValueError, OverflowError):
        return None
    return timedelta(seconds=min(max(0.0, seconds), _LONGEST_PAUSE))


def _seconds(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        date = parsedate_to_datetime(value)
        # Python reads a date in the zone "-0000" as one without a zone; RFC 5322 says that it is in UTC.
        return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
