"""What Tryton's answers become, one row each; and a key that is renewed while it is in use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from connectors.errors import ConnectorError, Declined, InDoubt, Unauthorized, Unavailable
from connectors.registry import SystemConnection
from connectors.tryton.client import KeyAuth, TrytonClient

MASKED = "<!doctype html><title>400 Bad Request</title><p>Unable to get RPC method</p>"
Answer = Callable[[httpx.Request], httpx.Response]


def said(message: str) -> Answer:
    return lambda _: httpx.Response(400, json={"status": 400, "message": message, "description": ""})


def client(answer: Answer, key: str = "secret") -> TrytonClient:
    connection = SystemConnection(provider="tryton", base_url="http://erp", credentials={"key:de": key})
    return TrytonClient("http://erp", "db", 1, KeyAuth(connection, "key:de"), httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (said('The period "2026-10" is closed.'), Declined, "period_closed"),
        (said("You cannot post an unbalanced move"), Declined, "not_balanced"),
        (said("The customer has no blue eyes."), Declined, "user_error"),
        (lambda _: httpx.Response(403), Declined, "not_allowed"),
        (lambda _: httpx.Response(404), Declined, "not_found"),
        (lambda _: httpx.Response(401), Unauthorized, None),
        (lambda _: httpx.Response(429, headers={"Retry-After": "3"}), Unavailable, None),
        (lambda _: httpx.Response(503), Unavailable, None),
        (lambda _: httpx.Response(500), Unavailable, None),
        (lambda _: httpx.Response(400, text=MASKED), InDoubt, None),
    ],
)
async def test_an_answer_of_tryton_in_our_words(answer: Answer, kind: type[ConnectorError], code: str | None) -> None:
    tryton = client(answer)
    with pytest.raises(kind) as told:
        await tryton.search("sale.sale", [])
    assert getattr(told.value, "code", None) == code
    await tryton.aclose()


async def test_a_write_without_a_reason_is_looked_up_before_it_is_tried_again() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return httpx.Response(400, text=MASKED)

    async def find() -> dict[str, object]:
        return {"id": 7}

    tryton = client(answer)
    assert (await tryton.create("party.party", {"code": "x"}, find))["id"] == 7
    assert asked == ["POST"]
    await tryton.aclose()


async def test_a_button_that_was_pressed_before_is_a_success_once_the_state_says_so() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert request.content == b"", "with a body Tryton 8.0 hides what went wrong"
            return said('You can not call "confirm" on "Sale 1".')(request)
        return httpx.Response(200, json={"id": 1, "state": "processing"})

    tryton = client(answer)
    assert await tryton.press("sale.sale", 1, "confirm", ("processing", "done")) == "processing"
    await tryton.aclose()


async def test_a_key_that_was_replaced_in_its_file_is_used_without_a_lost_call(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old")

    def answer(request: httpx.Request) -> httpx.Response:
        good = request.headers["Authorization"] == "Bearer new"
        return httpx.Response(200, json=[]) if good else httpx.Response(401)

    tryton = client(answer, f"file:{file}")
    with pytest.raises(Unauthorized):
        await tryton.search("sale.sale", [])
    file.write_text("new")
    assert await tryton.search("sale.sale", []) == []
    await tryton.aclose()
