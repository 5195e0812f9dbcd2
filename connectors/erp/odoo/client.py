"""Calls of Odoo's JSON-2 interface: one method of one model, one transaction."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

import httpx

from connectors.erp.odoo.failures import refusal
from connectors.errors import InDoubt, SchemaDrift, Unavailable
from connectors.http import VendorClient
from connectors.registry import SystemConnection, resolve

Record = dict[str, Any]
Domain = list[Any]
ATTEMPTS = 5
"""The server repeats a transaction that lost a lock five times itself."""


class KeyAuth(httpx.Auth):
    """An API key, which Odoo lets live for three months at most: one that was replaced where it is kept counts at
    once."""

    def __init__(self, connection: SystemConnection) -> None:
        self._connection = connection
        self._key = self._read()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"bearer {self._key}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and (key := self._read()) != self._key:
            self._key = key
            request.headers["Authorization"] = f"bearer {key}"
            yield request

    def _read(self) -> str:
        return resolve(self._connection.credentials.get("key"), "odoo: credential 'key'")


class OdooClient:
    """In the name of one company."""

    def __init__(
        self,
        connection: SystemConnection,
        database: str,
        company: int,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.company = company
        headers = {"User-Agent": "Orderyard"} | ({"X-Odoo-Database": database} if database else {})
        self._client = VendorClient(
            "odoo",
            f"{connection.base_url}/json/2/",
            auth=KeyAuth(connection),
            headers=headers,
            transport=transport,
            forbidden_is_auth=False,
        )
        self._context = {"lang": "en_US", "allowed_company_ids": [company]}

    async def aclose(self) -> None:
        await self._client.aclose()

    async def search(
        self, model: str, domain: Domain, fields: Sequence[str] = (), *, limit: int | None = None, **context: object
    ) -> list[Record]:
        """Records in the order of their ids."""
        asked: Record = {"domain": domain, "fields": ["id", *fields], "order": "id"}
        if limit is not None:
            asked["limit"] = limit
        found = await self._call(model, "search_read", [], asked, writes=False, context=context)
        if not isinstance(found, list):
            raise SchemaDrift("wrong_type", model, found, "Odoo must answer search_read with a list")
        return found

    async def first(self, model: str, domain: Domain, fields: Sequence[str] = (), **context: object) -> Record | None:
        found = await self.search(model, domain, fields, limit=1, **context)
        return found[0] if found else None

    async def create(self, model: str, values: Record, find: Callable[[], Awaitable[Record | None]]) -> int:
        """Create a record that `find` finds again; returns its id."""
        for attempt in range(ATTEMPTS):
            try:
                made = await self._call(model, "create", [], {"vals_list": [values]}, writes=True)
            except (InDoubt, Unavailable) as problem:
                if (found := await find()) is not None:
                    return int(found["id"])
                if problem.retry_after is not None or attempt == ATTEMPTS - 1:
                    raise
                await _pause(attempt)
            else:
                return int(made[0])
        raise AssertionError("the last attempt returns or raises")

    async def write(self, model: str, ids: Sequence[int], values: Record) -> None:
        """Set values. They are absolute, so a repetition does no harm."""
        await self._again(model, "write", ids, {"vals": values})

    async def unlink(self, model: str, ids: Sequence[int]) -> None:
        await self._again(model, "unlink", ids, {})

    async def press(self, model: str, record: int, method: str, reached: Sequence[str], **context: object) -> str:
        """Call an action until the record's state is one of `reached`; returns the state.

        An action may answer with a window to be opened instead of finishing, so that only the state says what is done.
        """
        for attempt in range(ATTEMPTS):
            lost: InDoubt | Unavailable | None = None
            try:
                await self._call(model, method, [record], {}, writes=True, context=context)
            except (InDoubt, Unavailable) as problem:
                lost = problem
            state = str((await self._one(model, record, ["state"]))["state"])
            if state in reached:
                return state
            if attempt == ATTEMPTS - 1:
                raise lost or InDoubt(f"odoo {method}: {model} {record} stays {state}")
            await _pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    async def run(self, model: str, method: str, ids: Sequence[int], **arguments: Any) -> Any:
        """A method that is not to be repeated blindly: after a lost reply the caller looks first."""
        return await self._call(model, method, ids, arguments, writes=True)

    async def _one(self, model: str, record: int, fields: Sequence[str]) -> Record:
        [found] = await self.search(model, [["id", "=", record]], fields)
        return found

    async def _again(self, model: str, method: str, ids: Sequence[int], arguments: Record) -> Any:
        for attempt in range(ATTEMPTS):
            try:
                return await self._call(model, method, ids, arguments, writes=True)
            except InDoubt:
                if attempt == ATTEMPTS - 1:
                    raise
                await _pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    async def _call(
        self,
        model: str,
        method: str,
        ids: Sequence[int],
        arguments: Record,
        *,
        writes: bool,
        context: Record | None = None,
    ) -> Any:
        body = {"ids": list(ids), "context": {**self._context, **(context or {})}, **arguments}
        operation = f"{method} {model}"
        response = await self._client.send(operation, "POST", f"{model}/{method}", json=_plain(body), writes=writes)
        if not response.is_success:
            raise refusal(f"odoo {operation}", response)
        try:
            return json.loads(response.content, parse_float=Decimal)
        except ValueError as error:
            raise SchemaDrift("not_json", model, response.content[:120], "Odoo must answer in JSON") from error


def _plain(value: Any) -> Any:
    """As JSON: Odoo takes amounts as numbers, and JSON writes a number with the digits that it was given."""
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _number(value: Decimal) -> float:
    """The float whose shortest notation is this decimal: for the wire alone, nothing is computed with it."""
    number = float(value)
    if Decimal(repr(number)) != value:
        raise SchemaDrift("too_precise", "$", value, "An amount has at most 15 digits on Odoo's wire")
    return number


async def _pause(attempt: int) -> None:
    """Those who lost a lock to each other must not come back at the same moment."""
    await asyncio.sleep(min(1.5, 0.05 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - no secret
