"""The pure half of the Amazon channel."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.amazon.parse import parse
from connectors.amazon.settlement import parse_settlement
from connectors.ports import Parsed, WebhookEvent, WebhookRefused
from models.settlement import Settlement


class AmazonFormat:
    """Implements `connectors.ports.ChannelFormat`."""

    channel = "amazon"
    mapping_version = 1

    def parse(self, body: bytes, account: str) -> Parsed:
        return parse(body, account)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        raise WebhookRefused("Amazon sends no webhooks (its notifications go to SQS): orders are polled")

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        return parse_settlement(body, account)
