"""The reconciliation report v1, as CSV (plain or zipped) or JSON, to statements and lines.

Columns are found by name: newer files append some. A PaymentSummary row states period and payout; a file may hold
several periods after each other, and a period may be paid in several currencies.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from connectors.errors import SchemaDrift
from connectors.json_stream import members
from connectors.settlement_files import Ids, Numbering, parts, shipped_rules, text_lines, whole
from connectors.walmart.vocabulary import CHANNEL
from models.money import Money, MoneyError
from models.settlement import Entry, Reading, Settlement, SettlementLine, Statement
from models.settlement_rules import RuleSet

SUMMARY = "paymentsummary"
TYPE, AMOUNT_TYPE, AMOUNT, PAYABLE = "transaction type", "amount type", "amount", "total payable"
ORDER, ORDER_LINE = "purchase order #", "purchase order line #"
NEEDED = (TYPE, AMOUNT_TYPE, AMOUNT, PAYABLE, ORDER)
RULES = shipped_rules(Path(__file__).parent)
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
    return whole(read_settlement(io.BytesIO(body), account))


def read_settlement(file: BinaryIO, account: str, rules: RuleSet = RULES) -> Reading:
    """Raises `SchemaDrift` naming line, column and value. Sums are not proven here."""
    heads = _Heads(account)
    for row in _all_rows(file):
        if _is_summary(row):
            yield heads.add(row)
    if not heads.known:
        remedy = "The PaymentSummary row states the payout: download the whole report again."
        raise SchemaDrift("not_a_settlement", f"column {TYPE}", "no PaymentSummary", remedy)
    numbers = Numbering()
    for row in _all_rows(file):
        if _is_summary(row):
            heads.begin(row)
        else:
            statement = heads.of(row)
            number = numbers.next(statement.settlement_id)
            yield Entry(statement.settlement_id, _line(number, row, statement.currency, rules))


class _Heads:
    """The statements of a document, and which of them a row belongs to."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._ids = Ids()
        self.known: dict[str, Statement] = {}
        self._current: dict[str, Statement] = {}
        """Currency -> the statement that its rows belong to: the last one that was stated, before any the first."""
        self._first = ""

    def add(self, row: Row) -> Statement:
        statement = self._statement(row)
        self.known.setdefault(statement.settlement_id, statement)
        self._current.setdefault(statement.currency, statement)
        self._first = self._first or statement.currency
        return statement

    def begin(self, row: Row) -> None:
        statement = self.known[self._id(row, _currency(row))]
        self._current[statement.currency] = statement
        self._first = statement.currency

    def of(self, row: Row) -> Statement:
        found = self._current.get(row["currency"] or self._first)
        if found is None:
            remedy = f"No PaymentSummary states what was paid in {row['currency']}: download the whole report again."
            raise row.drift("several_currencies", "currency", remedy)
        return found

    def _statement(self, row: Row) -> Statement:
        currency = _currency(row)
        return Statement(
            channel=CHANNEL,
            account=self._account,
            settlement_id=self._id(row, currency),
            currency=currency,
            payout=row.amount(PAYABLE, currency),
            starts_at=row.moment("period start date"),
            ends_at=row.moment("period end date"),
            deposited_at=row.moment("transaction posted timestamp"),
            where=f"line {row.number}, column {PAYABLE}",
        )

    def _id(self, row: Row, currency: str) -> str:
        return self._ids.of(_period(row), currency)


def _is_summary(row: Row) -> bool:
    return re.sub(r"\s", "", row[TYPE]).lower() == SUMMARY


def _currency(row: Row) -> str:
    try:
        return Money.zero(row["currency"]).currency
    except ValueError:
        raise row.drift("wrong_value", "currency", "A currency is a code of ISO 4217, like USD.") from None


def _period(row: Row) -> str:
    """The report has no id: its period is one, the same in CSV and JSON."""
    start, end = row.moment("period start date"), row.moment("period end date")
    if not end:
        raise row.drift("missing", "period end date", "The period names the settlement.")
    return f"{start:%Y-%m-%d}..{end:%Y-%m-%d}" if start else f"{end:%Y-%m-%d}"


def _all_rows(file: BinaryIO) -> Iterator[Row]:
    for part in parts(file):
        beginning = part.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
        part.seek(0)
        yield from _json_rows(part) if beginning.startswith((b"{", b"[")) else _csv_rows(part)


def _json_rows(part: BinaryIO) -> Iterator[Row]:
    number = 0
    there = False
    try:
        for path, value in members(part, lists=("reportData",)):
            there = there or (path == "reportData" and isinstance(value, list))
            if path.startswith("reportData["):
                number += 1
                yield from _json_row(number, value)
    except ValueError as error:
        raise SchemaDrift("not_a_settlement", "$", "", f"Not JSON: {error}.") from None
    if not there:
        raise SchemaDrift("not_a_settlement", "reportData", "", "A report has its rows in reportData.")


def _json_row(number: int, value: Any) -> Iterator[Row]:
    if not isinstance(value, dict):
        raise SchemaDrift("wrong_type", f"reportData[{number - 1}]", value, "A row is an object of columns.")
    cells = {_name(name): _cell(cell) for name, cell in value.items()}
    if _is_a_row(cells.values()):
        yield Row(number, cells)


def _csv_rows(part: BinaryIO) -> Iterator[Row]:
    """The header is the first line with the needed columns; what else stands around it counts the lines of the file."""
    lines = csv.reader(text_lines(part, "utf-8-sig"), strict=False)
    names: list[str] = []
    beginning = ""
    try:
        for number, cells in enumerate(lines, start=1):
            beginning = beginning or ",".join(cells)[:60]
            if header := _header(cells):
                names = header
            elif names and _is_a_row(cells):
                yield Row(number, dict(zip(names, (_cell(cell) for cell in cells), strict=False)))
    except csv.Error as error:
        raise SchemaDrift("not_a_settlement", f"line {lines.line_num}", beginning, f"Not CSV: {error}.") from None
    if not names:
        remedy = f"A report v1 has the columns {', '.join(NEEDED)}: download it with reportVersion=v1."
        raise SchemaDrift("not_a_settlement", "line 1", beginning, remedy)


def _is_a_row(cells: Iterable[str]) -> bool:
    """False for an empty line, and for the one that tells how many there are."""
    return sum(bool(cell.strip()) for cell in cells) > 1


def _header(cells: list[str]) -> list[str]:
    """The columns, when this line names them; nothing otherwise."""
    if TYPE not in (names := [_name(cell) for cell in cells]):
        return []
    missing = [column for column in NEEDED if column not in names]
    if missing:
        remedy = f"A report v1 has a column {missing[0]!r}: download it with reportVersion=v1."
        raise SchemaDrift("missing_column", "line 1", ", ".join(names), remedy)
    return names


def _name(column: Any) -> str:
    return " ".join(str(column).split()).strip('"').lower()


def _cell(value: Any) -> str:
    r"""Without the quotes that Walmart's JSON leaves around some values (`"\"\""` is an empty one)."""
    return "" if value is None else str(value).replace("\x00", "").strip().strip('"').strip()


def _line(number: int, row: Row, currency: str, rules: RuleSet) -> SettlementLine:
    labels = (row[TYPE], row["transaction description"], row[AMOUNT_TYPE], row["transaction reason description"])
    return SettlementLine(
        number=number,
        type=rules.type_of(labels),
        label=" / ".join(label for label in labels if label) or "(no label)",
        labels=labels,
        amount=row.amount(AMOUNT, currency),
        order_id=row.order_id(),
        line_id=row[ORDER_LINE] or None,
        sku=row["partner item id"] or None,
        quantity=row.quantity("ship qty"),
        posted_at=row.moment("transaction posted timestamp"),
    )


@lru_cache(maxsize=1000)
def _day(text: str) -> datetime:
    for shape in ("%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"):
        try:
            return datetime.strptime(text, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(text)
