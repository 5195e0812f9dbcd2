"""Odoo's errors in our vocabulary.

An error answer is a JSON object with `name` (the Python exception), `message`, `arguments`, `context` and `debug`; very
early errors are HTML. Documented with the External JSON-2 API of Odoo 19.
"""

from __future__ import annotations

import json
import re

import httpx

from connectors.errors import NOT_FOUND, Declined, Failure, InDoubt, Unavailable

EXCEPTIONS: tuple[tuple[str, str, Failure], ...] = (
    (r"SerializationFailure|LockNotAvailable|Deadlock|ConcurrencyError|LockError", "locked", Failure.UNAVAILABLE),
    (r"MissingError", NOT_FOUND, Failure.DECLINED),
    (r"AccessError|AccessDenied", "not_allowed", Failure.DECLINED),
    (r"ValidationError|UniqueViolation", "invalid", Failure.DECLINED),
    (r"UserError|RedirectWarning", "user_error", Failure.DECLINED),
    (r"NotFound", "no_such_method", Failure.DECLINED),
    (r"UnprocessableEntity|TypeError|ValueError", "invalid", Failure.DECLINED),
)
"""Name of the exception -> our code, and what follows."""

MESSAGES: tuple[tuple[str, str], ...] = (
    (r"lock date|locked period|prior to and inclusive", "period_closed"),
    (r"balanced", "not_balanced"),
)
"""Words of a user error (always in English: the context asks for it) -> a more exact code."""


def refusal(operation: str, response: httpx.Response) -> Declined | Unavailable | InDoubt:
    """What an answer of 400 or above means, where it is not a matter of transport."""
    error = _error(response)
    if error is None:
        return InDoubt(f"{operation}: HTTP {response.status_code} from Odoo without a reason; it may have taken effect")
    name, message = str(error["name"]), str(error.get("message") or "")[:500]
    for pattern, code, failure in EXCEPTIONS:
        if re.search(pattern, name):
            if failure is Failure.UNAVAILABLE:
                return Unavailable(f"{operation}: {name}: {message}")
            return Declined(f"{operation}: {message}", code=_exact(message, code))
    return Declined(f"{operation}: {name}: {message}", code="user_error")


def _exact(message: str, code: str) -> str:
    if code not in ("user_error", "invalid"):
        return code
    return next((exact for pattern, exact in MESSAGES if re.search(pattern, message, re.IGNORECASE)), code)


def _error(response: httpx.Response) -> dict[str, object] | None:
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and "name" in document else None
