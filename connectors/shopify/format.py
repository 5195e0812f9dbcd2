"""The pure half of the Shopify channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from connectors.ports import Parsed, ParsedReturns, WebhookEvent
from connectors.shopify.graphql import API_VERSION
from connectors.shopify.order import CHANNEL
from connectors.shopify.parse import parse
from connectors.shopify.returns import parse_returns
from connectors.shopify.settlement import RULES, parse_settlement, read_settlement
from connectors.shopify.vocabulary import VOCABULARY
from connectors.shopify.webhook import verify
from models.settlement import Reading, Settlement
from models.settlement_rules import RuleSet


class ShopifyFormat:
    channel = CHANNEL
    mapping_version = 2
    """Raised when a payload that was parsed before would be parsed differently."""
    api_version = API_VERSION
    vocabulary = VOCABULARY
    settlement_rules = RULES

    def parse(self, body: bytes, account: str) -> Parsed:
        return parse(body, account)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        return verify(headers, body, secrets)

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        return parse_returns(body, account)

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        return parse_settlement(body, account)

    def read_settlement(self, file: BinaryIO, account: str, rules: RuleSet | None = None) -> Reading:
        return read_settlement(file, account, rules or RULES)
