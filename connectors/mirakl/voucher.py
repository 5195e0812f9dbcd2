"""The operator's payment voucher (CSV, one row a shop) to a settlement of sums: it does not name the orders."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO

from connectors.errors import SchemaDrift
from connectors.mirakl.vocabulary import CHANNEL
from models.money import Money, MoneyError
from models.settlement import Entry, Reading, SettlementLine, Statement
from models.settlement_rules import RuleSet

PAYOUT, NUMBER, CURRENCY = "transfer-amount", "invoice-number", "currency-iso-code"
SIGNS = {
    "order-amount": 1,
    "order-shipping-amount": 1,
    "order-commission-amount": -1,
    "order-commission-amount-vat": -1,
    "refund-amount": -1,
    "refund-shipping-amount": -1,
    "refund-commission-amount": 1,
    "refund-commission-amount-vat": 1,
    "subscription-amount": -1,
    "subscription-amount-vat": -1,
    "total-manual-invoice-amount": -1,
    "total-manual-invoice-amount-vat": -1,
    "total-manual-credit-amount": 1,
    "total-manual-credit-amount-vat": 1,
}
"""Column -> its sign in the payout: the voucher states all amounts positive."""
_AMOUNT = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)
_TIME = "%d/%m/%y %H:%M"


LARGEST = 1 << 20
"""Bytes of a voucher: it has two lines."""


def is_voucher(part: BinaryIO) -> bool:
    beginning = part.read(4096)
    part.seek(0)
    return PAYOUT.encode() in beginning.split(b"\n", 1)[0]


def read_voucher(part: BinaryIO, account: str, rules: RuleSet) -> Reading:
    """Raises `SchemaDrift` naming line and column."""
    row = _row(part.read(LARGEST))
    currency = _currency(row)
    number = _needed(row, NUMBER)
    yield Statement(
        channel=CHANNEL,
        account=account,
        settlement_id=number,
        currency=currency,
        payout=_amount(row, PAYOUT, currency, needed=True),
        starts_at=_moment(row, "start-time"),
        ends_at=_moment(row, "end-time"),
        deposited_at=_moment(row, "date-created"),
        where=f"line 2, column {PAYOUT}",
    )
    amounts = [(column, _amount(row, column, currency)) for column in SIGNS]
    for place, (column, amount) in enumerate([each for each in amounts if each[1]], start=1):
        kind = rules.type_of((column,))
        line = SettlementLine(number=place, type=kind, label=column, labels=(column,), amount=amount * SIGNS[column])
        yield Entry(number, line)


def _row(body: bytes) -> dict[str, str]:
    """The one row. Raises `SchemaDrift` when there is none, or several."""
    text = body.decode("utf-8-sig", "replace").replace("\x00", "")
    header = text.split("\n", 1)[0]
    delimiter = ";" if header.count(";") >= header.count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error as error:
        raise SchemaDrift("not_csv", "line 1", header, f"The voucher cannot be read as CSV: {error}.") from None
    filled = [row for row in rows[1:] if any(cell.strip() for cell in row)]
    if len(filled) != 1:
        raise SchemaDrift("not_a_settlement", "line 2", len(filled), "A voucher has one row: that of one shop's cycle.")
    names = [name.strip().lower() for name in rows[0]]
    return dict(zip(names, (cell.strip() for cell in filled[0]), strict=False))


def _needed(row: dict[str, str], column: str) -> str:
    if not row.get(column):
        raise SchemaDrift("missing", f"line 2, column {column}", None, "The voucher needs this column.")
    return row[column]


def _currency(row: dict[str, str]) -> str:
    code = _needed(row, CURRENCY)
    try:
        return Money.zero(code).currency
    except (MoneyError, ValueError):
        raise SchemaDrift("wrong_value", f"line 2, column {CURRENCY}", code, "An ISO 4217 code is expected.") from None


def _amount(row: dict[str, str], column: str, currency: str, *, needed: bool = False) -> Money:
    text = _needed(row, column) if needed else row.get(column) or "0"
    try:
        if not _AMOUNT.fullmatch(text):
            raise ValueError(text)
        return Money.of(Decimal(text.replace(",", ".")), currency)
    except (MoneyError, ValueError):
        remedy = f"An amount of {currency} like 1234.56 is expected."
        raise SchemaDrift("wrong_value", f"line 2, column {column}", text, remedy) from None


def _moment(row: dict[str, str], column: str) -> datetime | None:
    """The voucher can do without its times: None when one is absent or written otherwise."""
    try:
        return datetime.strptime(row.get(column, ""), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
