"""How Tryton writes values in JSON: exact decimals, dates and bytes are objects with a `__class__`."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

Record = dict[str, Any]
Domain = list[Any]


def encoded(value: Any) -> Any:
    """A value as Tryton reads it. Quantities are floats there, and whole here."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime):
        return _moment(value.astimezone(UTC))
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Mapping):
        return {name: encoded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(inner) for inner in value]
    return value


def decoded(content: bytes) -> Any:
    """Raises `ValueError` for what is not JSON. Times are in UTC."""
    return json.loads(content, object_hook=_typed, parse_float=Decimal)


def in_url(value: Any) -> str:
    """A domain or a context as Tryton takes it in a query or a header."""
    return base64.urlsafe_b64encode(json.dumps(encoded(value), separators=(",", ":")).encode()).decode()


def _moment(utc: datetime) -> Record:
    day = {"year": utc.year, "month": utc.month, "day": utc.day}
    clock = {"hour": utc.hour, "minute": utc.minute, "second": utc.second, "microsecond": utc.microsecond}
    return {"__class__": "datetime", **day, **clock}


def _typed(value: Record) -> Any:
    match value.get("__class__"):
        case "Decimal":
            return Decimal(value["decimal"])
        case "date":
            return date(value["year"], value["month"], value["day"])
        case "datetime":
            clock = time(value["hour"], value["minute"], value["second"], value["microsecond"], tzinfo=UTC)
            return datetime.combine(date(value["year"], value["month"], value["day"]), clock)
        case _:
            return value
