"""What a payload holds beyond the contract that a mapping was written for.

The fields of a contract are in a file `fields.txt` beside the mapping, a path a line: `order.lines[].sku`. A path that
ends in `.*` stands for everything below it (free-form data). Lines that begin with `#` say where the list is from.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from connectors.ports import Drift

MOST = 50
"""Drifts that one payload tells of: a payload of another kind altogether would tell of thousands."""


def known_fields(file: Path) -> frozenset[str]:
    lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def unknown_fields(document: Any, known: frozenset[str]) -> tuple[Drift, ...]:
    """One for each path that the contract does not have, however often it occurs."""
    paths = dict.fromkeys(_unknown(document, "", known))
    return tuple(Drift(kind="unknown_field", path=path) for path in islice(paths, MOST))


def _unknown(value: Any, path: str, known: frozenset[str]) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _unknown(item, f"{path}[]", known)
    elif isinstance(value, dict):
        for name, inner in value.items():
            field = f"{path}.{name}" if path else name
            if f"{path}.*" in known:
                return
            if field in known or f"{field}.*" in known:
                yield from _unknown(inner, field, known)
            else:
                yield field
