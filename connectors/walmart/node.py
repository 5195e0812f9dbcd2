"""A decoded document read together with its paths; XML and JSON have the same shape here.

What an order needs is read strictly (`SchemaDrift` names path, value and remedy); what it can do without is empty when
it is absent or unreadable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.errors import SchemaDrift
from models.money import Money, MoneyError

_DECIMAL = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_MILLISECONDS = re.compile(r"-?\d{1,16}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LARGEST_QUANTITY = 10**9


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is not a number that can be kept exactly") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def decode_json(body: bytes | str) -> Any:
    """JSON with exact decimals. Raises `ValueError` for anything else, however deep or odd."""
    try:
        return json.loads(body, parse_float=_decimal, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _clean(text: str) -> str:
    """Without what a database cannot keep: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "").strip()


@dataclass(frozen=True)
class Node:
    """A value and where it stands; `value` is None when it is absent."""

    value: Any
    path: str = "$"

    def __getitem__(self, name: str) -> Node:
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return Node(found, name if self.path == "$" else f"{self.path}.{name}")

    def __bool__(self) -> bool:
        """True when something is there (an empty object, list or text is nothing)."""
        return self.value is not None and self.value not in ("", {}, [])

    def has(self, *names: str) -> bool:
        return isinstance(self.value, dict) and any(name in self.value for name in names)

    def each(self) -> Iterator[Node]:
        """The elements of a list; a thing alone is a list of one, as XML and some JSON libraries write it."""
        if isinstance(self.value, list):
            return (Node(value, f"{self.path}[{index}]") for index, value in enumerate(self.value))
        return iter(() if self.value is None else (self,))

    def within(self, name: str) -> Iterator[Node]:
        """The elements of a list that the US writes as `charges.charge[]` and Mexico as `charges[]`."""
        return self[name].each() if self.has(name) else self.each() if isinstance(self.value, list) else iter(())

    def drift(self, reason: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, self.path, self.value, remedy)

    def text(self) -> str:
        """Text that is not needed: empty when absent or not a text."""
        if isinstance(self.value, str):
            return _clean(self.value)
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return str(self.value)
        return ""

    def identifier(self) -> str:
        """An id that is needed, as text."""
        if self.value is None or self.value == "":
            raise self.drift("missing", "An id is needed here; read the document again from the API.")
        text = self.text()
        if not text or isinstance(self.value, Decimal):
            raise self.drift("wrong_type", "An id is a text of digits and letters.")
        return text

    def quantity(self) -> int:
        """A whole number of units that is needed, 0 or more: Walmart writes it as text (`"1"`) or as a number."""
        value = self.decimal()
        if not 0 <= value <= LARGEST_QUANTITY or value != value.to_integral_value():
            raise self.drift("wrong_value", f"A quantity is a whole number between 0 and {LARGEST_QUANTITY}.")
        return int(value)

    def moment(self) -> datetime:
        """A time that is needed: milliseconds since 1970 (US JSON), or ISO 8601 (XML, Mexico, returns)."""
        if self.value is None or self.value == "":
            raise self.drift("missing", "A time is needed here: epoch milliseconds or ISO 8601.")
        if isinstance(self.value, bool) or not isinstance(self.value, int | str | Decimal):
            raise self.drift("wrong_type", "A time is a number of milliseconds or an ISO 8601 text.")
        try:
            return _moment(str(self.value).strip())
        except (ValueError, OverflowError):
            remedy = "A time is written as epoch milliseconds or like 2026-01-31T12:00:00.000Z."
            raise self.drift("wrong_value", remedy) from None

    def moment_if_readable(self) -> datetime | None:
        try:
            return self.moment()
        except SchemaDrift:
            return None

    def decimal(self) -> Decimal:
        if self.value is None or self.value == "":
            raise self.drift("missing", "A number is needed here.")
        if isinstance(self.value, str) and _DECIMAL.fullmatch(self.value.strip()):
            return Decimal(self.value.strip())
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            number = Decimal(self.value)
            if number.is_finite():
                return number
        raise self.drift("wrong_type", "A decimal number like 12.50 is expected here.")

    def money(self, currency: str, amount: str = "amount", unit: str = "currency") -> Money:
        """An amount that is needed, in the order's currency; returns and summaries name its members otherwise."""
        if not isinstance(self.value, dict):
            raise self.drift("missing" if self.value is None else "wrong_type", "An amount of money is needed here.")
        stated = self[unit]
        if stated and stated.text() != currency:
            raise stated.drift(
                "currency_differs", f"The order is in {currency}; amounts of one order have one currency."
            )
        try:
            return Money.of(self[amount].decimal(), currency)
        except (MoneyError, ValueError) as error:
            raise self[amount].drift("wrong_value", f"Not exact money of {currency}: {_words(error)}.") from None


def _words(error: Exception) -> str:
    """The error's own words, in one line."""
    return str(error).splitlines()[-1].strip()[:120]


def _moment(text: str) -> datetime:
    if _MILLISECONDS.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(text))
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
