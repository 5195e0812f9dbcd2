"""What Odoo's answers become, one row each; amounts on its wire; and a key that is renewed while it is in use."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from connectors.erp.odoo.client import OdooClient
from connectors.errors import ConnectorError, Declined, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.registry import SystemConnection

Answer = Callable[[httpx.Request], httpx.Response]


def error(name: str, message: str, status: int = 422) -> Answer:
    body = {"name": name, "message": message, "arguments": [message], "context": {}, "debug": ""}
    return lambda _: httpx.Response(status, json=body)


def client(answer: Answer, key: str = "secret") -> OdooClient:
    connection = SystemConnection(provider="odoo", base_url="http://erp", credentials={"key": key})
    return OdooClient(connection, "db", 1, httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (error("odoo.exceptions.UserError", "… prior to and inclusive of the lock date"), Declined, "period_closed"),
        (error("odoo.exceptions.UserError", "The entry is not balanced."), Declined, "not_balanced"),
        (error("odoo.exceptions.UserError", "No."), Declined, "user_error"),
        (error("odoo.exceptions.MissingError", "deleted", 404), Declined, "not_found"),
        (error("odoo.exceptions.AccessError", "no rights", 403), Declined, "not_allowed"),
        (error("psycopg2.errors.SerializationFailure", "could not serialize", 409), Unavailable, None),
        (lambda _: httpx.Response(400, text="<html>early</html>"), InDoubt, None),
        (lambda _: httpx.Response(401), Unauthorized, None),
        (lambda _: httpx.Response(429), Unavailable, None),
        (lambda _: httpx.Response(500), Unavailable, None),
    ],
)
async def test_an_answer_of_odoo_in_our_words(answer: Answer, kind: type[ConnectorError], code: str | None) -> None:
    odoo = client(answer)
    with pytest.raises(kind) as told:
        await odoo.search("sale.order", [])
    assert getattr(told.value, "code", None) == code
    await odoo.aclose()


async def test_amounts_are_numbers_with_their_own_digits_both_ways() -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.content.decode())
        return httpx.Response(200, text='[{"id": 1, "price_unit": 3.3333}]')

    odoo = client(answer)
    await odoo.write("sale.order.line", [1], {"price_unit": Decimal("3.3333")})
    assert '"price_unit":3.3333' in sent[0].replace(" ", "")
    [record] = await odoo.search("sale.order.line", [], ["price_unit"])
    assert record["price_unit"] == Decimal("3.3333")
    with pytest.raises(SchemaDrift, match="15 digits"):
        await odoo.write("sale.order.line", [1], {"price_unit": Decimal("12345678901234567.89")})
    await odoo.aclose()


async def test_every_call_names_its_company_and_database() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=[])

    odoo = client(answer)
    await odoo.search("sale.order", [["id", "=", 1]], ["name"])
    assert asked[0].url.path == "/json/2/sale.order/search_read"
    assert asked[0].headers["X-Odoo-Database"] == "db"
    assert json.loads(asked[0].content)["context"]["allowed_company_ids"] == [1]
    await odoo.aclose()


async def test_a_key_that_was_replaced_in_its_file_is_used_without_a_lost_call(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old")

    def answer(request: httpx.Request) -> httpx.Response:
        good = request.headers["Authorization"] == "bearer new"
        return httpx.Response(200, json=[]) if good else httpx.Response(401)

    odoo = client(answer, f"file:{file}")
    with pytest.raises(Unauthorized):
        await odoo.search("sale.order", [])
    file.write_text("new")
    assert await odoo.search("sale.order", []) == []
    await odoo.aclose()
