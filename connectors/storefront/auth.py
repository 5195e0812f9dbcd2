"""The shop's access token: fixed, given to Orderyard by the shop, and read anew for each call."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from connectors.registry import ChannelConnection


class BearerToken(httpx.Auth):
    """Raises `ConnectionsError` when the token is missing: at the start too, not only at the first call."""

    def __init__(self, connection: ChannelConnection) -> None:
        self._connection = connection
        connection.secret("token")

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._connection.secret('token')}"
        yield request
