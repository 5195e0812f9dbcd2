"""A decoded JSON document read together with its paths.

What an order needs is read strictly (`SchemaDrift` names path, value and remedy); what it can do without is read
leniently and, when it is there but unreadable, noted in `unread`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.errors import SchemaDrift
from models.money import Money, minor_unit

_DECIMAL = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)
LARGEST_QUANTITY = 10**9

MONEY = ("amount", "currencyCode")
MONEY_V0 = ("Amount", "CurrencyCode")


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is not a number that can be kept exactly") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def decode(body: bytes | str) -> Any:
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
    unread: list[str] = field(default_factory=list, compare=False)

    def __getitem__(self, name: str) -> Node:
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return Node(found, name if self.path == "$" else f"{self.path}.{name}", self.unread)

    def __bool__(self) -> bool:
        """True when something is there (an empty object, list or text is nothing)."""
        return self.value is not None and self.value not in ("", {}, [])

    def at(self, index: int) -> Node:
        return Node(self.value[index], f"{self.path}[{index}]", self.unread)

    def has(self, *names: str) -> bool:
        return isinstance(self.value, dict) and any(name in self.value for name in names)

    def each(self) -> Iterator[Node]:
        """The elements of a list that is needed; none when it is absent."""
        if self.value is None:
            return iter(())
        if not isinstance(self.value, list):
            raise self.drift("wrong_type", "A list is expected here.")
        return (self.at(index) for index in range(len(self.value)))

    def listed(self) -> Iterator[Node]:
        """The elements of a list that is not needed."""
        if isinstance(self.value, list):
            return self.each()
        self._note()
        return iter(())

    def drift(self, reason: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, self.path, self.value, remedy)

    def text(self) -> str:
        """Text that is not needed: empty when absent or not a text."""
        if isinstance(self.value, str):
            return _clean(self.value)
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return str(self.value)
        self._note()
        return ""

    def identifier(self) -> str:
        """An id that is needed, as text; Amazon's ids may arrive as numbers of 14 digits and more."""
        if self.value is None or self.value == "":
            raise self.drift("missing", "An id is needed here; read the document again from the API.")
        text = self.text()
        if not text or isinstance(self.value, Decimal):
            raise self.drift("wrong_type", "An id is a text.")
        return text

    def flag(self) -> bool:
        """A yes or no that is not needed; v0 writes it as the text `true`."""
        return self.value is True or (isinstance(self.value, str) and self.value.strip().lower() == "true")

    def quantity(self) -> int:
        """A whole number of units that is needed, 0 or more, as a number or as its text."""
        if self.value is None:
            raise self.drift("missing", "A quantity is needed here.")
        value = self.value
        if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
            value = int(value) if abs(value) <= LARGEST_QUANTITY else -1
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.drift("wrong_type", "A whole number of units is expected here.")
        if not 0 <= value <= LARGEST_QUANTITY:
            raise self.drift("wrong_value", f"A quantity is between 0 and {LARGEST_QUANTITY}.")
        return value

    def quantity_if_readable(self) -> int:
        """A quantity that is not needed; 0 when absent or unreadable."""
        try:
            return self.quantity() if self else 0
        except SchemaDrift:
            self._note()
            return 0

    def moment(self) -> datetime:
        """A time that is needed. Amazon's times are UTC, so one without a zone is UTC."""
        if self.value is None or self.value == "":
            raise self.drift("missing", "An ISO 8601 time is needed here.")
        if not isinstance(self.value, str):
            raise self.drift("wrong_type", "A time is an ISO 8601 text.")
        try:
            read = datetime.fromisoformat(self.value.strip())
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.drift("wrong_value", "A time is written like 2026-01-31T12:00:00Z.") from None

    def moment_if_readable(self) -> datetime | None:
        if not self:
            return None
        try:
            return self.moment()
        except SchemaDrift:
            self._note()
            return None

    def money(self, currency: str, names: tuple[str, str] = MONEY) -> Money:
        """An amount that is needed, in the order's currency. An amount that does not name its currency is in it."""
        amount, code = self[names[0]], self[names[1]]
        if not isinstance(self.value, dict):
            raise self.drift("missing" if self.value is None else "wrong_type", "An amount of money is needed.")
        if code and code.text() != currency:
            raise code.drift("currency_differs", f"The order is in {currency}; amounts of one order have one currency.")
        value = amount.decimal()
        exponent = minor_unit(currency)
        try:
            if value.quantize(exponent) != value:
                raise amount.drift("wrong_value", f"The smallest amount of {currency} is {exponent}.")
        except InvalidOperation:
            raise amount.drift("wrong_value", "The amount is too large to be exact.") from None
        return Money(amount=value, currency=currency)

    def decimal(self) -> Decimal:
        if self.value is None or self.value == "":
            raise self.drift("missing", "An amount is needed here, as a decimal text like 12.50.")
        if isinstance(self.value, str) and _DECIMAL.fullmatch(self.value.strip()):
            return Decimal(self.value.strip())
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return Decimal(self.value)
        raise self.drift("wrong_type", "An amount is a decimal text like 12.50.")

    def _note(self) -> None:
        if self.value is not None:
            self.unread.append(self.path)
