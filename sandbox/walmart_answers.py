"""How Walmart answers: error bodies, times and numbers, and what every request must carry."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler

Payload = dict[str, Any]
CENT = Decimal("0.01")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """A request that Walmart refuses."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.answer = (status, code, message, field)


def error(status: int, code: str, message: str, field: str = "", *, key: str = "errors") -> Response:
    """`key` is `errors`, or of some services `error`."""
    told = {"code": code, "description": message, "info": message, "severity": "ERROR", "category": "DATA"}
    return JSONResponse({key: [{**told, **({"field": field} if field else {})}]}, status_code=status)


def invalid(message: str, field: str = "") -> Refused:
    return Refused(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", message, field)


def not_found(what: str) -> Refused:
    return Refused(404, "CONTENT_NOT_FOUND.GMP_ORDER_API", f"Requested content could not be found: {what}.")


def throttled() -> Response:
    response = error(429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", "The allotment of this operation is used up.")
    response.headers["Retry-After"] = "1"
    return response


def expired() -> Response:
    return error(401, "UNAUTHORIZED.GMP_GATEWAY_API", "The access token is invalid or has expired.")


def declined(_: Request) -> Response:
    return error(400, "INVALID_REQUEST_CONTENT.GMP_ORDER_API", "The request cannot be carried out now.")


def refusing(handler: Handler, *, key: str = "errors") -> Handler:
    """Turn `Refused` into its answer."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as refused:
            return error(*refused.answer, key=key)

    return answered


async def json_body(request: Request) -> Payload:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refused(400, "MALFORMED_REQUEST_CONTENT.GMP_ORDER_API", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise invalid("The body is an object.")
    return body


def now() -> datetime:
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(amount: Decimal) -> Payload:
    """Amounts of money are JSON numbers; those of goods are texts."""
    return {"currency": "USD", "amount": float(rounded(amount))}


def rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def exact(stated: Any) -> Decimal:
    """A number of ours as it was written."""
    return Decimal(str(stated))


def date_of(text: str | None, name: str) -> datetime | None:
    """A date or a time of a query."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        message = f"{name} is not a date or a time of ISO 8601."
        raise Refused(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", message, name) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def number_of(text: str | None, name: str, default: int, most: int) -> int:
    if text is None:
        return default
    if not text.isdecimal() or not 0 <= int(text) <= most:
        message = f"{name} is a number of at most {most}."
        raise Refused(400, "INVALID_REQUEST_PARAM.GMP_ORDER_API", message, name)
    return int(text)
