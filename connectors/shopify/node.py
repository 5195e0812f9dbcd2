"""A cursor over a decoded JSON document that always knows its path, in either of Shopify's two spellings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.errors import SchemaDrift

_DECIMAL = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?", re.ASCII)
LARGEST_EXPONENT = 15
LARGEST_COUNT = 1_000_000
"""Above this a quantity is a mistake, and arithmetic with it would not be exact."""


def decode(body: bytes) -> Any:
    """JSON without floats. Raises `SchemaDrift` (`not_json`)."""
    try:
        return json.loads(body, parse_float=_exact, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise SchemaDrift("not_json", "$", body[:60], f"Send one JSON document in UTF-8 ({error}).") from None


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text} cannot be kept exactly") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def is_camel(value: Any) -> bool:
    """True for an object in GraphQL's spelling (`lineItems`), false for REST's (`line_items`)."""
    camel = sum(1 for name in value if name[:1].islower() and name != name.lower())
    return camel > sum(1 for name in value if "_" in name)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class Node:
    """A value and its path. Fields are asked for in snake case and looked up as the document spells them."""

    def __init__(self, value: Any, path: str = "", *, camel: bool = False) -> None:
        self.value = value
        self.path = path
        self.camel = camel

    def at(self, *names: str) -> Node:
        """The first of the named fields that is not null; else the first that is there, else the first."""
        spelt = [_camel(name) if self.camel else name for name in names]
        fields = self.value if isinstance(self.value, dict) else {}
        there = [name for name in spelt if name in fields]
        return self._field(next((name for name in there if fields[name] is not None), (there or spelt)[0]))

    def has(self, name: str) -> bool:
        """True when the field is there, even if null."""
        return isinstance(self.value, dict) and (_camel(name) if self.camel else name) in self.value

    def _field(self, name: str) -> Node:
        value = self.value.get(name) if isinstance(self.value, dict) else None
        return Node(value, f"{self.path}.{name}" if self.path else name, camel=self.camel)

    @property
    def absent(self) -> bool:
        return self.value is None

    def drift(self, reason: str, remedy: str) -> SchemaDrift:
        return SchemaDrift(reason, self.path or "$", self.value, remedy)

    def items(self) -> Iterator[Node]:
        """Elements of a list, or of a GraphQL connection (`nodes` or `edges`). Absent is empty."""
        if self.absent:
            return
        found = self._connection()
        if not isinstance(found.value, list):
            raise found.drift("wrong_type", "A list is expected here.")
        for index, value in enumerate(found.value):
            element = Node(value, f"{found.path}[{index}]", camel=self.camel)
            yield element.at("node") if found.path.endswith(".edges") else element

    def _connection(self) -> Node:
        if not isinstance(self.value, dict):
            return self
        if self.at("page_info").at("has_next_page").value is True:
            raise self.drift("truncated", "Only the first page is here: read the rest of it, then parse the whole.")
        pages = self.at("nodes", "edges")
        return self if pages.absent else pages

    def objects(self) -> Iterator[Node]:
        for element in self.items():
            if not isinstance(element.value, dict):
                raise element.drift("wrong_type", "An object is expected here.")
            yield element

    def needed(self, remedy: str) -> Node:
        """Itself, or `SchemaDrift` (`missing`) when absent."""
        if self.absent:
            raise self.drift("missing", remedy)
        return self

    def text(self) -> str:
        """Text or number as text; empty when absent or of another kind. Safe for any database and any screen."""
        if isinstance(self.value, bool) or not isinstance(self.value, str | int | Decimal):
            return ""
        clean = str(self.value).replace("\x00", "")
        return clean.encode("utf-8", "replace").decode("utf-8").strip()

    def flag(self) -> bool:
        return self.value is True or self.value in ("true", 1)

    def count(self) -> int:
        """A quantity: a whole number that is not negative, written as a number or as text."""
        number = self._number("A whole number is expected here.")
        if not 0 <= number <= LARGEST_COUNT or number != int(number):
            raise self.drift("wrong_quantity", f"A whole number from 0 to {LARGEST_COUNT} is expected here.")
        return int(number)

    def amount(self) -> Decimal:
        return self._number('A decimal amount is expected here, such as "12.34".')

    def _number(self, remedy: str) -> Decimal:
        value = self.needed(remedy).value
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self.drift("wrong_type", remedy)
        written = str(value).strip()
        if not _DECIMAL.fullmatch(written):
            raise self.drift("wrong_type", remedy)
        number = Decimal(written)
        if number and abs(number.adjusted()) > LARGEST_EXPONENT:
            raise self.drift("out_of_range", remedy)
        return number if number else Decimal(0)

    def identity(self) -> str:
        """The numeric id as text, from a number, a text or a global id (`gid://shopify/Order/123`)."""
        tail = self.text().rsplit("/", 1)[-1].split("?", 1)[0].removesuffix(".0")
        if not (tail.isascii() and tail.isdigit() and len(tail) <= 25):
            raise self.drift("wrong_id", "A numeric id or a gid://shopify/… is expected here.")
        return tail

    def moment(self) -> datetime:
        """A time with its zone, in UTC."""
        remedy = "An ISO 8601 time with its zone is expected here, such as 2026-11-23T10:00:00Z."
        try:
            found = datetime.fromisoformat(self.needed(remedy).text())
            if found.tzinfo is None:
                raise self.drift("no_time_zone", remedy)
            return found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.drift("wrong_time", remedy) from None
