"""The one HTTP client: every answer and every failure of the transport becomes what the engine acts on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.errors import ConnectorError, InDoubt, Unauthorized, Unavailable
from connectors.http import VendorClient
from connectors.limiter import RateLimiter

Handler = Callable[[httpx.Request], httpx.Response]

NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
"""Failures before the first byte: nothing can have happened."""
PERHAPS_SENT = {
    "CloseError",
    "DecodingError",
    "LocalProtocolError",
    "NetworkError",
    "ProtocolError",
    "ReadError",
    "ReadTimeout",
    "RemoteProtocolError",
    "TimeoutException",
    "TooManyRedirects",
    "TransportError",
    "WriteError",
    "WriteTimeout",
}


def subclasses(of: type[httpx.RequestError]) -> Iterator[type[httpx.RequestError]]:
    for each in of.__subclasses__():
        yield each
        yield from subclasses(each)


FAILURES = sorted(set(subclasses(httpx.RequestError)), key=lambda each: each.__name__)


def client(handler: Handler, **options: Any) -> VendorClient:
    return VendorClient("acme", "http://acme.test", transport=httpx.MockTransport(handler), **options)


def answering(status: int, **headers: str) -> Handler:
    return lambda request: httpx.Response(status, headers=headers, json={"status": status})


def failing(failure: type[httpx.RequestError]) -> Handler:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure("boom", request=request)

    return fail


async def outcome(handler: Handler, *, writes: bool, **options: Any) -> httpx.Response | ConnectorError:
    vendor = client(handler, **options)
    try:
        return await vendor.send("orders", "POST", "/orders", writes=writes)
    except ConnectorError as error:
        return error
    finally:
        await vendor.aclose()


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 404, 409, 410, 422])
async def test_an_answer_that_the_connector_has_to_judge_is_returned(status: int, writes: bool) -> None:
    answer = await outcome(answering(status), writes=writes)
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("status", "reading", "writing"),
    [
        (401, Unauthorized, Unauthorized),
        (403, Unauthorized, Unauthorized),
        (408, Unavailable, Unavailable),
        (425, Unavailable, Unavailable),
        (429, Unavailable, Unavailable),
        (500, Unavailable, InDoubt),
        (502, Unavailable, InDoubt),
        (503, Unavailable, Unavailable),
        (504, Unavailable, InDoubt),
        (599, Unavailable, InDoubt),
    ],
)
async def test_an_answer_that_is_no_answer_is_an_error_of_its_kind(
    status: int, reading: type[ConnectorError], writing: type[ConnectorError]
) -> None:
    for writes, kind in ((False, reading), (True, writing)):
        error = await outcome(answering(status), writes=writes)
        assert type(error) is kind
        assert f"acme orders: HTTP {status}" in str(error)


async def test_forbidden_is_returned_where_it_does_not_mean_the_credential() -> None:
    answer = await outcome(answering(403), writes=False, forbidden_is_auth=False)
    assert isinstance(answer, httpx.Response)
    assert type(await outcome(answering(401), writes=False, forbidden_is_auth=False)) is Unauthorized


def test_every_failure_that_httpx_knows_is_in_the_table() -> None:
    assert {each.__name__ for each in FAILURES} == NOT_SENT | PERHAPS_SENT


@pytest.mark.parametrize("failure", FAILURES, ids=lambda each: each.__name__)
async def test_a_failure_of_the_transport_is_in_doubt_only_for_a_write_that_may_have_been_sent(
    failure: type[httpx.RequestError],
) -> None:
    read = await outcome(failing(failure), writes=False)
    written = await outcome(failing(failure), writes=True)
    assert type(read) is Unavailable
    assert type(written) is (Unavailable if failure.__name__ in NOT_SENT else InDoubt)
    assert "acme orders" in str(written)


class _Garbled(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"this is not gzip"


async def test_an_answer_that_cannot_be_unpacked_is_a_lost_reply() -> None:
    def garbled(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=_Garbled())

    assert type(await outcome(garbled, writes=True)) is InDoubt
    assert type(await outcome(garbled, writes=False)) is Unavailable


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[str]:
    """A server on a real port that reads a request, sends `answer` and hangs up; gives its address."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"\0\1\2\r\n\r\n"]
)
async def test_a_connection_that_breaks_during_a_write_leaves_it_in_doubt(answer: bytes) -> None:
    async with listening(answer) as address:
        vendor = VendorClient("acme", address)
        with pytest.raises(InDoubt, match="it may have taken effect"):
            await vendor.send("orders", "POST", "/orders", writes=True)
        with pytest.raises(Unavailable):
            await vendor.send("orders", "GET", "/orders")
        await vendor.aclose()


async def test_a_server_that_is_down_was_not_written_to() -> None:
    async with listening(b"") as address:
        pass
    vendor = VendorClient("acme", address)
    with pytest.raises(Unavailable, match="ConnectError"):
        await vendor.send("orders", "POST", "/orders", writes=True)
    await vendor.aclose()


async def test_the_request_carries_what_it_was_given_and_nothing_else() -> None:
    seen: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    vendor = client(keep, headers={"User-Agent": "orderyard"})
    await vendor.send(
        "orders",
        "PUT",
        "/orders/1",
        json={"amount": "12.50"},
        params={"page": "2"},
        headers={"If-Match": "7"},
        correlation_id="c-1",
        idempotency_key="order/1",
    )
    await vendor.send("orders", "GET", "/orders")
    await vendor.aclose()
    full, plain = seen
    assert (full.method, str(full.url)) == ("PUT", "http://acme.test/orders/1?page=2")
    assert full.content == b'{"amount":"12.50"}'
    assert {full.headers[name] for name in ("If-Match", "X-Correlation-Id", "Idempotency-Key")} == {
        "7",
        "c-1",
        "order/1",
    }
    assert plain.headers["User-Agent"] == full.headers["User-Agent"] == "orderyard"
    assert not {"if-match", "x-correlation-id", "idempotency-key"} & set(plain.headers)


async def test_the_rate_that_the_vendor_grants_is_learned_from_its_answers() -> None:
    limiter = RateLimiter({"orders": (0.001, 2)})
    vendor = client(
        answering(200, Rate="1000"), limiter=limiter, rate_of=lambda response: float(response.headers["Rate"])
    )
    for _ in range(10):
        await vendor.send("orders", "GET", "/orders")
    await vendor.aclose()


async def test_an_answer_without_a_rate_changes_nothing() -> None:
    vendor = client(answering(200), limiter=RateLimiter({"orders": (0.001, 1)}), rate_of=lambda response: None)
    await vendor.send("orders", "GET", "/orders")
    with pytest.raises(Unavailable, match="own rate limit"):
        await vendor.send("orders", "GET", "/orders")
    await vendor.aclose()


async def test_after_too_many_requests_the_next_call_is_held_back_without_being_sent() -> None:
    sent: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(429, headers={"Retry-After": "7"})

    vendor = client(refuse, limiter=RateLimiter({"orders": (0.01, 50)}))
    with pytest.raises(Unavailable, match="HTTP 429") as refused:
        await vendor.send("orders", "GET", "/orders")
    assert refused.value.retry_after == timedelta(seconds=7)
    with pytest.raises(Unavailable, match="own rate limit") as held:
        await vendor.send("orders", "GET", "/orders")
    assert held.value.retry_after is not None
    assert held.value.retry_after > timedelta(seconds=90)
    assert len(sent) == 1
    await vendor.aclose()


@pytest.mark.parametrize("status", [408, 425, 429, 503])
async def test_the_pause_that_a_vendor_asks_for_is_passed_on(status: int) -> None:
    error = await outcome(answering(status, **{"Retry-After": "120"}), writes=True)
    assert isinstance(error, Unavailable)
    assert error.retry_after == timedelta(minutes=2)
