"""How commands speak: tables for people, JSON for programs, one line for an error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 200
"""Columns where there is no terminal to ask: a table that is read by a program or kept in a file is not folded."""


def _width() -> int | None:
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH


# Square brackets in what buyers and vendors write are text, not markup.
console = Console(markup=False, highlight=False, width=_width())
errors = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


def rows(title: str, columns: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    table = Table(*columns, title=title, title_justify="left")
    for line in lines:
        table.add_row(*(str(cell) if cell is not None else "" for cell in line))
    console.print(table)


def pairs(title: str, values: Mapping[str, object]) -> None:
    """Names and values line by line, never folded, to be copied from a terminal or read by a program."""
    print(title)
    for name, value in values.items():
        print(f"  {name:<15} {value}")
    sys.stdout.flush()


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def fail(message: str, code: int = 1) -> NoReturn:
    errors.print(message, style="red")
    raise typer.Exit(code)
