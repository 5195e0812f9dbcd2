"""What Amazon's error codes mean to us: the code in an error's body first, then the HTTP status."""

from __future__ import annotations

from connectors.errors import Failure

FAILURES = {
    "InvalidInput": Failure.DECLINED,
    "Invalid Input": Failure.DECLINED,
    "BAD_REQUEST": Failure.DECLINED,
    "INVALID_ARGUMENT": Failure.DECLINED,
    "NotFound": Failure.DECLINED,
    "NOT_FOUND": Failure.DECLINED,
    "RequestTooLarge": Failure.DECLINED,
    "UnsupportedMediaType": Failure.DECLINED,
    "Unauthorized": Failure.UNAUTHORIZED,
    "AccessDenied": Failure.UNAUTHORIZED,
    "invalid_grant": Failure.UNAUTHORIZED,
    "invalid_client": Failure.UNAUTHORIZED,
    "unauthorized_client": Failure.UNAUTHORIZED,
    "QuotaExceeded": Failure.UNAVAILABLE,
    "TooManyRequests": Failure.UNAVAILABLE,
    "ServiceUnavailable": Failure.UNAVAILABLE,
    "InternalFailure": Failure.IN_DOUBT,
    "InternalError": Failure.IN_DOUBT,
    "http_400": Failure.DECLINED,
    "http_401": Failure.UNAUTHORIZED,
    "http_403": Failure.UNAUTHORIZED,
    "http_404": Failure.DECLINED,
    "http_408": Failure.UNAVAILABLE,
    "http_409": Failure.DECLINED,
    "http_413": Failure.DECLINED,
    "http_415": Failure.DECLINED,
    "http_425": Failure.UNAVAILABLE,
    "http_429": Failure.UNAVAILABLE,
    "http_500": Failure.IN_DOUBT,
    "http_502": Failure.IN_DOUBT,
    "http_503": Failure.UNAVAILABLE,
    "http_504": Failure.IN_DOUBT,
    # The words of a feed that did not come to its end (Feeds 2021-06-30, processingStatus).
    "feed_cancelled": Failure.DECLINED,
    "feed_fatal": Failure.DECLINED,
}
