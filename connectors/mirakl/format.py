"""The pure half of the Mirakl channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from connectors.mirakl.parse import parse
from connectors.mirakl.returns import parse_returns
from connectors.mirakl.settlement import RULES, parse_settlement, read_settlement
from connectors.mirakl.vocabulary import API_VERSION, CHANNEL, VOCABULARY
from connectors.ports import Parsed, ParsedReturns, WebhookEvent, WebhookRefused
from models.settlement import Reading, Settlement
from models.settlement_rules import RuleSet


class MiraklFormat:
    """Implements `connectors.ports.ChannelFormat`."""

    channel = CHANNEL
    mapping_version = 1
    api_version = API_VERSION
    vocabulary = VOCABULARY
    settlement_rules = RULES

    def parse(self, body: bytes, account: str) -> Parsed:
        return parse(body, account)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...]) -> WebhookEvent:
        raise WebhookRefused("Mirakl sends sellers no webhooks: orders are polled")

    def parse_returns(self, body: bytes, account: str) -> ParsedReturns:
        return parse_returns(body, account)

    def parse_settlement(self, body: bytes, account: str) -> Settlement:
        return parse_settlement(body, account)

    def read_settlement(self, file: BinaryIO, account: str, rules: RuleSet | None = None) -> Reading:
        return read_settlement(file, account, rules or RULES)
