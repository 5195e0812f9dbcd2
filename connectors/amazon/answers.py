"""Amazon's error answers in our vocabulary. (5xx, 401, 403 and 429 are translated in `connectors/http.py`.)

`failures.FAILURES` is the whole table; what is left for here are the other 4xx.
"""

from __future__ import annotations

import re

import httpx

from connectors.amazon.failures import FAILURES
from connectors.amazon.node import Node, decode
from connectors.errors import ConnectorError, Declined, Failure, SchemaDrift, Unauthorized, Unavailable

_CODES = {400: "invalid_input", 404: "not_found", 413: "too_large", 415: "invalid_input"}
_ALREADY = re.compile(r"already\s+(been\s+)?(fully\s+)?(fulfilled|shipped|confirmed)", re.IGNORECASE)


def document(response: httpx.Response, operation: str) -> Node:
    """The answer of a successful call. Raises `Declined` for a 4xx, `SchemaDrift` for what is not a JSON object."""
    if response.status_code >= 400:
        raise refused(response, operation)
    try:
        value = decode(response.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        remedy = f"{operation} answers with a JSON object; is there a proxy in between?"
        raise SchemaDrift("not_json", "$", response.content[:60], remedy)
    return Node(value)


def refused(response: httpx.Response, operation: str) -> ConnectorError:
    """A 4xx by its error code: most are a business no, some are not (a quota that is answered with 400)."""
    words = f"{operation}: {message(response) or f'HTTP {response.status_code}'}"
    match FAILURES.get(first_code(response)):
        case Failure.UNAVAILABLE:
            return Unavailable(words)
        case Failure.UNAUTHORIZED:
            return Unauthorized(words)
        case _:
            return declined(response, operation)


def declined(response: httpx.Response, operation: str) -> Declined:
    """The business no, with Amazon's own words."""
    code = _CODES.get(response.status_code, f"http_{response.status_code}")
    words = message(response) or f"HTTP {response.status_code}"
    return Declined(f"{operation}: {words}", code="already_fulfilled" if _ALREADY.search(words) else code)


def first_code(response: httpx.Response) -> str:
    """The code of the first error of a body; empty where there is none."""
    try:
        errors = Node(decode(response.content))["errors"].listed()
    except ValueError:
        return ""
    return next((error["code"].text() for error in errors), "")


def message(response: httpx.Response) -> str:
    try:
        errors = Node(decode(response.content))["errors"].listed()
    except ValueError:
        return ""
    return "; ".join(": ".join(_words(error)) for error in errors)


def _words(error: Node) -> list[str]:
    """Code, message and details, each once."""
    words = [error[name].text() for name in ("code", "message", "details")]
    return [word for index, word in enumerate(words) if word and word not in words[:index]]
