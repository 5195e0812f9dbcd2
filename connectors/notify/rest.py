"""A notification service over REST: one message for each idempotency key.

| answer | becomes |
|---|---|
| 200, 201, 202 | sent |
| 423, 429, 503 | `Unavailable` |
| 401, 403 | `Unauthorized` |
| no answer, other 5xx | `InDoubt`: sending again under the same key is harmless |
| anything else | `Declined` with the service's code and field |
"""

from __future__ import annotations

import httpx

from connectors.contract import declined, error_code
from connectors.errors import Unavailable
from connectors.http import VendorClient, retry_after
from connectors.ports import Notice
from connectors.registry import SystemConnection


class RestNotifier:
    """`ports.Notifier` over HTTP."""

    def __init__(self, connection: SystemConnection, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"X-Api-Key": connection.secret("api_key")}
        self._client = VendorClient("notify", connection.base_url, headers=headers, transport=transport)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(self, notice: Notice) -> None:
        response = await self._client.send(
            "send_message",
            "POST",
            "/notify/v1/messages",
            json={
                "order_reference": str(notice.order_key),
                "correlation_id": notice.correlation_id,
                "template": notice.template,
                "values": notice.values,
                "at": notice.at.isoformat(),
            },
            correlation_id=notice.correlation_id,
            idempotency_key=notice.notice_id,
            writes=True,
        )
        if response.status_code == 423:
            raise Unavailable(f"notify send_message: locked ({error_code(response)})", retry_after(response))
        if not response.is_success:
            raise declined("notify send_message", response)
