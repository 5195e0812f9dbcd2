"""Amazon's flat files: tab separated, in one of two encodings, with amounts and dates in the marketplace's manner."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from connectors.errors import SchemaDrift
from models.money import Money, MoneyError

_AMOUNT = re.compile(r"[+-]?\d+([.,]\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}((?P<group>[.,\u00a0\u202f ])\d{3})+(?!(?P=group))[.,]\d{1,3}", re.ASCII)
_DOTTED_DATE = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})(.*)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED_MONTH = re.compile(r"(\d{1,2})-([A-Za-z]{3})[a-z]*-(\d{4})(.*)", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One row of the file, by column name. `line` is its line in the file, from 1."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def drift(self, reason: str, column: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, f"line {self.line}, column {column}", self[column], remedy)

    def amount(self, column: str, currency: str) -> Money:
        """Raises `SchemaDrift` for anything that is not exact money."""
        try:
            return Money.of(_decimal(self[column]), currency)
        except (MoneyError, ValueError):
            remedy = f"An amount of {currency} like 1234.56 or 1234,56 is expected."
            raise self.drift("wrong_value" if self[column] else "missing", column, remedy) from None

    def moment(self, *columns: str) -> datetime | None:
        """The first of the columns that is filled. Raises `SchemaDrift` when it is not a time."""
        column = next((name for name in columns if self[name]), None)
        if column is None:
            return None
        try:
            return _moment(self[column])
        except (ValueError, OverflowError):
            remedy = "A time like `2026-01-31 12:00:00 UTC` or `31.01.2026 12:00:00 UTC` is expected."
            raise self.drift("wrong_value", column, remedy) from None

    def quantity(self, column: str) -> int | None:
        """The report can do without it: None when it is not a plain number."""
        return int(self[column]) if re.fullmatch(r"[+-]?\d{1,9}", self[column], re.ASCII) else None


def decoded(body: bytes) -> str:
    """EU reports may come in Windows' code page; every byte sequence that UTF-8 refuses is read so."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _decimal(text: str) -> Decimal:
    """A lone separator is the decimal one; of two kinds the last is, the other groups by three. Raises `ValueError`."""
    if _AMOUNT.fullmatch(text):
        return Decimal(text.replace(",", "."))
    if _GROUPED.fullmatch(text):
        whole, fraction = re.fullmatch(r"(.*)[.,](\d+)", text).groups()  # type: ignore[union-attr]
        return Decimal(re.sub(r"[^\d+-]", "", whole) + "." + fraction)
    raise ValueError(text)


def _moment(text: str) -> datetime:
    """`2026-01-31 12:00:00 UTC`, `31.01.2026 12:00:00 UTC`, `31-Jan-2026`, or ISO 8601; without a zone it is UTC."""
    iso = text
    if dotted := _DOTTED_DATE.fullmatch(text):
        iso = f"{dotted[3]}-{dotted[2]}-{dotted[1]}{dotted[4]}"
    elif named := _NAMED_MONTH.fullmatch(text):
        month = _MONTHS.index(named[2].lower()) + 1
        iso = f"{named[3]}-{month:02d}-{int(named[1]):02d}{named[4]}"
    read = datetime.fromisoformat(re.sub(r"\s*(UTC|GMT)$", "+00:00" if ":" in iso else "", iso))
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
