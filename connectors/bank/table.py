"""A bank's list of movements as CSV, with commas or semicolons, and columns that are found by their names."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from connectors.bank.lines import UNNAMED, amount_of, day_of
from connectors.errors import SchemaDrift
from models.bank import StatementLine

NEEDED = ("date", "amount", "currency", "reference", "counterparty")
IDENTITY = "id"
"""Optional: the bank's own reference of the movement."""


def read_table(content: bytes, bank_account: str) -> list[StatementLine]:
    """Of one account, which the file does not name. Other columns are ignored."""
    if not bank_account:
        remedy = "A CSV does not say whose it is: name the bank account (--bank-account), as the ERP knows it."
        raise SchemaDrift("missing", "bank account", "", remedy)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        value = content[error.start : error.end]
        raise SchemaDrift("not_text", f"byte {error.start}", value, "Save the file as UTF-8.") from None
    return list(_lines(text, bank_account))


def _lines(text: str, bank_account: str) -> Iterator[StatementLine]:
    head = text.partition("\n")[0]
    reader = csv.reader(text.splitlines(), delimiter=";" if head.count(";") > head.count(",") else ",", strict=True)
    try:
        columns = [name.strip().casefold() for name in next(reader, [])]
        _require_columns(columns)
        for row in reader:
            if any(row):
                yield _line(_named(columns, row, reader.line_num), reader.line_num, bank_account)
    except csv.Error as error:
        raise SchemaDrift(
            "not_csv", f"line {reader.line_num}", "", f"{error}: quote the cell, or export again."
        ) from None


def _require_columns(columns: list[str]) -> None:
    for name in NEEDED:
        if columns.count(name) != 1:
            remedy = f"Name the columns {', '.join(NEEDED)} in the first line, each once."
            raise SchemaDrift("missing" if name not in columns else "twice", f"line 1, column {name}", columns, remedy)


def _named(columns: list[str], row: list[str], number: int) -> Mapping[str, str]:
    if len(row) != len(columns):
        remedy = f"The first line has {len(columns)} columns, this one {len(row)}: quote cells that have the separator."
        raise SchemaDrift("wrong_type", f"line {number}", row, remedy)
    return {name: " ".join(cell.split()) for name, cell in zip(columns, row, strict=True)}


def _line(cells: Mapping[str, str], number: int, bank_account: str) -> StatementLine:
    return StatementLine(
        bank_account=bank_account,
        line_id=cells.get(IDENTITY) or UNNAMED,
        booked_on=day_of(cells["date"], f"line {number}, column date"),
        amount=amount_of(cells["amount"], cells["currency"], f"line {number}, column amount"),
        counterparty=cells["counterparty"],
        text=cells["reference"],
    )
