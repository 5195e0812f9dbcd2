"""Login with Amazon: access tokens for an hour, and restricted data tokens for the v0 reads of addresses."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from connectors.registry import ChannelConnection
from connectors.tokens import TokenAuth

TOKEN_HEADER = "x-amz-access-token"  # noqa: S105 - the name of a header
LOGIN_URL = "https://api.amazon.com"
RESTRICTED_PREFIX = "Atz.sprdt|"
"""How restricted data tokens begin."""


class LoginWithAmazon(TokenAuth):
    """Refresh-token grant. An expired access token is answered with 403, not 401 (SP-API error reference)."""

    def __init__(self, connection: ChannelConnection, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        login_url = str(connection.options.get("login_url", LOGIN_URL)).rstrip("/")
        self._url = f"{login_url}/auth/o2/token"
        self._connection = connection
        self._form()

    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=self._form())

    def _form(self) -> dict[str, str]:
        """Raises `ConnectionsError` when a secret is missing: at the start too, not only at the first call."""
        names = ("refresh_token", "client_id", "client_secret")
        return {"grant_type": "refresh_token", **{name: self._connection.secret(name) for name in names}}

    def apply(self, request: httpx.Request, token: str) -> None:
        """A request that brings its own (restricted) token keeps it."""
        if not request.headers.get(TOKEN_HEADER, "").startswith(RESTRICTED_PREFIX):
            request.headers[TOKEN_HEADER] = token
        request.headers["x-amz-date"] = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")

    def refused(self, response: httpx.Response) -> bool:
        """True for an expired token alone: any other 403 is a permission that is missing."""
        return response.status_code == 401 or (response.status_code == 403 and "expired" in response.text.lower())


def restricted_token_request(path: str) -> dict[str, object]:
    """Body of createRestrictedDataToken for one read of one path (Tokens API 2021-03-01)."""
    return {"restrictedResources": [{"method": "GET", "path": path}]}
