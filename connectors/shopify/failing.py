"""Shopify's error codes as our errors, by the table of the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.errors import ConnectorError, Declined, Failure, InDoubt, SchemaDrift, Unauthorized, Unavailable
from connectors.shopify.vocabulary import FAILURES


class TooCostly(Declined):
    """A single query asks for more points than Shopify grants one query, or than its bucket ever holds."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="max_cost_exceeded")


class KeyIsSpent(InDoubt):
    """An idempotency key that was used with other parameters, or whose attempt failed: look, then take another."""


def failure(
    code: str, message: str, *, writes: bool, field: str | None = None, retry_after: timedelta | None = None
) -> ConnectorError:
    """The error for a code; one that is not in the table is a business no."""
    match FAILURES.get(code, Failure.DECLINED):
        case Failure.UNAVAILABLE:
            return Unavailable(message, retry_after)
        case Failure.IN_DOUBT:
            return _in_doubt(code, message) if writes else Unavailable(message, retry_after)
        case Failure.UNAUTHORIZED:
            return Unauthorized(message)
        case Failure.SCHEMA_DRIFT:
            return SchemaDrift("graphql_error", "errors[0]", message, "Check the operation against the Admin API.")
        case _:
            return TooCostly(message) if code == "MAX_COST_EXCEEDED" else Declined(message, code=code, field=field)


def _in_doubt(code: str, message: str) -> InDoubt:
    kind = KeyIsSpent if code.startswith("IDEMPOTENCY_") else InDoubt
    return kind(f"{message}; it may have taken effect")


def check_user_errors(what: str, payload: Mapping[str, Any], *, errors: str = "userErrors") -> None:
    """Business refusals come with HTTP 200 and no top-level error: the first one says what to do."""
    found = payload.get(errors) or []
    if not found:
        return
    first = found[0]
    message = "; ".join(str(error.get("message")) for error in found)
    raise failure(
        first.get("code") or "user_error",
        f"Shopify declined the {what}: {message}",
        writes=True,
        field=".".join(map(str, first.get("field") or ())) or None,
    )
