"""Cuts a list's elements out of a JSON answer as they stand, so that each is kept word for word."""

from __future__ import annotations

import re
from json import JSONDecoder

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = JSONDecoder()


def elements(text: str, name: str) -> list[str]:
    """The elements of the list that is member `name` of the object `text`; none without it. Raises `ValueError`."""
    found: list[str] = []
    for key, start, end in _members(text):
        if key == name and text[start] == "[":
            found = [text[at:until] for at, until in _items(text, start, end)]
    return found


def _members(text: str) -> list[tuple[object, int, int]]:
    at, members = _after(text, 0, "{"), []
    while text[at : at + 1] != "}":
        key, at = _value(text, at)
        start = _after(text, at, ":")
        _, end = _value(text, start)
        members.append((key, start, end))
        at = _next(text, end, "}")
    return members


def _items(text: str, at: int, end: int) -> list[tuple[int, int]]:
    at, found = _after(text, at, "["), []
    while at < end and text[at] != "]":
        _, until = _value(text, at)
        found.append((at, until))
        at = _next(text, until, "]")
    return found


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _next(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    return at if text[at : at + 1] == closing else _after(text, at, ",")


def _after(text: str, at: int, character: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != character:
        raise ValueError(f"{character!r} is expected at {at}")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
