"""The words with which an operator picks exception cases: `channel=amazon and case=tax_declined and since=2h`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from models.base import Model, Moment
from models.case import CaseKind
from models.messages import OrderState

_CONDITION = re.compile(r"""\s*([A-Za-z_]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"']+)(?=\s|$)""")
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class QueryError(ValueError):
    """A query that cannot be understood: names the word, the value and the remedy."""

    def __init__(self, word: str, value: str, remedy: str) -> None:
        super().__init__(f"query: {word}: {value!r}: {remedy}")
        self.word = word
        self.value = value
        self.remedy = remedy


class CaseQuery(Model):
    """Open cases that fit every condition; of several values of one condition, any will do. Empty is no condition."""

    channel: tuple[str, ...] = ()
    account: tuple[str, ...] = ()
    case: tuple[CaseKind, ...] = ()
    state: tuple[OrderState, ...] = ()
    """Of the order."""
    step: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    """Of the refusal, as the outside system gave it."""
    subject: tuple[str, ...] = ()
    node: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    """`channel/account/external-id`."""
    since: Moment | None = None
    """Opened then or later."""
    before: Moment | None = None
    """Opened earlier than that."""


def parse(text: str, now: datetime) -> CaseQuery:
    """Read `word=value and word=value …`; ages (`2h`) count back from `now`. Raises `QueryError`."""
    found: dict[str, Any] = {}
    for word, value in _conditions(text):
        if word not in _READERS:
            raise QueryError(word, value, f"there is no such word; use one of {', '.join(_READERS)}")
        if word in found:
            raise QueryError(word, value, f"said twice; write {word}=a,b for either of two values")
        found[word] = _READERS[word](word, value, now)
    return CaseQuery(**found)


def _conditions(text: str) -> Iterator[tuple[str, str]]:
    if not text.strip():
        raise QueryError("query", text, "say which cases, e.g. channel=amazon and case=tax_declined and since=2h")
    rest = text.strip()
    while True:
        condition = _CONDITION.match(rest)
        if condition is None:
            raise QueryError("query", rest[:60], 'write word=value; a value with spaces in quotes: step="erp order"')
        yield condition[1].lower(), condition[2]
        rest = rest[condition.end() :]
        if not rest.strip():
            return
        joined = _AND.match(rest)
        if joined is None:
            raise QueryError("query", rest.strip()[:60], "only `and` joins conditions; use word=a,b for either of two")
        rest = rest[joined.end() :]


def _texts(word: str, value: str, now: datetime) -> tuple[str, ...]:
    """A quoted value is one value, with the commas in it."""
    if value[0] in "\"'":
        return (value[1:-1],)
    parts = tuple(value.split(","))
    if not all(parts):
        raise QueryError(word, value, f"a value is missing; write {word}=a or {word}=a,b")
    return parts


def _words(kind: type[StrEnum]) -> Callable[[str, str, datetime], tuple[StrEnum, ...]]:
    def read(word: str, value: str, now: datetime) -> tuple[StrEnum, ...]:
        try:
            return tuple(kind(each) for each in _texts(word, value, now))
        except ValueError:
            raise QueryError(word, value, f"use one of {', '.join(kind)}") from None

    return read


def _moment(word: str, value: str, now: datetime) -> datetime:
    plain = value.strip("\"'")
    remedy = "give an age like 30m, 2h, 3d, or a time with its zone like 2026-11-27T08:00Z"
    try:
        if age := _AGE.fullmatch(plain):
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        moment = datetime.fromisoformat(plain)
    except (ValueError, OverflowError):
        raise QueryError(word, value, remedy) from None
    if moment.tzinfo is None:
        raise QueryError(word, value, remedy)
    return moment


_READERS: Mapping[str, Callable[[str, str, datetime], object]] = {
    "channel": _texts,
    "account": _texts,
    "case": _words(CaseKind),
    "state": _words(OrderState),
    "step": _texts,
    "owner": _texts,
    "code": _texts,
    "subject": _texts,
    "node": _texts,
    "order": _texts,
    "since": _moment,
    "before": _moment,
}
