"""From bytes to documents of the contract; from what pydantic says to a named reason, path, value and remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from connectors.errors import SchemaDrift
from connectors.ports import Refusal
from connectors.storefront.wire import Document

Kind = TypeVar("Kind", bound=Document)

CONTRACT = "docs/contracts/storefront.md"
MOST_OTHERS = 5
"""Further wrong fields that a remedy names."""
_REASONS = {
    "missing": "missing",
    "literal_error": "unknown_word",
    "string_type": "wrong_type",
    "int_type": "wrong_type",
    "bool_type": "wrong_type",
    "list_type": "wrong_type",
    "dict_type": "wrong_type",
    "model_type": "wrong_type",
    "model_attributes_type": "wrong_type",
}
_OWN = frozenset(
    {"wrong_type", "wrong_amount", "wrong_rate", "wrong_id", "wrong_time", "no_time_zone", "unknown_currency"}
)


def decode(body: bytes) -> Any:
    """JSON. Raises `SchemaDrift` (`not_json`)."""
    try:
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        problem = str(error) or "nested too deeply"
        raise SchemaDrift("not_json", "$", body[:60], f"Send one JSON document in UTF-8 ({problem}).") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read(kind: type[Kind], value: Any, path: str = "") -> Kind:
    """Raises `SchemaDrift` for the first field that is not as the contract says; its remedy names the others."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise drift_of(error, path) from None


def drift_of(error: ValidationError, path: str = "") -> SchemaDrift:
    first, *others = error.errors(include_url=False)
    where = field_path(path, first["loc"])
    more = ", ".join(field_path(path, other["loc"]) for other in others[:MOST_OTHERS])
    also = f" Also wrong: {more}." if more else ""
    kind = first["type"]
    reason = kind if kind in _OWN else _REASONS.get(kind, "wrong_value")
    value = None if kind == "missing" else first["input"]
    return SchemaDrift(reason, where, value, _remedy(first) + also)


def _remedy(error: ErrorDetails) -> str:
    if error["type"] == "missing":
        return f"This field is required; see {CONTRACT}."
    return error["msg"] if error["msg"].endswith(".") else f"{error['msg']}."


def field_path(prefix: str, location: tuple[int | str, ...]) -> str:
    """`("lines", 0, "price")` -> `lines[0].price`."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return f"{prefix}{steps}".removeprefix(".") or "$"


def refusal(drift: SchemaDrift, value: Any = None) -> Refusal:
    """Of one document; `value` is its JSON, for its id."""
    named = value.get("id") if isinstance(value, Mapping) else None
    external_id = named if isinstance(named, str) and named.isprintable() and 0 < len(named) <= 100 else None
    return Refusal(
        reason=drift.reason,
        path=_shown(drift.path),
        value=_shown(drift.value),
        remedy=_shown(drift.remedy),
        external_id=external_id,
    )


def _shown(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "backslashreplace").decode()
