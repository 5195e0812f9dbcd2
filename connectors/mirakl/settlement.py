"""A document of transaction lines (TL02, or the older TL01) to statements and lines.

The sum of a billing cycle's amounts, its PAYMENT among them, is zero: the payout is what PAYMENT takes from the
balance.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from connectors.errors import SchemaDrift
from connectors.json_stream import members
from connectors.mirakl.node import Node, currency_of
from connectors.mirakl.vocabulary import CHANNEL
from connectors.mirakl.voucher import is_voucher, read_voucher
from connectors.settlement_files import Ids, Numbering, parts, shipped_rules, whole
from models.money import Money
from models.settlement import Entry, Reading, Settlement, SettlementLine, Statement
from models.settlement_rules import RuleSet

PAYMENT = "PAYMENT"
"""The payout itself: its amount is that of all the others of its cycle, with the opposite sign."""
REMEDY = "Send all transaction lines of a billing cycle (TL02 by seller_billing_cycle_id), or its payment voucher."
RULES = shipped_rules(Path(__file__).parent)


@dataclass(frozen=True)
class Row:
    """One transaction line, of TL02 (nested) or TL01 (flat)."""

    node: Node

    @property
    def nested(self) -> bool:
        return self.node.has("type")

    @property
    def type(self) -> str:
        return (self.node["type"] if self.nested else self.node["transaction_type"]).identifier()

    @property
    def cycle(self) -> Node:
        """What the payout is known by: the billing cycle, or in TL01 the accounting document."""
        own = self.node["seller_billing_cycle_id"]
        return own or self.node["accounting_document_number"] or self.node["payment_voucher_number"]

    def entity(self, name: str, flat: str) -> str | None:
        found = self.node["entities"][name]["id"] if self.nested else self.node[flat]
        return found.text() or None

    def amount(self, currency: str) -> Money:
        """Signed. Raises `SchemaDrift` when it is not what is credited less what is debited."""
        stated = self.node["amount"]
        credited, debited = (self.node[f"amount_{way}"].money_or_none(currency) for way in ("credited", "debited"))
        if not self.nested:
            return credited - debited
        amount = stated.money(currency)
        if (credited or debited) and amount != credited - debited:
            raise stated.drift("amount_differs", f"{credited} credited and {debited} debited should give the amount.")
        return amount


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift` naming what is wrong; `sum_differs` when the lines do not add up to the payout."""
    return whole(read_settlement(io.BytesIO(body), account))


def read_settlement(file: BinaryIO, account: str, rules: RuleSet = RULES) -> Reading:
    """Raises `SchemaDrift` naming what is wrong. Sums are not proven here, but every cycle must be paid out."""
    log = _Log(account, rules)
    for part in parts(file):
        if is_voucher(part):
            yield from read_voucher(part, account, rules)
        else:
            yield from log.read(part)
    yield from log.statements()


@dataclass
class _Cycle:
    """What is known of one billing cycle and currency so far."""

    currency: str
    first: Node
    payments: list[Row] = field(default_factory=list)
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def saw(self, moment: datetime | None) -> None:
        if moment:
            self.starts_at = min(self.starts_at or moment, moment)
            self.ends_at = max(self.ends_at or moment, moment)


class _Log:
    def __init__(self, account: str, rules: RuleSet) -> None:
        self._account = account
        self._rules = rules
        self._ids = Ids()
        self._numbers = Numbering()
        self._cycles: dict[str, _Cycle] = {}

    def read(self, part: BinaryIO) -> Reading:
        for row in _rows(part):
            currency = currency_of(row.node["currency_iso_code"])
            settlement_id = self._ids.of(row.cycle.identifier(), currency)
            cycle = self._cycles.setdefault(settlement_id, _Cycle(currency, row.cycle))
            if row.type == PAYMENT:
                cycle.payments.append(row)
            else:
                line = _line(self._numbers.next(settlement_id), row, currency, self._rules)
                cycle.saw(line.posted_at)
                yield Entry(settlement_id, line)

    def statements(self) -> Iterator[Statement]:
        for settlement_id, cycle in self._cycles.items():
            if not cycle.payments:
                remedy = f"Cycle {settlement_id} is not paid out yet: read it again later."
                raise cycle.first.drift("payment_absent", remedy)
            paid = Money.total((row.amount(cycle.currency) for row in cycle.payments), cycle.currency)
            yield Statement(
                channel=CHANNEL,
                account=self._account,
                settlement_id=settlement_id,
                currency=cycle.currency,
                payout=-paid,
                starts_at=cycle.starts_at,
                ends_at=cycle.ends_at,
                deposited_at=cycle.payments[-1].node["date_created"].moment_if_readable(),
                where=cycle.payments[0].node.path,
            )


def _rows(part: BinaryIO) -> Iterator[Row]:
    """The elements of the document itself, or of its `data` (TL02) or `lines` (TL01)."""
    there = False
    try:
        for path, value in members(part, lists=("data", "lines")):
            if not path.endswith("]"):
                continue
            there = True
            row = Row(Node(value, path))
            if not row.node.has("type") and not row.node.has("transaction_type"):
                raise row.node.drift("not_a_settlement", REMEDY)
            yield row
    except ValueError as error:
        raise SchemaDrift("not_json", "$", "", f"The document is not JSON ({error}). {REMEDY}") from None
    if not there:
        raise SchemaDrift("not_a_settlement", "$", "no transaction lines", REMEDY)


def _line(number: int, row: Row, currency: str, rules: RuleSet) -> SettlementLine:
    quantity = row.node["quantity"]
    labels = (row.type,)
    return SettlementLine(
        number=number,
        type=rules.type_of(labels),
        label=row.type,
        labels=labels,
        amount=row.amount(currency),
        order_id=row.entity("order", "order_id"),
        line_id=row.entity("order_line", "order_line_id"),
        sku=row.node["offer_sku"].text() or None,
        quantity=quantity.quantity() if quantity and not row.nested else None,
        posted_at=row.node["date_created"].moment_if_readable(),
    )
