"""The pure half of the Walmart channel."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.ports import Parsed, ParsedReturns, WebhookEvent
from connectors.walmart.parse import parse
from connectors.walmart.returns import parse_returns
from connectors.walmart.settlement import parse_settlement
from connectors.walmart.vocabulary import API_VERSION, CHANNEL, VOCABULARY
from connectors.walmart.webhook import verify
from models.settlement import Settlement


class WalmartFormat:
    """Implements `connectors.ports.ChannelFormat`."""

    channel = CHANNEL
    mapping_version = 1
    api_version = API_VERSION
    vocabulary = VOCABULARY

    def parse(self, body: bytes, account: str) -> Parsed:
        return parse(body, account)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        return verify(headers, body, secrets)

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        return parse_returns(body, account)

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        return parse_settlement(body, account)
