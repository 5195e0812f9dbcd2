"""What differs between two readings of the same order, field by field, and what that is in money."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from models.base import Model
from models.order import Order

BOOKKEEPING = ("schema_version", "correlation_id", "raw_event_id")
"""Fields that say nothing of what the channel sent."""
PARTS = ("goods", "discounts", "shipping", "other", "seller_tax", "channel_tax", "total")


class FieldDifference(Model):
    path: str
    was: str | None = None
    """None: the field was not there."""
    now: str | None = None


class MoneyDifference(Model):
    part: str
    """Of `models.order.Totals`."""
    currency: str
    amount: Decimal
    """New minus old."""


def differences(was: Order, now: Order) -> tuple[FieldDifference, ...]:
    """Every canonical field that is read differently, by path; lines go by their ids."""
    before, after = dict(_fields(_plain(was))), dict(_fields(_plain(now)))
    paths = [*before, *(path for path in after if path not in before)]
    return tuple(
        FieldDifference(path=path, was=before.get(path), now=after.get(path))
        for path in paths
        if before.get(path) != after.get(path)
    )


def money_differences(was: Order, now: Order) -> tuple[MoneyDifference, ...]:
    """What the order is worth more or less, part by part; amounts in another currency stand on their own."""
    sums: dict[tuple[str, str], Decimal] = {}
    for order, sign in ((now, 1), (was, -1)):
        for part in PARTS:
            money = getattr(order.totals, part)
            key = (part, money.currency)
            sums[key] = sums.get(key, Decimal(0)) + sign * money.amount
    return tuple(
        MoneyDifference(part=part, currency=currency, amount=amount)
        for (part, currency), amount in sums.items()
        if amount
    )


def _plain(order: Order) -> dict[str, Any]:
    told = order.model_dump(mode="json", exclude=set(BOOKKEEPING))
    told["lines"] = {line["line_id"]: line for line in told["lines"]}
    return told


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a document. A default that is empty is the same as a field that is not there."""
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        yield path, f"{value['amount']} {value['currency']}"
    elif isinstance(value, dict):
        for name, inner in value.items():
            key = f"[{name}]" if path == "lines" else f".{name}" if path else name
            yield from _fields(inner, path + key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _fields(inner, f"{path}[{number}]")
    elif value is not None and value != "":
        yield path, str(value)
