"""Access tokens of the Admin API: a fixed one, or the client-credentials grant of an app of one's own organisation."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from connectors.registry import ConnectionsError, SystemConnection
from connectors.tokens import TokenAuth

HEADER = "X-Shopify-Access-Token"
GRANT_PATH = "/admin/oauth/access_token"


class FixedToken(httpx.Auth):
    """A custom app's or an offline token: it does not expire, so nothing is refreshed."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[HEADER] = self._token
        yield request


class ClientCredentials(TokenAuth):
    """Exchanges client id and secret for a token of 24 hours."""

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        super().__init__()
        self._url = base_url.rstrip("/") + GRANT_PATH
        self._form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}

    def token_request(self) -> httpx.Request:
        return httpx.Request("POST", self._url, data=self._form)

    def apply(self, request: httpx.Request, token: str) -> None:
        request.headers[HEADER] = token


def auth_of(connection: SystemConnection) -> httpx.Auth:
    """By the credentials that are given: `access_token`, or `client_id` and `client_secret`."""
    if "access_token" in connection.credentials:
        return FixedToken(connection.secret("access_token"))
    if "client_id" in connection.credentials:
        return ClientCredentials(
            connection.base_url, connection.secret("client_id"), connection.secret("client_secret")
        )
    raise ConnectionsError(f"{connection.provider}: set access_token, or client_id and client_secret")
