"""A decoded JSON document read together with its paths.

What an order needs is read strictly (`SchemaDrift` names path, value and remedy), the rest leniently. Mirakl states
money as JSON numbers, and in a few places as texts: both are read as exact decimals, never as floats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.errors import SchemaDrift
from models.money import Money, MoneyError

_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
LARGEST_QUANTITY = 10**9


def decode(body: bytes | str) -> Any:
    """JSON with exact decimals. Raises `ValueError` for anything else, however deep or odd."""
    try:
        return json.loads(body, parse_float=_decimal, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is not a number that can be kept exactly") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def clean(text: str) -> str:
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
        return isinstance(self.value, dict) and all(name in self.value for name in names)

    def each(self) -> Iterator[Node]:
        """The elements of a list; none when it is absent. Raises `SchemaDrift` for anything else."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.drift("wrong_type", "A list is expected here.")
        for index, element in enumerate(self.value):
            yield Node(element, f"{self.path}[{index}]")

    def drift(self, reason: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, self.path, self.value, remedy)

    def text(self) -> str:
        """Text that is not needed: empty when absent or not a text. Codes may be numbers (`reason_code`: 15, "15")."""
        if isinstance(self.value, str):
            return clean(self.value)
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return str(self.value)
        return ""

    def identifier(self) -> str:
        """An id that is needed."""
        if self.value is None or self.value == "":
            raise self.drift("missing", "An id is needed here: read the order again with OR11 (order_ids).")
        text = self.text()
        if not text or isinstance(self.value, Decimal):
            raise self.drift("wrong_type", "An id is a text.")
        return text

    def flag(self) -> bool | None:
        return self.value if isinstance(self.value, bool) else None

    def quantity(self) -> int:
        """A whole number of units that is needed, 0 or more."""
        if self.value is None:
            raise self.drift("missing", "A quantity is needed here.")
        value = self.decimal()
        if value != value.to_integral_value():
            raise self.drift("wrong_type", "A whole number of units is expected here.")
        if not 0 <= value <= LARGEST_QUANTITY:
            raise self.drift("wrong_value", f"A quantity is between 0 and {LARGEST_QUANTITY}.")
        return int(value)

    def quantity_or_none(self) -> int:
        """A quantity that is informative: 0 when it is absent."""
        return self.quantity() if self.value is not None else 0

    def moment(self) -> datetime:
        """A time that is needed. Mirakl's times are UTC, so one without a zone is UTC."""
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
        try:
            return self.moment() if self else None
        except SchemaDrift:
            return None

    def decimal(self) -> Decimal:
        """An amount or number that is needed."""
        if self.value is None or self.value == "":
            raise self.drift("missing", "A number is needed here.")
        if isinstance(self.value, str) and _DECIMAL.fullmatch(self.value.strip()):
            return Decimal(self.value.strip())
        if isinstance(self.value, int | Decimal) and not isinstance(self.value, bool):
            return Decimal(self.value)
        raise self.drift("wrong_type", "A number like 12.50 is expected here.")

    def money(self, currency: str) -> Money:
        """An amount that is needed. Raises `SchemaDrift` for what is not exact in the currency."""
        amount = self.decimal()
        try:
            return Money(amount=amount, currency=currency)
        except (MoneyError, ValueError):
            raise self.drift("wrong_value", f"This is not an exact amount of {currency}.") from None

    def money_or_none(self, currency: str) -> Money:
        """An amount that may be absent: nothing, then."""
        return self.money(currency) if self.value is not None else Money.zero(currency)


def currency_of(node: Node) -> str:
    """An ISO 4217 code that is needed (OR12 leaves it out, OR11 has it)."""
    if not node:
        raise node.drift("missing", "The currency is needed, and OR12 leaves it out: read the order with OR11.")
    try:
        return Money.zero(node.identifier()).currency
    except (MoneyError, ValueError):
        raise node.drift("wrong_value", "A currency is a code of ISO 4217, like EUR.") from None
