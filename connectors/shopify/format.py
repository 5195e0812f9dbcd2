"""The pure half of the Shopify channel."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.ports import Parsed, WebhookEvent
from connectors.shopify.order import CHANNEL
from connectors.shopify.parse import parse
from connectors.shopify.settlement import parse_settlement
from connectors.shopify.webhook import verify
from models.settlement import Settlement


class ShopifyFormat:
    channel = CHANNEL
    mapping_version = 1
    """Raised when a payload that was parsed before would be parsed differently."""

    def parse(self, body: bytes, account: str) -> Parsed:
        return parse(body, account)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        return verify(headers, body, secrets)

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        return parse_settlement(body, account)
