"""How the shop's callback API answers: problems, the token, idempotency keys, pages."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.contract import Refused
from sandbox.core import Handler
from sandbox.shelf import Collection
from sandbox.storefront_book import Document, Drawer, moment_of, written

TOKEN = "sf-sandbox-token-7c1d90b2"
LARGEST_PAGE = 100
RATE_HEADER = "Orderyard-Rate-Limit"


def problem(status: int, code: str, detail: str, field: str | None = None) -> JSONResponse:
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "detail": detail, "code": code}
    shown = {**body, "field": field} if field else body
    return JSONResponse(shown, status, media_type="application/problem+json")


def throttled() -> Response:
    response = problem(429, "too_many_requests", "Slow down.")
    response.headers["Retry-After"] = "1"
    return response


def expired() -> Response:
    return problem(401, "unauthorized", "The access token is not valid any more.")


def declined(_: Request) -> Response:
    return problem(409, "wrong_state", "The shop does not allow this now.")


def rate_header(rate: float) -> dict[str, str]:
    return {RATE_HEADER: str(rate)}


def guarded(handler: Handler) -> Handler:
    """Let only requests with the shop's token through, and turn `Refused` into a problem."""

    async def answer(request: Request) -> Response:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, f"Bearer {TOKEN}".encode()):
            return problem(401, "unauthorized", "Authorization is missing or wrong.")
        try:
            return await handler(request)
        except Refused as no:
            return problem(no.status, no.code, str(no), no.field)

    return answer


def once(keys: Collection, handler: Handler) -> Handler:
    """A write whose idempotency key is known is answered as it was, without another effect."""

    async def answer(request: Request) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            raise Refused("invalid", "Idempotency-Key", "Each write carries an Idempotency-Key.", 400)
        content = f"{request.method} {request.url.path}\n".encode() + await request.body()
        known, fingerprint = keys.get(key), sha256(content).hexdigest()
        if known and known["fingerprint"] != fingerprint:
            raise Refused("idempotency_key_reused", "Idempotency-Key", "This key belongs to another request.", 409)
        if known:
            return JSONResponse(known["answer"], known["status"])
        response = await handler(request)
        remembered = json.loads(bytes(response.body))
        keys.put(key, {"fingerprint": fingerprint, "status": response.status_code, "answer": remembered})
        return response

    return answer


def page(request: Request, drawer: Drawer, plural: str, shown: Callable[[Document], Document]) -> Response:
    """Documents by change and id, after the place that the cursor names: what changes in mid-walk comes later again."""
    limit = _limit(request)
    since, after = _place(request)
    rows = [row for row in drawer.since(since) if after is None or row > after]
    here = rows[:limit]
    body: dict[str, Any] = {plural: [shown(found) for _, name in here if (found := drawer.get(name))]}
    if len(rows) > limit:
        at, name = here[-1]
        body["next_cursor"] = _dump([written(since), written(at), name])
    return JSONResponse(body)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "50")
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= LARGEST_PAGE:
        raise Refused("invalid", "limit", f"limit is a number from 1 to {LARGEST_PAGE}.", 400)
    return int(text)


def _place(request: Request) -> tuple[datetime, tuple[datetime, str] | None]:
    if cursor := request.query_params.get("cursor"):
        return _load(cursor)
    since = moment_of(request.query_params.get("updated_since", "1970-01-01T00:00:00Z"))
    if since is None:
        raise Refused("invalid", "updated_since", "updated_since is a time with its zone.", 400)
    return since, None


def _dump(fields: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


def _load(cursor: str) -> tuple[datetime, tuple[datetime, str]]:
    try:
        since, at, name = json.loads(base64.urlsafe_b64decode(cursor))
        found, last = moment_of(since), moment_of(at)
    except ValueError:
        found = last = None
    if found is None or last is None:
        raise Refused("invalid_cursor", "cursor", "This cursor is none of ours.", 400)
    return found, (last, name)
