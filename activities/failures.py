"""The one place where connector errors become what Temporal acts on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from temporalio import activity
from temporalio.exceptions import ApplicationError

from connectors.errors import ConnectorError, Declined, SchemaDrift, Unauthorized

log = structlog.get_logger(__name__)

PAUSE_WHEN_UNAUTHORIZED = timedelta(seconds=30)
"""A refused credential is not repaired by hurry; the order waits until somebody renews it."""


@contextmanager
def temporal_errors() -> Iterator[None]:
    """Log the whole story here, and send Temporal only the headline.

    The server keeps at most 4 KB of a retrying activity's failure; a chain of tracebacks is longer than that, and would
    hide the error's type from operators.
    """
    try:
        yield
    except ConnectorError as error:
        log.warning("outside call failed", error=str(error), kind=type(error).__name__)
        raise _translated(error) from None
    except (OperationalError, InterfaceError) as error:
        log.warning("store is away", error=str(error.orig))
        raise ApplicationError(f"the store is away: {error.orig}", type="StoreAway") from None


def _translated(error: ConnectorError) -> ApplicationError:
    details: list[str | None] = []
    if isinstance(error, Declined):
        details = [error.code, error.field]
    elif isinstance(error, SchemaDrift):
        details = [error.reason, error.path]
    delay = PAUSE_WHEN_UNAUTHORIZED if isinstance(error, Unauthorized) else error.retry_after
    return ApplicationError(
        str(error)[:1000],
        *details,
        type=type(error).__name__,
        non_retryable=isinstance(error, Declined | SchemaDrift),
        next_retry_delay=delay,
    )


def is_retry() -> bool:
    """True when an earlier attempt of this activity may have had its effect."""
    return activity.info().attempt > 1


def patience_is_over(attempts: int = 3) -> bool:
    """True when a call that the order can do without has failed often enough to fall back."""
    return activity.info().attempt >= attempts
