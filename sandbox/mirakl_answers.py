"""How a Mirakl marketplace answers: error bodies, the key, times and numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.core import Handler

API_KEY = "sandbox-mirakl-shop-key"
CENT = Decimal("0.01")
Payload = dict[str, Any]


class Refused(Exception):
    """A request that Mirakl refuses."""

    def __init__(self, status: int, message: str, code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.field = status, message, code, field

    def response(self) -> Response:
        if not self.code:
            return JSONResponse({"status": self.status, "message": self.message}, status_code=self.status)
        error = {"code": self.code, "field": self.field or None, "message": self.message}
        return JSONResponse({"errors": [error]}, status_code=self.status)


def invalid(message: str) -> Refused:
    return Refused(400, message)


def wrong_state(order: Payload, needed: str) -> Refused:
    message = f"The order status must be '{needed}' but it is '{order['order_state']}'."
    return Refused(400, message, "ORDER_INVALID_STATE")


def no_order(order_id: str) -> Refused:
    return Refused(404, f"Order with id '{order_id}' not found", "ORDER_NOT_FOUND")


def throttled() -> Response:
    response = JSONResponse({"status": 429, "message": "Too many requests"}, status_code=429)
    response.headers["Retry-After"] = "1"
    return response


def unauthorized() -> Response:
    """A wrong key is answered without a body."""
    return Response(status_code=401)


def declined(_: Request) -> Response:
    """The refusal that a fault asks for."""
    return Refused(400, "The operator does not allow this operation", "OPERATION_NOT_ALLOWED").response()


def guarded(handler: Handler) -> Handler:
    """Check the shop's key, and turn `Refused` into its answer."""

    async def answered(request: Request) -> Response:
        if request.headers.get("authorization") != API_KEY:
            return unauthorized()
        try:
            return await handler(request)
        except Refused as refused:
            return refused.response()

    return answered


async def json_object(request: Request) -> Payload:
    try:
        body = await request.json()
    except ValueError:
        raise invalid("The request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise invalid("The request body is not an object")
    return body


async def listed(request: Request, name: str, most: int) -> list[Payload]:
    """The needed list of a bulk request. Raises `Refused` when it is absent, too long, or of something else."""
    items = (await json_object(request)).get(name)
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise invalid(f"{name}: must be a list that is not empty")
    if len(items) > most:
        raise invalid(f"{name}: at most {most} at a time")
    return items


def now() -> datetime:
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text: str, name: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"{name}: {text!r} is not an ISO 8601 date") from None


def whole(text: str, name: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise invalid(f"{name}: must be between {least} and {most}")
    return int(text)


def exact(value: Any, name: str = "amount") -> Decimal:
    """A number of a request or of a document, which may be written as a text. Raises `Refused` when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise invalid(f"{name}: {value!r} is not a number")
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise invalid(f"{name}: {value!r} is not a number") from None


def number(amount: Decimal) -> float | int:
    """As Mirakl writes it: a JSON number."""
    rounded = amount.quantize(CENT)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)
