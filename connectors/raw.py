"""Cuts values out of a JSON document as they stand, to keep each order verbatim."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable
from json import JSONDecodeError, JSONDecoder
from typing import BinaryIO

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


def elements(text: str, *path: str) -> list[str]:
    """The elements of the list at `path` within the object `text`; none when it is not there.

    Raises `ValueError` for what is not JSON, as far as it is read.
    """
    found: str | None = text.strip()
    for name in path:
        found = _member(found, name) if found is not None and found.startswith("{") else None
    return _split(found) if found is not None and found.startswith("[") else []


async def write_pages(into: BinaryIO, opening: str, pages: AsyncIterable[Iterable[str]]) -> int:
    """One document of the elements of all pages, written as they come; how many there were.

    `opening` is what stands before them: `{"data":[`.
    """
    into.write(opening.encode())
    count = 0
    async for page in pages:
        for element in page:
            into.write(f"{',' if count else ''}{element}".encode())
            count += 1
    into.write(b"]}")
    return count


def _member(text: str, name: str) -> str | None:
    at = _expect(text, 0, "{")
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        start = _skip(text, _expect(text, at, ":"))
        _, end = _value(text, start)
        if key == name:
            return text[start:end]
        at = _next(text, end, "}")
    return None


def _split(text: str) -> list[str]:
    found = []
    at = _expect(text, 0, "[")
    while text[at : at + 1] != "]":
        _, end = _value(text, at)
        found.append(text[at:end])
        at = _next(text, end, "]")
    return found


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _next(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    return at if text[at : at + 1] == closing else _expect(text, at, ",")


def _expect(text: str, at: int, character: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != character:
        raise JSONDecodeError(f"Expecting {character!r}", text, at)
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
