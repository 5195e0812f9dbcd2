"""What may be away for a while, and how a log says so."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoFreeConnection
from temporalio.service import RPCError

STORE_AWAY = (DBAPIError, NoFreeConnection, OSError)
"""PostgreSQL does not answer, or answers that another transaction was in the way: the same works later."""
AWAY = (RPCError, *STORE_AWAY)
"""Temporal or PostgreSQL."""


def in_words(error: Exception) -> str:
    """One line for logs and operators. The rest of a database's message quotes rows, which are buyers' data."""
    told = error.orig if isinstance(error, DBAPIError) else error
    return (str(told).splitlines() or [type(told).__name__])[0]
