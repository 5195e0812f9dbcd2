"""How the systems behind our own HTTP contracts (ERP, WMS, fraud, notification) answer: one error shape for all.

`{"error": {"code": "over_shipped", "field": "units[0].quantity", "message": "…"}}`; see `docs/contracts/`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
from pydantic import ValidationError

from connectors.errors import Declined, SchemaDrift
from models.order import Order


def correlation_of(order: Order) -> str:
    """The correlation id of an order; its key when it was parsed outside capture and has none."""
    return str(order.correlation_id or order.key)


def json_object(response: httpx.Response, operation: str) -> dict[str, Any]:
    """An answer's JSON object, numbers exact. Raises `SchemaDrift` when it is not one."""
    try:
        document = json.loads(response.content, parse_float=Decimal)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise SchemaDrift(
            "not_an_object",
            "$",
            response.content[:120],
            f"{operation} must answer with a JSON object; see the contract",
        )
    return document


def drift(error: ValidationError, body: bytes, system: str) -> SchemaDrift:
    """The first thing that a document of a system (`WMS`, `ERP`) has wrong."""
    first, contract = error.errors(include_url=False)[0], f"docs/contracts/{system.lower()}.md"
    if first["type"] == "json_invalid":
        return SchemaDrift("not_json", "$", body[:80], f"the {system} must send a JSON object; see {contract}")
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).removeprefix(".")
    if first["type"] == "missing":
        return SchemaDrift("missing", path, None, f"the {system} must send this field; see {contract}")
    return SchemaDrift("wrong_type", path or "$", first["input"], f"{first['msg']}; see {contract}")


def text_at(document: Mapping[str, Any], name: str, path: str, operation: str) -> str:
    """A text that an answer has to hold. Raises `SchemaDrift` with its path when it is absent or empty."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        reason = "missing" if value is None else "wrong_type"
        raise SchemaDrift(reason, f"{path}.{name}".removeprefix("$."), value, f"{operation} must answer a text here")
    return value


def error_code(response: httpx.Response) -> str:
    """The code of an error answer; `http_404` and the like when the body does not say."""
    return str(_error(response).get("code") or f"http_{response.status_code}")


def declined(operation: str, response: httpx.Response) -> Declined:
    """The business no in an error answer: the system's own code, field and words."""
    error = _error(response)
    code, field = error_code(response), error.get("field")
    where = f" at {field}" if field else ""
    message = error.get("message") or "no reason given"
    return Declined(f"{operation}: {code}{where}: {message}", code=code, field=str(field) if field else None)


def _error(response: httpx.Response) -> Mapping[str, Any]:
    try:
        error = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}
