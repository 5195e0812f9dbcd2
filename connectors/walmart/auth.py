"""Client-credentials tokens of fifteen minutes, and the headers that every call carries."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable

import httpx

from connectors.registry import ChannelConnection
from connectors.tokens import TokenAuth

TOKEN_HEADER = "WM_SEC.ACCESS_TOKEN"  # noqa: S105 - the name of a header
SERVICE_NAME = "Walmart Marketplace"


class WalmartAuth(TokenAuth):
    """Options of the connection: `channel_type` (WM_CONSUMER.CHANNEL.TYPE), `market` (us, ca, mx, cl: global APIs)."""

    def __init__(self, connection: ChannelConnection, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._connection = connection
        self._url = f"{connection.base_url.rstrip('/')}/v3/token"
        self._fixed = _fixed_headers(connection)
        self._basic()

    def token_request(self) -> httpx.Request:
        headers = {**self._fixed, **_of_this_call(), "Authorization": self._basic()}
        return httpx.Request("POST", self._url, data={"grant_type": "client_credentials"}, headers=headers)

    def apply(self, request: httpx.Request, token: str) -> None:
        request.headers.update({**self._fixed, **_of_this_call(), TOKEN_HEADER: token})

    def _basic(self) -> str:
        """Raises `ConnectionsError` when a secret is missing: at the start too, not only at the first call."""
        pair = f"{self._connection.secret('client_id')}:{self._connection.secret('client_secret')}"
        return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"


def _fixed_headers(connection: ChannelConnection) -> dict[str, str]:
    """Without `Accept: application/json` some endpoints answer in XML."""
    headers = {"Accept": "application/json", "WM_SVC.NAME": SERVICE_NAME}
    if channel_type := connection.options.get("channel_type"):
        headers["WM_CONSUMER.CHANNEL.TYPE"] = str(channel_type)
    if market := connection.options.get("market"):
        headers.update({"WM_MARKET": str(market), "WM_GLOBAL_VERSION": "3.1"})
    return headers


def _of_this_call() -> dict[str, str]:
    return {"WM_QOS.CORRELATION_ID": str(uuid.uuid4())}
