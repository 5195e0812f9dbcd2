"""What can go wrong with an outside system, grouped by what the engine does next.

* ConnectorError
  + Unavailable   - the same request may work later (timeout before sending, 5xx, 429); `retry_after` says when
  + InDoubt       - the request was sent and the reply lost: look before writing again
  + Declined      - a business no: the same request will never work, a person has to change something
  + Unauthorized  - the credential is refused after one refresh
  + SchemaDrift   - a payload is not what the contract says; names the path, the value and the remedy
"""

from datetime import timedelta
from enum import StrEnum


class Failure(StrEnum):
    """A vendor's error code in our vocabulary: the right-hand side of each channel's table of failures."""

    UNAVAILABLE = "unavailable"
    IN_DOUBT = "in_doubt"
    DECLINED = "declined"
    UNAUTHORIZED = "unauthorized"
    SCHEMA_DRIFT = "schema_drift"
    ALREADY_DONE = "already_done"
    """The vendor refuses because it has happened before: a success, once that is looked up."""
    NOTHING_THERE = "nothing_there"
    """The vendor's way to say that a list is empty."""


NOT_FOUND = "not_found"
"""Code of `Declined` when the system has no such order, in every channel."""


class ConnectorError(Exception):
    """Base of everything a connector raises."""

    retry_after: timedelta | None = None


class Unavailable(ConnectorError):
    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InDoubt(ConnectorError):
    pass


class Declined(ConnectorError):
    def __init__(self, message: str, *, code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class Unauthorized(ConnectorError):
    pass


class SchemaDrift(ConnectorError):
    """`reason` is a stable word (`missing`, `wrong_type`, `totals_differ` …), `path` is JSON-path like."""

    def __init__(self, reason: str, path: str, value: object, remedy: str) -> None:
        shown = repr(value)
        self.reason = reason
        self.path = path
        self.value = shown if len(shown) <= 120 else shown[:117] + "..."
        self.remedy = remedy
        super().__init__(f"{reason} at {path}: {self.value}. {remedy}")
