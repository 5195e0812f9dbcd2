"""A billing cycle's transaction lines (TL02, or the older TL01) to a settlement that adds up.

The sum of a cycle's amounts, its PAYMENT among them, is zero: the payout is what PAYMENT takes from the balance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import SchemaDrift
from connectors.mirakl.labels import PAYMENT, TYPES
from connectors.mirakl.node import Node, clean, currency_of, decode
from connectors.mirakl.vocabulary import CHANNEL
from connectors.mirakl.voucher import is_voucher, parse_voucher
from models.money import Money
from models.settlement import LineType, Settlement, SettlementLine

REMEDY = "Send all transaction lines of one billing cycle (TL02 by seller_billing_cycle_id), or its payment voucher."


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
    if is_voucher(body):
        return parse_voucher(body, account)
    rows = _rows(body)
    currency = _currency(rows)
    payments = [row for row in rows if row.type == PAYMENT]
    settlement_id = _cycle(rows)
    if not payments:
        raise rows[0].cycle.drift("payment_absent", f"Cycle {settlement_id} is not paid out yet: read it again later.")
    lines = [row for row in rows if row.type != PAYMENT]
    settlement = Settlement(
        channel=CHANNEL,
        account=account,
        settlement_id=settlement_id,
        currency=currency,
        payout=-Money.total((row.amount(currency) for row in payments), currency),
        starts_at=min(_times(lines), default=None),
        ends_at=max(_times(lines), default=None),
        deposited_at=payments[-1].node["date_created"].moment_if_readable(),
        lines=tuple(_line(number, row, currency) for number, row in enumerate(lines, start=1)),
    )
    if settlement.lines_total != settlement.payout:
        stated = f"stated {settlement.payout}, lines {settlement.lines_total}"
        raise SchemaDrift("sum_differs", payments[0].node.path, stated, REMEDY)
    return settlement


def _rows(body: bytes) -> list[Row]:
    try:
        root = Node(decode(body))
    except ValueError as error:
        raise SchemaDrift("not_json", "$", body[:60], f"The document is not JSON ({error}). {REMEDY}") from None
    listed = root if isinstance(root.value, list) else root["data"] if root.has("data") else root["lines"]
    rows = [Row(node) for node in listed.each()]
    if not rows or not all(row.node.has("type") or row.node.has("transaction_type") for row in rows):
        raise SchemaDrift("not_a_settlement", "$", clean(body[:60].decode("utf-8", "replace")), REMEDY)
    return rows


def _currency(rows: Sequence[Row]) -> str:
    currency = currency_of(rows[0].node["currency_iso_code"])
    for row in rows:
        if row.node["currency_iso_code"].text() != currency:
            raise row.node["currency_iso_code"].drift("currency_differs", f"The cycle is in {currency}.")
    return currency


def _cycle(rows: Sequence[Row]) -> str:
    """The one cycle of the lines. Raises `SchemaDrift` for lines of several."""
    cycle = rows[0].cycle.identifier()
    for row in rows:
        if row.cycle.text() != cycle:
            raise row.cycle.drift("wrong_cycle", f"This line is not of billing cycle {cycle}. {REMEDY}")
    return cycle


def _times(rows: Sequence[Row]) -> list[datetime]:
    times = (row.node["date_created"].moment_if_readable() for row in rows)
    return [time for time in times if time]


def _line(number: int, row: Row, currency: str) -> SettlementLine:
    quantity = row.node["quantity"]
    return SettlementLine(
        number=number,
        type=TYPES.get(row.type, LineType.UNKNOWN),
        label=row.type,
        amount=row.amount(currency),
        order_id=row.entity("order", "order_id"),
        line_id=row.entity("order_line", "order_line_id"),
        sku=row.node["offer_sku"].text() or None,
        quantity=quantity.quantity() if quantity and not row.nested else None,
        posted_at=row.node["date_created"].moment_if_readable(),
    )
