"""Shopify's search syntax (`updated_at:>='2026-11-23T10:00:00Z' status:any`) and pages that survive changes."""

from __future__ import annotations

import base64
import json
import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.shopify_book import OrderBook, moment_of

TERM = re.compile(r"(-?\w+):(>=|<=|>|<)?(?:'([^']*)'|\"([^\"]*)\"|(\S+))")
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "": operator.eq,
}
SORT_FIELDS = {"CREATED_AT": "created_at", "PROCESSED_AT": "processed_at"}
Key = tuple[datetime, int]


def terms(query: str | None) -> list[tuple[str, str, str]]:
    """(field, comparator, value) of each term; a field that begins with `-` must not match."""
    found = TERM.findall(query or "")
    return [(field, comparator, quoted or double or bare) for field, comparator, quoted, double, bare in found]


def order_ids(book: OrderBook, query: str | None, sort_key: str, *, reverse: bool = False) -> list[tuple[Key, str]]:
    """Matching orders with the key that they are sorted by."""
    wanted = terms(query)
    rows = [(changed, order_id) for changed, order_id in book.listed() if _changed_matches(changed, wanted)]
    if ("-return_status", "", "no_return") in wanted:
        rows = [row for row in rows if row[1] in book.returned]
    keyed = [(_key(book, changed, order_id, sort_key), order_id) for changed, order_id in rows]
    matching = [row for row in keyed if _matches(book.get(row[1]) or {}, wanted)] if _needs_order(wanted) else keyed
    return sorted(matching, reverse=reverse)


def _key(book: OrderBook, changed: datetime, order_id: str, sort_key: str) -> Key:
    field = SORT_FIELDS.get(sort_key)
    moment = moment_of((book.get(order_id) or {}).get(field)) if field else None
    return (moment or changed, int(order_id))


def _changed_matches(changed: datetime, wanted: list[tuple[str, str, str]]) -> bool:
    limits = [(comparator, moment_of(value)) for field, comparator, value in wanted if field == "updated_at"]
    return all(limit is not None and COMPARE[comparator](changed, limit) for comparator, limit in limits)


def _needs_order(wanted: list[tuple[str, str, str]]) -> bool:
    return any(field in FILTERS and value != "any" for field, _, value in wanted)


def _matches(order: dict[str, Any], wanted: list[tuple[str, str, str]]) -> bool:
    return all(FILTERS[field](order, comparator, value) for field, comparator, value in wanted if field in FILTERS)


def _created(order: dict[str, Any], comparator: str, value: str) -> bool:
    moment, limit = moment_of(order.get("created_at")), moment_of(value)
    return moment is not None and limit is not None and COMPARE[comparator](moment, limit)


def has_status(order: dict[str, Any], _comparator: str, value: str) -> bool:
    cancelled, closed = order.get("cancelled_at"), order.get("closed_at")
    return {
        "any": True,
        "open": not cancelled and not closed,
        "closed": bool(closed),
        "cancelled": bool(cancelled),
    }.get(value, True)


FILTERS: dict[str, Callable[[dict[str, Any], str, str], bool]] = {
    "status": has_status,
    "created_at": _created,
    "name": lambda order, _, value: order.get("name") == value,
    "financial_status": lambda order, _, value: order.get("financial_status") == value,
    "test": lambda order, _, value: bool(order.get("test")) == (value == "true"),
}


def cursor_of(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps([key[0].isoformat(), key[1]]).encode()).decode()


def key_of(cursor: str) -> Key:
    moment, number = json.loads(base64.urlsafe_b64decode(cursor))
    return datetime.fromisoformat(moment), int(number)


def rows_after(rows: list[tuple[Key, str]], cursor: str | None, *, reverse: bool = False) -> list[tuple[Key, str]]:
    """Rows beyond a cursor: by value, so that an order changed during a walk comes again, and none is missed."""
    if not cursor:
        return rows
    key = key_of(cursor)
    return [row for row in rows if (row[0] < key if reverse else row[0] > key)]
