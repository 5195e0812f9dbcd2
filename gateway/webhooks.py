"""Receiving one delivery: verify the raw body first, keep it, and only then answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from uuid import uuid4

import structlog

from connectors.ports import ChannelFormat, WebhookEvent, WebhookRefused
from connectors.registry import Connections
from connectors.wms.rest import report_secrets, verify_report
from gateway import metrics
from gateway.keeper import Keeper
from store.inbox import NewEvent

log = structlog.get_logger(__name__)

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes. The largest order webhook that vendors send is well below one MiB."""
SLOWEST = 30.0
"""Seconds in which a body has to be there; vendors themselves give up after 5 to 10."""
WMS = "wms"


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, str]


class TooLarge(Exception):
    pass


class Webhooks:
    def __init__(self, keeper: Keeper, connections: Connections, formats: Mapping[str, ChannelFormat]) -> None:
        self._keeper = keeper
        self._connections = connections
        self._formats = formats

    async def receive(
        self, channel: str, account: str, headers: Mapping[str, str], stream: AsyncIterable[bytes]
    ) -> Answer:
        """Keep one delivery. What is refused leaves a line in the log and a count, without personal data."""
        secrets = self._secrets(channel, account)
        if secrets is None:
            return self._refused(channel, account, 404, f"no connection {channel}/{account}")
        try:
            body = await _read(headers, stream)
            event = self._verify(channel, headers, body, secrets)
        except TooLarge:
            return self._refused(channel, account, 413, f"larger than {LARGEST_BODY} bytes")
        except TimeoutError:
            return self._refused(channel, account, 408, f"not complete after {SLOWEST:.0f} seconds")
        except WebhookRefused as refused:
            return self._refused(channel, account, 401, str(refused))
        new = await self._keep(channel, account, headers, body, event)
        metrics.WEBHOOKS.labels(channel, "kept" if new else "duplicate").inc()
        return Answer(200, {"status": "kept" if new else "duplicate"})

    async def _keep(
        self, channel: str, account: str, headers: Mapping[str, str], body: bytes, event: WebhookEvent
    ) -> bool:
        kept = NewEvent(
            channel=channel,
            account=account,
            source="wms" if channel == WMS else "webhook",
            topic=event.topic,
            delivery_id=event.delivery_id,
            external_id=event.external_id,
            correlation_id=uuid4(),
            headers=dict(headers),
            body=body,
        )
        return await self._keeper.keep(kept)

    def _secrets(self, channel: str, account: str) -> tuple[str, ...] | None:
        if channel == WMS:
            # A warehouse that is asked, and reports nothing by itself, has no secret to sign with.
            wms = self._connections.wms
            return report_secrets(wms) if "webhook_secret" in wms.credentials else None
        connection = self._connections.channel(channel, account)
        return connection.resolved_webhook_secrets if connection else None

    def _verify(self, channel: str, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        if channel == WMS:
            return verify_report(headers, body, secrets)
        return self._formats[channel].verify(headers, body, secrets)

    def _refused(self, channel: str, account: str, status: int, reason: str) -> Answer:
        log.warning("webhook refused", channel=channel, account=account, status=status, reason=reason)
        known = channel if status != 404 else "unknown"  # Not a label for each name that somebody tries.
        metrics.WEBHOOKS.labels(known, "refused").inc()
        metrics.REFUSED.labels(known, str(status)).inc()
        return Answer(status, {"error": reason})


async def _read(headers: Mapping[str, str], stream: AsyncIterable[bytes]) -> bytes:
    """The body, at most `LARGEST_BODY` bytes of it: what is larger, or says so, is not read to its end.

    Raises `TooLarge`, and `TimeoutError` for a sender that holds its connection open and does not come to an end.
    """
    declared = headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise TooLarge
    body = bytearray()
    async with asyncio.timeout(SLOWEST):
        async for chunk in stream:
            body += chunk
            if len(body) > LARGEST_BODY:
                raise TooLarge
    return bytes(body)
