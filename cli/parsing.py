"""`parse`: files to canonical orders, or to reasons; needs no stack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.ports import Parsed, Refusal
from connectors.providers import FORMATS
from models.order import Order

ACCOUNT = "file"


def parse_file(channel: str, path: Path, account: str = ACCOUNT) -> Parsed:
    """What a file yields; one that cannot be read is a refusal too."""
    try:
        body = path.read_bytes()
    except OSError as error:
        return Parsed(refusals=(unreadable(path, error),))
    parsed = FORMATS[channel].parse(body, account)
    if parsed.orders or parsed.refusals:
        return parsed
    remedy = "the list of orders in it has no entry"
    return Parsed(refusals=(Refusal(reason="no_orders", path="$", value=path.name, remedy=remedy),))


def parse_folder(directory: Path) -> list[tuple[Path, str, Parsed]]:
    """Every file that lies in a folder named like a channel: its path within `directory`, channel, and yield."""
    found = []
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        inside = path.relative_to(directory)
        for channel in FORMATS:
            if channel in inside.parts[:-1]:
                found.append((inside, channel, parse_file(channel, path)))
    return found


def unreadable(path: Path, error: OSError) -> Refusal:
    remedy = "give the path of a readable file"
    return Refusal(reason="unreadable", path=str(path), value=str(error), remedy=remedy)


def described(order: Order) -> dict[str, Any]:
    """An order as JSON, with its key and its sums spelled out."""
    totals = order.totals
    sums = {name: str(getattr(totals, name).amount) for name in type(totals).model_fields}
    return {
        **order.model_dump(mode="json"),
        "order_key": str(order.key),
        "totals": {**sums, "computed": str(totals.computed.amount), "difference": str(totals.difference.amount)},
    }


def report(path: Path, parsed: Parsed) -> dict[str, Any]:
    return {
        "file": str(path),
        "orders": [described(order) for order in parsed.orders],
        "refusals": [refusal.model_dump(mode="json") for refusal in parsed.refusals],
    }
