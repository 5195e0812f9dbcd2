"""Storage behind signed addresses: it knows signatures, not tokens, and each address is good for five minutes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from sandbox.amazon_answers import now
from sandbox.core import Sandbox

URL_LIFETIME = timedelta(minutes=5)


class AmazonStorage:
    """Signs with a key of its own: addresses do not outlive the process."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._base_url = sandbox.options.base_url
        self._signing = secrets.token_hex(16)

    def address(self, path: str) -> str:
        until = str(int((now() + URL_LIFETIME).timestamp()))
        return f"{self._base_url}{path}?X-Amz-Expires={until}&X-Amz-Signature={self._signature(path, until)}"

    def refusal(self, request: Request) -> Response | None:
        """403 in the storage's own words for an address that is forged or too old."""
        until = request.query_params.get("X-Amz-Expires", "")
        signature = request.query_params.get("X-Amz-Signature", "")
        good = secrets.compare_digest(signature.encode(), self._signature(request.url.path, until).encode())
        if good and int(until) >= now().timestamp():
            return None
        return denied()

    def _signature(self, path: str, until: str) -> str:
        return hashlib.sha256(f"{self._signing}/{path}/{until}".encode()).hexdigest()


def denied(message: str = "Request has expired") -> Response:
    body = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    return Response(body, status_code=403, media_type="application/xml")
