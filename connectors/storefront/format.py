"""The pure half of the Storefront channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import BinaryIO

from connectors.ports import Parsed, ParsedReturns, WebhookEvent
from connectors.storefront.order import CHANNEL
from connectors.storefront.parse import parse
from connectors.storefront.returns import parse_returns
from connectors.storefront.settlement import RULES, parse_settlement, read_settlement
from connectors.storefront.signature import verify
from connectors.storefront.vocabulary import VOCABULARY
from models.settlement import Reading, Settlement
from models.settlement_rules import RuleSet


class StorefrontFormat:
    channel = CHANNEL
    mapping_version = 1
    api_version = "1"
    vocabulary = VOCABULARY
    settlement_rules = RULES

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`clock`: what a delivery's age is measured by."""
        self._clock = clock

    def parse(self, body: bytes, account: str) -> Parsed:
        return parse(body, account)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        return verify(headers, body, secrets, self._clock())

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        return parse_returns(body, account)

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        return parse_settlement(body, account)

    def read_settlement(self, file: BinaryIO, account: str, rules: RuleSet | None = None) -> Reading:
        return read_settlement(file, account, rules or RULES)
