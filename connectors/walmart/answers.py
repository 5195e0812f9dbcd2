"""Walmart's error answers in our vocabulary. (5xx, 401, 403 and 429 are translated in `connectors/http.py`.)"""

from __future__ import annotations

import httpx

from connectors.errors import Declined, Failure, SchemaDrift
from connectors.walmart.documents import decode
from connectors.walmart.node import Node
from connectors.walmart.vocabulary import VOCABULARY

NOT_FOUND = "not_found"


def document(response: httpx.Response, operation: str) -> Node:
    """The answer of a successful call. Raises `Declined` for a 4xx, `SchemaDrift` for what is not an object."""
    if response.status_code >= 400:
        raise declined(response, operation)
    try:
        value = decode(response.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        remedy = f"{operation} answers with a JSON object; is there a proxy in between?"
        raise SchemaDrift("not_json", "$", response.content[:60], remedy)
    return Node(value)


def nothing_there(response: httpx.Response) -> bool:
    """True for Walmart's way to say that a list is empty. Any other 404 is an address that does not exist."""
    codes = [code(error) for error in _errors(response)] if response.status_code == 404 else []
    return any(VOCABULARY.failures.get(each) is Failure.NOTHING_THERE for each in codes)


def declined(response: httpx.Response, operation: str) -> Declined:
    """The business no, with Walmart's own words."""
    errors = _errors(response)
    words = "; ".join(": ".join(_words(error)) for error in errors) or f"HTTP {response.status_code}"
    if nothing_there(response):
        return Declined(f"{operation}: {words}", code=NOT_FOUND)
    name = next((found for error in errors if (found := code(error))), f"http_{response.status_code}")
    field = next((found for error in errors if (found := error["field"].text())), None)
    return Declined(f"{operation}: {words}", code=name.lower(), field=field)


def code(error: Node) -> str:
    """Without its suffix, which names the service: `INVALID_REQUEST_PARAM.GMP_ORDER_API`."""
    return error["code"].text().partition(".")[0]


def _errors(response: httpx.Response) -> list[Node]:
    """`errors` or, of some services, `error`; in XML the one within the other."""
    try:
        root = Node(decode(response.content))
    except ValueError:
        return []
    outer = root["errors"] if root.has("errors") else root["error"]
    return list(outer.within("error"))


def _words(error: Node) -> list[str]:
    """Code, message and the rest, each once."""
    words = [error[name].text() for name in ("code", "message", "description", "info")]
    return [word for index, word in enumerate(words) if word and word not in words[:index]]
