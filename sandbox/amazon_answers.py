"""How Amazon answers: error bodies, and the headers on every answer."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler

Payload = dict[str, Any]
DENIED = "Access to requested resource is denied."


class Refused(Exception):
    """A request that Amazon refuses."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.answer = (status, code, message, details)


def error(status: int, code: str, message: str, details: str = "") -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message, "details": details}]}, status_code=status)


def invalid(message: str) -> Refused:
    return Refused(400, "InvalidInput", message, message)


def not_found(what: str) -> Refused:
    return Refused(404, "NotFound", f"{what} is not found.")


def throttled() -> Response:
    return error(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")


def expired() -> Response:
    """An expired access token is 403, not 401."""
    return error(403, "Unauthorized", DENIED, "The access token you provided has expired.")


def rate_header(rate: float) -> dict[str, str]:
    return {"x-amzn-RateLimit-Limit": f"{rate:g}"}


def refusing(handler: Handler) -> Handler:
    """Turn `Refused` into its answer."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return error(*refused.answer)

    return answered


def identified(handler: Handler) -> Handler:
    """Put the id of the request on the answer, as on every answer of the SP-API."""

    async def answered(request: Request) -> Response:
        response = await handler(request)
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return response

    return answered


def now() -> datetime:
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text: str, name: str) -> datetime:
    """A time of a query or a body. Raises `Refused` when it is not ISO 8601."""
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"Invalid {name}: {text!r} is not an ISO 8601 date-time.") from None


async def json_body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise Refused(400, "InvalidInput", "Request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused(400, "InvalidInput", "Request body is not an object.")
    return body
