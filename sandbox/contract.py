"""What the twins of our own HTTP contracts (ERP, WMS, fraud, notification) have in common: key, refusals, reading."""

from __future__ import annotations

import hmac
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler

Document = TypeVar("Document", bound=BaseModel)


class Refused(Exception):
    """A business no, or a request that cannot be understood."""

    def __init__(self, code: str, field: str | None, message: str, status: int = 422) -> None:
        super().__init__(message)
        self.code, self.field, self.status = code, field, status


def refusal(status: int, code: str, message: str, field: str | None = None, **more: Any) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "field": field, "message": message}, **more}, status)


def throttled() -> Response:
    response = refusal(429, "too_many_requests", "Slow down.")
    response.headers["Retry-After"] = "1"
    return response


def guarded(handler: Handler) -> Handler:
    """Turn `Refused` into the contract's error answer."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as no:
            return refusal(no.status, no.code, str(no), no.field)

    return answer


def with_api_key(key: str, handler: Handler) -> Handler:
    """Let only requests with the right `X-Api-Key` through."""

    async def answer(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("X-Api-Key", "").encode(), key.encode()):
            return refusal(401, "unauthorized", "X-Api-Key is missing or wrong.")
        return await guarded(handler)(request)

    return answer


async def read(request: Request, model: type[Document]) -> Document:
    """The request's document. Raises `Refused` naming the first field that is not as the contract says."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise Refused("not_json", None, first["msg"], 400) from error
        raise Refused("invalid", field_path(first["loc"]), first["msg"]) from error


def field_path(location: tuple[int | str, ...]) -> str:
    """`("lines", 0, "amount")` -> `lines[0].amount`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return "".join(steps).removeprefix(".")
