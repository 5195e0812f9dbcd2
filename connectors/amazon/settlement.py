"""The settlement report, flat file V2 (`GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2`), to a settlement that adds up.

Tab separated, a header row, a first row with dates and the payout, then a row an amount. Quotes mean nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.amazon.flatfile import Row, decoded
from connectors.amazon.labels import line_type
from connectors.errors import SchemaDrift
from models.money import Money, MoneyError
from models.settlement import Settlement, SettlementLine

LABELS = ("transaction-type", "amount-type", "amount-description")
NEEDED = ("settlement-id", "total-amount", "currency", *LABELS, "amount")


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift` naming line, column and value; `sum_differs` when the rows do not add up to the payout."""
    rows = list(_rows(decoded(body)))
    if not rows:
        raise SchemaDrift("not_a_settlement", "line 2", "", "There is no row with totals: download the report again.")
    head = _head(rows)
    currency = head["currency"]
    settlement = Settlement(
        channel="amazon",
        account=account,
        settlement_id=head["settlement-id"],
        currency=currency,
        payout=head.amount("total-amount", currency),
        starts_at=head.moment("settlement-start-date"),
        ends_at=head.moment("settlement-end-date"),
        deposited_at=head.moment("deposit-date"),
        lines=tuple(_line(number, row, currency) for number, row in enumerate(_details(rows, head), start=1)),
    )
    _require_sum(settlement, head)
    return settlement


def _rows(text: str) -> Iterator[Row]:
    lines = [line.removesuffix("\r") for line in text.replace("\x00", "").split("\n")]
    names = [name.strip().strip('"').lower() for name in lines[0].split("\t")]
    for column in NEEDED:
        if column not in names:
            remedy = f"A flat file V2 has a column {column!r}: download the report GET_V2_…_FLAT_FILE_V2 again."
            reason = "missing_column" if set(NEEDED) & set(names) else "not_a_settlement"
            raise SchemaDrift(reason, "line 1", lines[0], remedy)
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            cells = [cell.strip() for cell in line.split("\t")]
            yield Row(number, dict(zip(names, cells, strict=False)))


def _head(rows: list[Row]) -> Row:
    """The row of totals: the first one. Raises `SchemaDrift` when it is not there or not alone."""
    head = rows[0]
    for column in ("settlement-id", "total-amount", "currency"):
        if not head[column]:
            raise head.drift("missing", column, "The first row states the totals of the settlement.")
    try:
        Money.zero(head["currency"])
    except ValueError:
        raise head.drift("wrong_value", "currency", "A currency is a code of ISO 4217, like EUR.") from None
    for row in rows[1:]:
        if row["settlement-id"] not in ("", head["settlement-id"]):
            raise row.drift("several_settlements", "settlement-id", "One file holds one settlement: split the file.")
        if row["currency"] not in ("", head["currency"]):
            raise row.drift("several_currencies", "currency", "A settlement is in one currency: split the file.")
        if row["total-amount"]:
            raise row.drift("several_settlements", "total-amount", "Only the first row states a total: split the file.")
    return head


def _details(rows: list[Row], head: Row) -> list[Row]:
    """The rows with amounts: all but the first, which has none, unless it carries an amount of its own."""
    return rows if head["amount"] else rows[1:]


def _line(number: int, row: Row, currency: str) -> SettlementLine:
    transaction, kind, description = (row[label] for label in LABELS)
    return SettlementLine(
        number=number,
        type=line_type(transaction, kind, description),
        label=" / ".join(label for label in (transaction, kind, description) if label) or "(no label)",
        amount=row.amount("amount", currency),
        order_id=row["order-id"] or None,
        line_id=row["order-item-code"] or None,
        sku=row["sku"] or None,
        quantity=row.quantity("quantity-purchased"),
        posted_at=row.moment("posted-date-time", "posted-date"),
    )


def _require_sum(settlement: Settlement, head: Row) -> None:
    try:
        total = settlement.lines_total
    except (MoneyError, ValueError):
        raise head.drift("sum_differs", "total-amount", "The rows add up to more than can be kept exactly.") from None
    if total != settlement.payout:
        sums = f"stated {settlement.payout}, sum of {len(settlement.lines)} rows {total}"
        remedy = "Rows are missing or doubled: download the report again."
        raise SchemaDrift("sum_differs", f"line {head.line}, column total-amount", sums, remedy)
