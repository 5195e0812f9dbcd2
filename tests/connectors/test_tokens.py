"""Access tokens: one fetch however many calls wait, one refresh however many were refused."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from connectors.errors import ConnectorError, Unauthorized, Unavailable
from connectors.http import VendorClient
from connectors.tokens import EARLY, LIFETIME, TokenAuth

CROWD = 50
WITHOUT_TOKEN: list[Any] = [
    None, 7, "access_token", [], ["access_token"], {},
    {"access_token": None}, {"access_token": ""}, {"access_token": 7}, {"access_token": {}},
]  # fmt: skip


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class PlainAuth(TokenAuth):
    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", "http://acme.test/token")

    def apply(self, request: httpx.Request, token: str) -> None:
        request.headers["Authorization"] = f"Bearer {token}"


class Vendor:
    """Issues tokens `t1`, `t2` … and accepts the newest; an answer in `token_answers` is given instead, once."""

    def __init__(self) -> None:
        self.issued = 0
        self.revoked = False
        self.calls = 0
        self.token_answers: list[httpx.Response] = []
        self.lifetime: dict[str, Any] = {"expires_in": 3600}
        self.before_token = asyncio.Event()
        self.before_token.set()
        self.together = asyncio.Barrier(1)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return await self._token()
        self.calls += 1
        accepted = request.headers["Authorization"] == f"Bearer t{self.issued}" and not self.revoked
        if self.calls <= self.together.parties:
            await self.together.wait()
        return httpx.Response(200 if accepted else 401)

    async def _token(self) -> httpx.Response:
        await self.before_token.wait()
        if self.token_answers:
            return self.token_answers.pop(0)
        self.issued += 1
        self.revoked = False
        return httpx.Response(200, json={"access_token": f"t{self.issued}", **self.lifetime})


class Caller:
    """A client whose calls all use one `TokenAuth`."""

    def __init__(self, vendor: Vendor) -> None:
        self.clock = Clock()
        self._client = VendorClient(
            "acme", "http://acme.test", auth=PlainAuth(self.clock), transport=httpx.MockTransport(vendor)
        )

    async def call(self) -> int:
        return (await self._client.send("orders", "GET", "/orders")).status_code

    async def crowd(self) -> list[int | BaseException]:
        return await asyncio.gather(*(self.call() for _ in range(CROWD)), return_exceptions=True)


async def everyone_waits() -> None:
    """Let the other tasks run until none of them can go on."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_crowd_of_first_calls_fetches_one_token() -> None:
    vendor = Vendor()
    vendor.before_token.clear()
    crowd = asyncio.create_task(Caller(vendor).crowd())
    await everyone_waits()
    vendor.before_token.set()
    assert await crowd == [200] * CROWD
    assert (vendor.issued, vendor.calls) == (1, CROWD)


async def test_a_crowd_of_refused_calls_refreshes_the_token_once_and_all_succeed() -> None:
    vendor = Vendor()
    caller = Caller(vendor)
    await caller.call()
    vendor.revoked, vendor.calls, vendor.together = True, 0, asyncio.Barrier(CROWD)
    assert await caller.crowd() == [200] * CROWD
    assert (vendor.issued, vendor.calls) == (2, 2 * CROWD)


async def test_a_call_that_is_refused_with_a_fresh_token_too_is_unauthorized() -> None:
    vendor = Vendor()
    caller = Caller(vendor)
    await caller.call()
    vendor.revoked = True
    vendor.token_answers = [httpx.Response(200, json={"access_token": "not-accepted"})]
    with pytest.raises(Unauthorized, match="HTTP 401 from /orders"):
        await caller.call()
    assert vendor.calls == 3


async def test_a_token_is_used_until_shortly_before_its_end() -> None:
    vendor = Vendor()
    caller = Caller(vendor)
    await caller.call()
    caller.clock.now += 3600 - EARLY - 0.1
    await caller.call()
    assert vendor.issued == 1
    caller.clock.now += 0.1
    await caller.call()
    assert vendor.issued == 2


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [
        ({}, LIFETIME - EARLY),
        ({"expires_in": None}, LIFETIME - EARLY),
        ({"expires_in": "soon"}, LIFETIME - EARLY),
        ({"expires_in": []}, LIFETIME - EARLY),
        ({"expires_in": "1800"}, 1800 - EARLY),
        ({"expires_in": 30}, 1),
        ({"expires_in": 0}, 1),
        ({"expires_in": -5}, 1),
    ],
)
async def test_a_lifetime_that_is_odd_does_not_stop_anything(lifetime: dict[str, Any], seconds: float) -> None:
    vendor = Vendor()
    vendor.lifetime = lifetime
    caller = Caller(vendor)
    await caller.call()
    caller.clock.now += seconds - 0.1
    await caller.call()
    assert vendor.issued == 1
    caller.clock.now += 0.1
    await caller.call()
    assert vendor.issued == 2


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(429, headers={"Retry-After": "9"}), Unavailable),
        (httpx.Response(500), Unavailable),
        (httpx.Response(503), Unavailable),
        (httpx.Response(400, json={"error": "invalid_grant"}), Unauthorized),
        (httpx.Response(401, json={"access_token": "t1"}), Unauthorized),
        (httpx.Response(403), Unauthorized),
        (httpx.Response(200), Unauthorized),
        (httpx.Response(200, content=b"\xff\x00<html>"), Unauthorized),
        (httpx.Response(200, content=b"[" * 100_000), Unauthorized),
        *(
            (httpx.Response(200, content=json.dumps(body)), Unauthorized)
            for body in (
                None,
                7,
                "access_token",
                [],
                ["access_token"],
                {},
                {"access_token": None},
                {"access_token": ""},
            )
        ),
    ],
    ids=lambda value: f"{value.status_code} {value.content[:30]!r}" if isinstance(value, httpx.Response) else "",
)
async def test_an_answer_without_a_token_is_an_error_of_its_kind_and_the_next_call_asks_again(
    answer: httpx.Response, kind: type[ConnectorError]
) -> None:
    vendor = Vendor()
    vendor.token_answers = [answer]
    caller = Caller(vendor)
    with pytest.raises(kind, match="from /token"):
        await caller.call()
    assert vendor.calls == 0
    assert await caller.call() == 200


async def test_the_pause_that_the_issuer_asks_for_is_passed_on() -> None:
    vendor = Vendor()
    vendor.token_answers = [httpx.Response(429, headers={"Retry-After": "9"})]
    with pytest.raises(Unavailable) as told:
        await Caller(vendor).call()
    assert told.value.retry_after == timedelta(seconds=9)


async def test_a_refresh_that_fails_is_told_to_the_call_and_tried_again_by_the_next() -> None:
    vendor = Vendor()
    caller = Caller(vendor)
    await caller.call()
    vendor.revoked = True
    vendor.token_answers = [httpx.Response(400, json={"error": "invalid_grant"})]
    with pytest.raises(Unauthorized, match="no token from /token: HTTP 400"):
        await caller.call()
    assert await caller.call() == 200


async def test_a_caller_that_is_cancelled_while_it_fetches_leaves_the_others_able_to() -> None:
    vendor = Vendor()
    vendor.before_token.clear()
    caller = Caller(vendor)
    first, second = asyncio.create_task(caller.call()), asyncio.create_task(caller.call())
    await everyone_waits()
    first.cancel()
    vendor.before_token.set()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await second == 200
    assert vendor.issued == 1


def test_a_synchronous_call_is_a_mistake_of_ours() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with (
        httpx.Client(auth=PlainAuth(), transport=transport) as client,
        pytest.raises(RuntimeError, match="asynchronous"),
    ):
        client.get("http://acme.test/orders")
