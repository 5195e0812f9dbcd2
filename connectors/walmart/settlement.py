"""The reconciliation report v1, as CSV (plain or zipped) or JSON, to a settlement that adds up to the payout.

Columns are found by name: newer files append some. One row, the PaymentSummary, states period and payout.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.errors import SchemaDrift
from connectors.walmart.labels import line_type
from connectors.walmart.node import decode_json
from connectors.walmart.vocabulary import CHANNEL
from models.money import Money, MoneyError
from models.settlement import Settlement, SettlementLine

SUMMARY = "paymentsummary"
TYPE, AMOUNT_TYPE, AMOUNT, PAYABLE = "transaction type", "amount type", "amount", "total payable"
ORDER, ORDER_LINE = "purchase order #", "purchase order line #"
NEEDED = (TYPE, AMOUNT_TYPE, AMOUNT, PAYABLE, ORDER)
LARGEST_FILE = 200 * 1024 * 1024
"""Bytes of an unzipped report."""
_AMOUNT = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,9}(\.0+)?", re.ASCII)
_DESTROYED = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Row:
    """One row, by column name in lower case. `number` is its line in a CSV file, or its place in `reportData`."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def drift(self, reason: str, column: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, f"line {self.number}, column {column}", self[column], remedy)

    def amount(self, column: str, currency: str) -> Money:
        """Raises `SchemaDrift` for anything that is not exact money."""
        text = self[column].replace(",", "").removeprefix("$")
        try:
            if not _AMOUNT.fullmatch(text):
                raise MoneyError(text)
            return Money.of(text, currency)
        except (MoneyError, ValueError):
            remedy = f"An amount of {currency} like 1234.56 is expected."
            raise self.drift("wrong_value" if text else "missing", column, remedy) from None

    def moment(self, column: str) -> datetime | None:
        """A day, M/D/YYYY in Walmart's reports; its midnight is taken as UTC. None when empty."""
        if not self[column]:
            return None
        try:
            return _day(self[column])
        except ValueError:
            raise self.drift("wrong_value", column, "A day is written like 12/19/2025.") from None

    def quantity(self, column: str) -> int | None:
        """The report can do without it: None when it is not a plain number."""
        return int(float(self[column])) if _INTEGER.fullmatch(self[column]) else None

    def order_id(self) -> str | None:
        if _DESTROYED.fullmatch(self[ORDER]):
            remedy = "A spreadsheet has rounded the order's number: take the file as Walmart gave it."
            raise self.drift("wrong_value", ORDER, remedy)
        return self[ORDER] or None


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift` naming line, column and value; `sum_differs` when the rows do not add up to the payout."""
    rows = list(_rows(_unzipped(body)))
    head = _head(rows)
    currency = _currency(rows, head)
    details = [row for row in rows if row is not head]
    settlement = Settlement(
        channel=CHANNEL,
        account=account,
        settlement_id=_settlement_id(head),
        currency=currency,
        payout=head.amount(PAYABLE, currency),
        starts_at=head.moment("period start date"),
        ends_at=head.moment("period end date"),
        deposited_at=head.moment("transaction posted timestamp"),
        lines=tuple(_line(number, row, currency) for number, row in enumerate(details, start=1)),
    )
    _require_sum(settlement, head)
    return settlement


def _unzipped(body: bytes) -> bytes:
    """The first file of an archive: `reconFile` answers with a zip file that holds one."""
    if not body.startswith(b"PK\x03\x04"):
        return body
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive, archive.open(archive.namelist()[0]) as file:
            return file.read(LARGEST_FILE)
    except (zipfile.BadZipFile, IndexError, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        remedy = f"The archive cannot be read ({error}): download the report again."
        raise SchemaDrift("not_a_settlement", "$", body[:20], remedy) from None


def _rows(body: bytes) -> Iterator[Row]:
    text = body.decode("utf-8-sig", "replace").replace("\x00", "")
    return _json_rows(text) if text.lstrip().startswith(("{", "[")) else _csv_rows(text)


def _json_rows(text: str) -> Iterator[Row]:
    try:
        document = decode_json(text)
    except ValueError as error:
        raise SchemaDrift("not_a_settlement", "$", text[:60], f"Not JSON: {error}.") from None
    data = document.get("reportData") if isinstance(document, dict) else None
    if not isinstance(data, list):
        raise SchemaDrift("not_a_settlement", "reportData", text[:60], "A report has its rows in reportData.")
    for number, row in enumerate(data, start=1):
        if not isinstance(row, dict):
            raise SchemaDrift("wrong_type", f"reportData[{number - 1}]", row, "A row is an object of columns.")
        cells = {_name(name): _cell(value) for name, value in row.items()}
        if _is_a_row(cells.values()):
            yield Row(number, cells)


def _csv_rows(text: str) -> Iterator[Row]:
    """The header is the first line with the needed columns; what else stands around it counts the lines of the file."""
    lines = csv.reader(io.StringIO(text), strict=False)
    names: list[str] = []
    try:
        for number, cells in enumerate(lines, start=1):
            if not names:
                names = _header(cells)
            elif _is_a_row(cells):
                yield Row(number, dict(zip(names, (_cell(cell) for cell in cells), strict=False)))
    except csv.Error as error:
        raise SchemaDrift("not_a_settlement", f"line {lines.line_num}", text[:60], f"Not CSV: {error}.") from None
    if not names:
        remedy = f"A report v1 has the columns {', '.join(NEEDED)}: download it with reportVersion=v1."
        raise SchemaDrift("not_a_settlement", "line 1", text[:60], remedy)


def _is_a_row(cells: Iterable[str]) -> bool:
    """False for an empty line, and for the one that tells how many there are."""
    return sum(bool(cell.strip()) for cell in cells) > 1


def _header(cells: list[str]) -> list[str]:
    """The columns, when this line names them; nothing otherwise."""
    names = [_name(cell) for cell in cells]
    missing = [column for column in NEEDED if column not in names]
    if not missing:
        return names
    if TYPE in names:
        remedy = f"A report v1 has a column {missing[0]!r}: download it with reportVersion=v1."
        raise SchemaDrift("missing_column", "line 1", ", ".join(names), remedy)
    return []


def _name(column: Any) -> str:
    return " ".join(str(column).split()).strip('"').lower()


def _cell(value: Any) -> str:
    r"""Without the quotes that Walmart's JSON leaves around some values (`"\"\""` is an empty one)."""
    return "" if value is None else str(value).strip().strip('"').strip()


def _head(rows: Iterable[Row]) -> Row:
    """The row of totals. Raises `SchemaDrift` when it is not there or not alone."""
    found = [row for row in rows if re.sub(r"\s", "", row[TYPE]).lower() == SUMMARY]
    if not found:
        remedy = "The PaymentSummary row states the payout: download the whole report again."
        raise SchemaDrift("not_a_settlement", f"column {TYPE}", "no PaymentSummary", remedy)
    if len(found) > 1:
        raise found[1].drift("several_settlements", TYPE, "One file holds one settlement: split the file.")
    return found[0]


def _currency(rows: Iterable[Row], head: Row) -> str:
    """The summary's. Raises `SchemaDrift` when a row is in another."""
    try:
        currency = Money.zero(head["currency"]).currency
    except ValueError:
        raise head.drift("wrong_value", "currency", "A currency is a code of ISO 4217, like USD.") from None
    for row in rows:
        if row["currency"] not in ("", currency):
            raise row.drift("several_currencies", "currency", "A settlement is in one currency: split the file.")
    return currency


def _settlement_id(head: Row) -> str:
    """The report has no id: its period is one, the same in CSV and JSON."""
    start, end = head.moment("period start date"), head.moment("period end date")
    if not end:
        raise head.drift("missing", "period end date", "The period names the settlement.")
    return f"{start:%Y-%m-%d}..{end:%Y-%m-%d}" if start else f"{end:%Y-%m-%d}"


def _line(number: int, row: Row, currency: str) -> SettlementLine:
    labels = [row[TYPE], row["transaction description"], row[AMOUNT_TYPE], row["transaction reason description"]]
    return SettlementLine(
        number=number,
        type=line_type(row[TYPE], row[AMOUNT_TYPE]),
        label=" / ".join(label for label in labels if label) or "(no label)",
        amount=row.amount(AMOUNT, currency),
        order_id=row.order_id(),
        line_id=row[ORDER_LINE] or None,
        sku=row["partner item id"] or None,
        quantity=row.quantity("ship qty"),
        posted_at=row.moment("transaction posted timestamp"),
    )


def _require_sum(settlement: Settlement, head: Row) -> None:
    try:
        total = settlement.lines_total
    except (MoneyError, ValueError):
        raise head.drift("sum_differs", PAYABLE, "The rows add up to more than can be kept exactly.") from None
    if total != settlement.payout:
        sums = f"stated {settlement.payout}, sum of {len(settlement.lines)} rows {total}"
        remedy = "Rows are missing or doubled: download the report again, with all its pages."
        raise SchemaDrift("sum_differs", f"line {head.number}, column {PAYABLE}", sums, remedy)


def _day(text: str) -> datetime:
    for shape in ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(text)
