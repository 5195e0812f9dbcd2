"""The pure half of the Amazon channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from connectors.amazon.carriers import CODES
from connectors.amazon.failures import FAILURES
from connectors.amazon.notification import verify
from connectors.amazon.parse import parse
from connectors.amazon.parse_returns import parse_returns
from connectors.amazon.settlement import RULES, parse_settlement, read_settlement
from connectors.amazon.vocabulary import STATES, STATES_V0
from connectors.amazon.words import CANCEL_REASONS, REFUND_REASONS, RETURN_STATES, STATE_WORDS
from connectors.ports import Parsed, ParsedReturns, Vocabulary, WebhookEvent
from models.settlement import Reading, Settlement
from models.settlement_rules import RuleSet

API_VERSION = "2026-01-01"


class AmazonFormat:
    """Implements `connectors.ports.ChannelFormat`."""

    channel = "amazon"
    mapping_version = 2
    api_version = API_VERSION
    settlement_rules = RULES
    vocabulary = Vocabulary(
        states={**STATES, **STATES_V0},
        state_words=STATE_WORDS,
        cancel_reasons=CANCEL_REASONS,
        refund_reasons=REFUND_REASONS,
        return_states=RETURN_STATES,
        failures=FAILURES,
        carriers=CODES,
    )

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
