"""A file of routing rules and nodes, YAML or JSON, read so that nothing in it is taken for what it is not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from models.nodes import Node
from models.routing import RoutingRules

NOTHING = ("", "~", "null")
MISSING = "it is missing: give it"
REMEDIES = {
    "missing": MISSING,
    "string_pattern_mismatch": "write a country as DE, or a state or province of it as US-CA",
    "time_parsing": "write a time of day as 14:00",
    "time_type": "write a time of day as 14:00",
    "datetime_from_date_parsing": "write a moment with its offset, as 2026-12-01T00:00:00+01:00",
    "timezone_aware": "write a moment with its offset, as 2026-12-01T00:00:00+01:00",
    "int_parsing": "write a whole number",
    "bool_parsing": "write true or false",
    "too_short": "give at least one",
}


class RoutingFileError(Exception):
    """The file cannot be used; `problems` are lines that name field, value and remedy."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class _Rules(RoutingRules):
    """A misspelt field is an error, not a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class _Node(Node):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoutingFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: _Rules | None = None
    nodes: tuple[_Node, ...] = Field(default=())

    @field_validator("nodes")
    @classmethod
    def _each_once(cls, nodes: tuple[_Node, ...]) -> tuple[_Node, ...]:
        names = [node.name for node in nodes]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(doubled)} stands there twice: describe each node once")
        return nodes


def read(path: Path) -> RoutingFile:
    """Raises `RoutingFileError`."""
    try:
        text = path.read_text(encoding="utf-8")
        said = _json(text) if path.suffix == ".json" else _yaml(text)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise RoutingFileError(
            [f"{path}: {error}: give a file of YAML, or of JSON if its name ends in .json"]
        ) from None
    if not isinstance(said, dict):
        raise RoutingFileError([f"{path}: it is no mapping: give `rules`, `nodes`, or both"])
    try:
        return RoutingFile.model_validate(_said(said))
    except ValidationError as error:
        raise RoutingFileError([_problem(each) for each in _innermost(error.errors())]) from None


def _innermost(found: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Without those that only follow from another one within: a list of one wrong entry is also an empty list."""
    within = {each["loc"][:depth] for each in found for depth in range(len(each["loc"]))}
    return [each for each in found if each["loc"] not in within]


def _yaml(text: str) -> Any:
    """Every scalar as it is written: YAML alone would read 14:00 as 840, NO as false, and 4.90 as a binary fraction."""
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but strings, lists and mappings


def _json(text: str) -> Any:
    return json.loads(text, parse_float=str)


def _said(value: Any) -> Any:
    """Without the fields that are left empty."""
    if isinstance(value, dict):
        return {name: _said(each) for name, each in value.items() if each is not None and each not in NOTHING}
    return [_said(each) for each in value] if isinstance(value, list) else value


def _problem(error: ErrorDetails) -> str:
    field = _path(error["loc"])
    remedy = _remedy(error)
    return f"{field}: {remedy}" if error["type"] == "missing" else f"{field}: {_shown(error['input'])}: {remedy}"


def _remedy(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return f"there is no such field: use {', '.join(_fields(error['loc']))}"
    if error["type"] == "enum":
        return f"use {error['ctx']['expected']}"
    told = error["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    return REMEDIES.get(error["type"], told)


def _fields(path: Iterable[int | str]) -> list[str]:
    top, *within = path
    if not within:
        return sorted(RoutingFile.model_fields)
    return sorted((_Rules if top == "rules" else _Node).model_fields)


def _path(steps: Iterable[int | str]) -> str:
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path.removeprefix(".") or "the file"


def _shown(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, Mapping | list | tuple) else repr(value)
