"""Payloads as no contract has them: with fields too many, with words of tomorrow, and broken in every place."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

NEW_FIELD = "introducedTomorrow"
NEW_WORD = "BEWITCHED_TOMORROW"
BROKEN: tuple[Any, ...] = (None, "", "x", [], {}, -1, True, "9" * 400, [None], {"": None})


def decoded(body: bytes) -> Any:
    """With every number as it is written."""
    return json.loads(body, parse_float=Decimal)


def encoded(value: Any) -> bytes:
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_text(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(inner) for inner in value) + "]"
    return json.dumps(value)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value in a document, the document itself first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield from places(each, (*path, name))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def with_value(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value in one place."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def with_new_fields(body: bytes) -> Iterator[tuple[tuple[str | int, ...], bytes]]:
    """The payload with one field more, in each object of it in turn."""
    document = decoded(body)
    for path in places(document):
        if isinstance(at(document, path), dict):
            more = {**at(document, path), NEW_FIELD: {"of": ["which", 1]}}
            yield path, encoded(with_value(document, path, more))


def with_new_word(body: bytes, field: str) -> bytes:
    """The payload with a word of tomorrow in every field of this name that holds a word."""
    pattern = re.compile(rb'("' + field.encode() + rb'"\s*:\s*)"[^"]*"')
    changed, count = pattern.subn(rb'\1"' + NEW_WORD.encode() + b'"', body)
    assert count, f"no field {field!r} with a word in {body[:200]!r}"
    return changed


def broken(body: bytes) -> Iterator[bytes]:
    """Anything that may come instead of a payload, and the payload broken in each place in turn."""
    yield from (b"", b"null", b"[]", b"{}", b"0", b'"x"', b"\xff\xfe", b"<html>502</html>", b"NaN", b"1e999999999")
    yield b"[" * 5000
    yield b'{"a":' * 3000
    yield from (body[:length] for length in range(0, len(body), max(1, len(body) // 40)))
    document = decoded(body)
    for path in places(document):
        for number, value in enumerate(BROKEN):
            # Each kind of breakage in every third place or so: all of them everywhere would take a minute.
            if (hash_of(path) + number) % 3 == 0:
                yield encoded(with_value(document, path, value))


def hash_of(path: tuple[str | int, ...]) -> int:
    """The same in every run."""
    return sum(json.dumps(path).encode())
