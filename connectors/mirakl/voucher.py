"""The operator's payment voucher (CSV, one row a shop) to a settlement of sums: it does not name the orders."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from decimal import Decimal

from connectors.errors import SchemaDrift
from connectors.mirakl.vocabulary import CHANNEL
from models.money import Money, MoneyError
from models.settlement import LineType, Settlement, SettlementLine

PAYOUT, NUMBER, CURRENCY = "transfer-amount", "invoice-number", "currency-iso-code"
PARTS: dict[str, tuple[LineType, int]] = {
    "order-amount": (LineType.GOODS, 1),
    "order-shipping-amount": (LineType.SHIPPING, 1),
    "order-commission-amount": (LineType.COMMISSION, -1),
    "order-commission-amount-vat": (LineType.COMMISSION, -1),
    "refund-amount": (LineType.REFUND, -1),
    "refund-shipping-amount": (LineType.REFUND, -1),
    "refund-commission-amount": (LineType.COMMISSION, 1),
    "refund-commission-amount-vat": (LineType.COMMISSION, 1),
    "subscription-amount": (LineType.FEE, -1),
    "subscription-amount-vat": (LineType.FEE, -1),
    "total-manual-invoice-amount": (LineType.ADJUSTMENT, -1),
    "total-manual-invoice-amount-vat": (LineType.ADJUSTMENT, -1),
    "total-manual-credit-amount": (LineType.ADJUSTMENT, 1),
    "total-manual-credit-amount-vat": (LineType.ADJUSTMENT, 1),
}
"""Column -> what it is, and its sign in the payout: the voucher states all amounts positive."""
_AMOUNT = re.compile(r"-?\d+([.,]\d+)?", re.ASCII)
_TIME = "%d/%m/%y %H:%M"


def is_voucher(body: bytes) -> bool:
    return PAYOUT.encode() in body.split(b"\n", 1)[0]


def parse_voucher(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift` naming line and column; `sum_differs` when the columns do not add up to the transfer."""
    row = _row(body)
    currency = _currency(row)
    amounts = [(column, _amount(row, column, currency)) for column in PARTS]
    settlement = Settlement(
        channel=CHANNEL,
        account=account,
        settlement_id=_needed(row, NUMBER),
        currency=currency,
        payout=_amount(row, PAYOUT, currency, needed=True),
        starts_at=_moment(row, "start-time"),
        ends_at=_moment(row, "end-time"),
        deposited_at=_moment(row, "date-created"),
        lines=tuple(
            SettlementLine(number=number, type=PARTS[column][0], label=column, amount=amount * PARTS[column][1])
            for number, (column, amount) in enumerate([each for each in amounts if each[1]], start=1)
        ),
    )
    if settlement.lines_total != settlement.payout:
        stated = f"stated {settlement.payout}, columns {settlement.lines_total}"
        remedy = "The columns of the voucher do not add up to the transfer: take the cycle's transaction lines (TL02)."
        raise SchemaDrift("sum_differs", f"line 2, column {PAYOUT}", stated, remedy)
    return settlement


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
