"""Payouts of the contract as settlements, proven to add up."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError

from connectors.errors import SchemaDrift
from connectors.json_stream import members
from connectors.settlement_files import Numbering, parts, shipped_rules, whole
from connectors.storefront.contract import PayoutLine, StorefrontPayout
from connectors.storefront.order import CHANNEL, Purse
from connectors.storefront.refusals import drift_of, read
from models.settlement import Entry, Reading, Settlement, SettlementLine, Statement
from models.settlement_rules import RuleSet

RULES = shipped_rules(Path(__file__).parent)


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift`; `sum_differs` when the lines are not the payout."""
    return whole(read_settlement(io.BytesIO(body), account))


def read_settlement(file: BinaryIO, account: str, rules: RuleSet = RULES) -> Reading:
    """A payout, whose lines may stand in several parts. Raises `SchemaDrift`; sums are not proven here."""
    for part in parts(file):
        yield _statement(_payout(part), account)
    numbers = Numbering()
    for part in parts(file):
        payout = _payout(part)
        part.seek(0)
        for path, value in _members(part):
            if path.startswith("lines["):
                line = read(PayoutLine, value, path)
                number = numbers.next(payout.id)
                yield Entry(payout.id, _line(number, line, path, Purse(payout.currency), rules))


def _payout(part: BinaryIO) -> StorefrontPayout:
    """The payout without its lines."""
    document: dict[str, Any] = {}
    for path, value in _members(part):
        if not path.endswith("]"):
            document[path] = value
    if not {"lines", "currency"} & document.keys():
        remedy = "A payout of Storefront is an object with `id`, `currency`, `amount` and `lines`."
        raise SchemaDrift("not_a_settlement", "$", "", remedy)
    return read(StorefrontPayout, document)


def _members(part: BinaryIO) -> Iterator[tuple[str, Any]]:
    try:
        yield from members(part, lists=("lines",))
    except ValueError as error:
        raise SchemaDrift("not_json", "$", "", f"Send one JSON document in UTF-8 ({error}).") from None


def _statement(payout: StorefrontPayout, account: str) -> Statement:
    try:
        return Statement(
            channel=CHANNEL,
            account=account,
            settlement_id=payout.id,
            currency=payout.currency,
            payout=Purse(payout.currency).money(payout.amount, "amount"),
            starts_at=payout.starts_at,
            ends_at=payout.ends_at,
            deposited_at=payout.paid_at,
            where="amount",
        )
    except ValidationError as error:
        raise drift_of(error) from None


def _line(number: int, line: PayoutLine, path: str, purse: Purse, rules: RuleSet) -> SettlementLine:
    labels = (line.type, line.label)
    return SettlementLine(
        number=number,
        type=rules.type_of(labels),
        label=line.label or line.type,
        labels=labels,
        amount=purse.money(line.amount, f"{path}.amount"),
        order_id=line.order_id,
        line_id=line.line_id,
        sku=line.sku or None,
        quantity=line.quantity,
        posted_at=line.posted_at,
    )
