"""A JSON document member by member, and its long lists element by element: memory holds one element at a time."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

_SPACE = re.compile(r"[ \t\n\r]*")
CHUNK = 1 << 16
LARGEST_VALUE = 4 << 20
"""Characters of one element, or of a member that is not a list of rows."""

Found = tuple[str, Any]
"""Path and value: `("payout", {…})`, `("transactions[3]", {…})`."""


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is not a number that can be kept exactly") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_constant=_no_constant)


def members(file: BinaryIO, lists: Collection[str], wrappers: Collection[str] = ()) -> Iterator[Found]:
    """Members of the document's object; those named in `lists` element by element, when they are lists.

    An object named in `wrappers` is gone into. A document that is a list itself is given element by element, as `[0]`.
    Raises `ValueError` for what is not JSON in UTF-8, as far as it is read.
    """
    source = _Source(file)
    if source.peek() == "[":
        yield from _elements(source, "")
    elif source.peek() == "{":
        yield from _object(source, "", lists, wrappers)
    else:
        yield "$", source.value()
    if source.peek():
        raise ValueError(f"unexpected {source.peek()!r} after the document")


def _object(source: _Source, path: str, lists: Collection[str], wrappers: Collection[str]) -> Iterator[Found]:
    source.take("{")
    while source.peek() != "}":
        name = source.value()
        if not isinstance(name, str):
            raise ValueError(f"a name is expected, not {name!r}")
        source.take(":")
        where = f"{path}.{name}" if path else name
        if name in lists and source.peek() == "[":
            yield where, []
            yield from _elements(source, where)
        elif name in wrappers and source.peek() == "{":
            yield from _object(source, where, lists, wrappers)
        else:
            yield where, source.value()
        source.separator("}")
    source.take("}")


def _elements(source: _Source, path: str) -> Iterator[Found]:
    source.take("[")
    index = 0
    while source.peek() != "]":
        yield f"{path}[{index}]", source.value()
        index += 1
        source.separator("]")
    source.take("]")


class _Source:
    """The text, read as far as it is needed."""

    def __init__(self, file: BinaryIO) -> None:
        self._read: Callable[[int], bytes] = file.read
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        if self.peek() != character:
            raise ValueError(f"{character!r} is expected, not {self.peek()!r}")
        self._at += 1

    def separator(self, closing: str) -> None:
        """A comma with something behind it, or nothing before the end of the object or list."""
        if self.peek() != closing:
            self.take(",")
            if self.peek() == closing:
                raise ValueError(f"something is expected between ',' and {closing!r}")

    def value(self) -> Any:
        self.peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            except json.JSONDecodeError:
                self._more_or_raise()
                continue
            # A number that ends with the text may go on in what is not read yet.
            if end < len(self._text) or not self._more():
                self._at = end
                return found

    def _more_or_raise(self) -> None:
        if len(self._text) - self._at > LARGEST_VALUE:
            raise ValueError(f"one value is longer than {LARGEST_VALUE} characters, or is not JSON")
        if not self._more():
            raise ValueError(f"not JSON: {self._text[self._at : self._at + 40]!r}")

    def _more(self) -> bool:
        """Read on; twice as much when a value has not ended yet, so that a long one is not tried too often."""
        if self._ended:
            return False
        size = max(CHUNK, len(self._text) - self._at)
        chunk = self._read(size)
        self._ended = not chunk
        self._text = self._text[self._at :] + self._decode(chunk, final=self._ended)
        self._at = 0
        return bool(chunk) or bool(self._text)
