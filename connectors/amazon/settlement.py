"""Settlement reports as flat files, to statements and lines: V2, and the older V1, which names amounts by column.

Tab separated, a header row, a row with dates and the payout for each settlement, then rows with amounts. Quotes mean
nothing. Rows of several settlements, and repeated headers, may follow each other: files that were put together.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from connectors.amazon.flatfile import Row
from connectors.amazon.flatfile_v1 import NEEDED_V1, amounts_v1
from connectors.errors import SchemaDrift
from connectors.settlement_files import Ids, Numbering, is_utf8, parts, shipped_rules, text_lines, whole
from models.money import Money
from models.settlement import Entry, Reading, Settlement, SettlementLine, Statement
from models.settlement_rules import RuleSet

LABELS = ("transaction-type", "amount-type", "amount-description")
NEEDED = ("settlement-id", "total-amount", "currency", *LABELS, "amount")
RULES = shipped_rules(Path(__file__).parent)


def parse_settlement(body: bytes, account: str) -> Settlement:
    """Raises `SchemaDrift` naming line, column and value; `sum_differs` when the rows do not add up to the payout."""
    return whole(read_settlement(io.BytesIO(body), account))


def read_settlement(file: BinaryIO, account: str, rules: RuleSet = RULES) -> Reading:
    """Raises `SchemaDrift` naming line, column and value. Sums are not proven here."""
    report = _Report(account, rules)
    for part in parts(file):
        yield from report.read(part)


def _rows(part: BinaryIO) -> Iterator[Row]:
    encoding = "utf-8-sig" if is_utf8(part) else "cp1252"
    part.seek(0)
    names: list[str] = []
    for number, line in enumerate(text_lines(part, encoding), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if number == 1 or cells[0].strip('"').lower() == "settlement-id":
            names = _names(number, line, cells)
        elif any(cells):
            yield Row(number, dict(zip(names, cells, strict=False)))
    if not names:
        raise SchemaDrift("not_a_settlement", "line 1", "", "The file is empty: download the report again.")


def _names(number: int, line: str, cells: list[str]) -> list[str]:
    """Columns are found by name, in any order, with others beside them; names may be spelt with spaces."""
    names = ["-".join(cell.strip('"').lower().replace("_", " ").split()) for cell in cells]
    needed = NEEDED_V1 if set(NEEDED_V1) <= set(names) else NEEDED
    for column in needed:
        if column not in names:
            remedy = f"A flat file V2 has a column {column!r}: download the report GET_V2_…_FLAT_FILE_V2 again."
            reason = "missing_column" if set(NEEDED) & set(names) else "not_a_settlement"
            raise SchemaDrift(reason, f"line {number}", line, remedy)
    return names


class _Report:
    def __init__(self, account: str, rules: RuleSet) -> None:
        self._account = account
        self._rules = rules
        self._ids = Ids()
        self._stated: set[str] = set()
        self._numbers = Numbering()
        self._name = ""
        self._currency = ""

    def read(self, part: BinaryIO) -> Reading:
        row = None
        for row in _rows(part):
            if row["total-amount"]:
                yield self._statement(row)
            elif not self._name:
                raise row.drift("missing", "total-amount", "The first row states the totals of the settlement.")
            yield from self._entries(row)
        if row is None:
            remedy = "There is no row with totals: download the report again."
            raise SchemaDrift("not_a_settlement", "line 2", "", remedy)

    def _statement(self, row: Row) -> Statement:
        for column in ("settlement-id", "currency"):
            if not row[column]:
                raise row.drift("missing", column, "The first row states the totals of the settlement.")
        try:
            Money.zero(row["currency"])
        except ValueError:
            raise row.drift("wrong_value", "currency", "A currency is a code of ISO 4217, like EUR.") from None
        self._name, self._currency = row["settlement-id"], row["currency"]
        settlement_id = self._ids.of(self._name, self._currency)
        self._stated.add(settlement_id)
        return Statement(
            channel="amazon",
            account=self._account,
            settlement_id=settlement_id,
            currency=self._currency,
            payout=row.amount("total-amount", self._currency),
            starts_at=row.moment("settlement-start-date"),
            ends_at=row.moment("settlement-end-date"),
            deposited_at=row.moment("deposit-date"),
            where=f"line {row.line}, column total-amount",
        )

    def _entries(self, row: Row) -> Iterator[Entry]:
        """A row of V2 is an amount, one of V1 as many as it has columns filled; the row of totals has none."""
        currency = row["currency"] or self._currency
        settlement_id = self._ids.of(row["settlement-id"] or self._name, currency)
        if settlement_id not in self._stated:
            column = "settlement-id" if row["settlement-id"] not in ("", self._name) else "currency"
            raise row.drift("no_total", column, f"No row before states a total of settlement {settlement_id}.")
        if "amount" in row.cells:
            if row["amount"] or not row["total-amount"]:
                labels = (row["transaction-type"], row["amount-type"], row["amount-description"])
                yield self._entry(row, settlement_id, labels, row.amount("amount", currency))
            return
        for labels, column in amounts_v1(row):
            yield self._entry(row, settlement_id, labels, row.amount(column, currency))

    def _entry(self, row: Row, settlement_id: str, labels: tuple[str, str, str], amount: Money) -> Entry:
        line = SettlementLine(
            number=self._numbers.next(settlement_id),
            type=self._rules.type_of(labels),
            label=" / ".join(label for label in labels if label) or "(no label)",
            labels=labels,
            amount=amount,
            order_id=row["order-id"] or None,
            line_id=row["order-item-code"] or None,
            sku=row["sku"] or None,
            quantity=row.quantity("quantity-purchased"),
            marketplace=row["marketplace-name"],
            posted_at=row.moment("posted-date-time", "posted-date"),
        )
        return Entry(settlement_id, line)
