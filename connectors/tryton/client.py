"""Calls of Tryton's REST interface in the name of one company: read, write, press a button; lost locks are retried."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog

from connectors.errors import Declined, InDoubt, SchemaDrift, Unavailable
from connectors.http import VendorClient
from connectors.registry import SystemConnection, resolve
from connectors.tryton.failures import Duplicate, WrongState, refusal
from connectors.tryton.wire import Domain, Record, decoded, encoded, in_url

log = structlog.get_logger(__name__)

ATTEMPTS = 6
"""The server itself repeats a transaction that lost a lock before it gives up."""

Finder = Callable[[], Awaitable[Record | None]]


class KeyAuth(httpx.Auth):
    """The company's key. One that was replaced where it is kept counts at once: a refused call is sent again."""

    def __init__(self, connection: SystemConnection, name: str) -> None:
        self._connection, self._name = connection, name
        self._key = self._read()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._key}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and (key := self._read()) != self._key:
            self._key = key
            request.headers["Authorization"] = f"Bearer {key}"
            yield request

    def _read(self) -> str:
        return resolve(self._connection.credentials.get(self._name), f"tryton: credential {self._name!r}")


class TrytonClient:
    """`company` is sent with every call: Tryton remembers for a user what the first request asked for."""

    def __init__(
        self,
        base_url: str,
        database: str,
        company: int,
        auth: httpx.Auth,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.company = company
        self._numbering = asyncio.Lock()
        self._context = {"company": company, "language": "en", "_skip_warnings": True}
        self._client = VendorClient(
            "tryton", f"{base_url}/{database}/rest/model/", auth=auth, transport=transport, forbidden_is_auth=False
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str] = ("id",),
        *,
        limit: int | None = None,
        by: Sequence[str] = ("id",),
        **context: object,
    ) -> list[Record]:
        """Records in the order of their ids, or by other fields. Raises `SchemaDrift` when the answer is not a list."""
        query = [("d", in_url(domain)), ("o", in_url([[name, "ASC"] for name in by])), *_fields(fields)]
        if limit is not None:
            query.append(("s", str(limit)))
        found = await self._call("search", "GET", model, query, context=context)
        if not isinstance(found, list):
            raise SchemaDrift("wrong_type", model, found, "Tryton must answer a search with a list")
        return found

    async def first(
        self, model: str, domain: Domain, fields: Sequence[str] = ("id",), **context: object
    ) -> Record | None:
        found = await self.search(model, domain, fields, limit=1, by=("id",), **context)
        return found[0] if found else None

    async def read(self, model: str, record: int, fields: Sequence[str], **context: object) -> Record:
        found: Record = await self._call("read", "GET", f"{model}/{record}", _fields(fields), context=context)
        return found

    async def create(self, model: str, values: Record, find: Finder, fields: Sequence[str] = ("id",)) -> Record:
        """Create a record that `find` finds again: after a lost reply, a lost lock or a duplicate."""
        for attempt in range(ATTEMPTS):
            try:
                made: Record = await self._call("create", "POST", model, _fields(fields), values)
            except (InDoubt, Duplicate) as problem:
                if (found := await find()) is not None:
                    return found
                if isinstance(problem, Duplicate) or attempt == ATTEMPTS - 1:
                    raise
                await _pause(attempt)
            else:
                return made
        raise AssertionError("the last attempt returns or raises")

    async def update(self, model: str, record: int, values: Record) -> None:
        """Set values. They are absolute, so a repetition does no harm."""
        await self._again(lambda: self._call("update", "PUT", f"{model}/{record}", _fields(["id"]), values))

    async def delete(self, model: str, record: int) -> None:
        """Not an error when it is gone."""
        try:
            await self._again(lambda: self._call("delete", "DELETE", f"{model}/{record}", []))
        except Declined as gone:
            if await self.first(model, [["id", "=", record]]):
                raise gone

    async def press(self, model: str, record: int, button: str, reached: Collection[str]) -> str:
        """Press a button until the record's state is one of `reached`; returns the state.

        Sent without a body: with one, Tryton 8.0 hides the reason of a failure.
        """
        for attempt in range(ATTEMPTS):
            refused: WrongState | InDoubt | Unavailable | None = None
            try:
                pressed = await self._call(button, "POST", f"{model}/{record}/{button}", _fields(["state"]))
            except (WrongState, InDoubt, Unavailable) as problem:
                refused, pressed = problem, None
            if isinstance(pressed, dict) and pressed.get("state") in reached:
                return str(pressed["state"])
            state = str((await self.read(model, record, ["state"]))["state"])
            if state in reached:
                return state
            if isinstance(refused, WrongState) or attempt == ATTEMPTS - 1:
                raise refused or Declined(f"tryton {button}: {model} {record} stays {state}", code="no_effect")
            log.info("tryton button again", model=model, button=button, state=state, why=str(refused or "no effect"))
            await _pause(attempt)
        raise AssertionError("the last attempt returns or raises")

    async def post(self, model: str, record: int, reached: Collection[str]) -> str:
        """Post a document that gets its number thereby: one at a time, because the numbers come from one sequence that
        is locked, and those who lose the lock begin again from the start."""
        async with self._numbering:
            return await self.press(model, record, "post", reached)

    async def _again(self, call: Callable[[], Awaitable[object]]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                await call()
                return
            except InDoubt:
                if attempt == ATTEMPTS - 1:
                    raise
                await _pause(attempt)

    async def _call(
        self,
        operation: str,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        values: Record | None = None,
        context: Mapping[str, object] | None = None,
    ) -> Any:
        named = f"{operation} {path.split('/')[0]}"
        response = await self._client.send(
            named,
            method,
            f"{path}?{urlencode(query)}" if query else path,
            json=encoded(values) if values is not None else None,
            headers={"X-Tryton-Context": in_url({**self._context, **(context or {})})},
            writes=method != "GET",
        )
        if not response.is_success:
            raise refusal(f"tryton {named}", response)
        try:
            return decoded(response.content) if response.content else None
        except ValueError as error:
            raise SchemaDrift("not_json", path, response.content[:120], "Tryton must answer in JSON") from error


def _fields(fields: Sequence[str]) -> list[tuple[str, str]]:
    return [("f", name) for name in fields]


async def _pause(attempt: int) -> None:
    """Those who lost a lock to each other must not come back at the same moment."""
    await asyncio.sleep(min(1.5, 0.05 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - no secret
