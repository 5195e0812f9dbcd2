"""Access tokens of the Admin API: a fixed one, or the client-credentials grant of an app of one's own organisation.

A secret is resolved whenever it is used: one that was rotated in its file counts from the next call.
"""

from __future__ import annotations

from collections.abc import Generator

import httpx

from connectors.registry import ConnectionsError, SystemConnection
from connectors.tokens import TokenAuth

HEADER = "X-Shopify-Access-Token"
GRANT_PATH = "/admin/oauth/access_token"


class FixedToken(httpx.Auth):
    """A custom app's or an offline token: it does not expire, so nothing is refreshed."""

    def __init__(self, connection: SystemConnection) -> None:
        """Raises `ConnectionsError` when the secret is missing: at the start too, not only at the first call."""
        self._connection = connection
        connection.secret("access_token")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[HEADER] = self._connection.secret("access_token")
        yield request


class ClientCredentials(TokenAuth):
    """Exchanges client id and secret for a token of 24 hours."""

    def __init__(self, connection: SystemConnection) -> None:
        super().__init__()
        self._url = connection.base_url.rstrip("/") + GRANT_PATH
        self._connection = connection
        self._form()

    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=self._form())

    def _form(self) -> dict[str, str]:
        """Raises `ConnectionsError` when a secret is missing."""
        secrets = {name: self._connection.secret(name) for name in ("client_id", "client_secret")}
        return {"grant_type": "client_credentials", **secrets}

    def apply(self, request: httpx.Request, token: str) -> None:
        request.headers[HEADER] = token


def auth_of(connection: SystemConnection) -> httpx.Auth:
    """By the credentials that are given: `access_token`, or `client_id` and `client_secret`."""
    if "access_token" in connection.credentials:
        return FixedToken(connection)
    if "client_id" in connection.credentials:
        return ClientCredentials(connection)
    raise ConnectionsError(f"{connection.provider}: set access_token, or client_id and client_secret")
