"""What every payload of a folder is, by the parsers alone: the orders in it, or the reason why there is none."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cli import parsing
from cli.output import console, rows


@dataclass(frozen=True)
class Found:
    """One order of a file, with its sums proven; or one refusal."""

    channel: str
    file: str
    order: str
    outcome: str
    """The order's state, or the refusal's reason."""
    detail: str
    """The order's total, or where it went wrong, with what value, and what helps."""
    is_order: bool

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def of_folder(directory: Path) -> list[Found]:
    """Files lie in folders named like their channel."""
    found = []
    for path, channel, parsed in parsing.parse_folder(directory):
        for order in parsed.orders:
            assert not order.totals.difference, f"{path}: {order.key} does not add up"
            key, state = order.key.external_id, order.state.value
            found.append(Found(channel, str(path), key, state, f"{order.total} = sum of its parts", True))
        for refusal in parsed.refusals:
            why = f"{refusal.path}: {refusal.value}. {refusal.remedy}"
            found.append(Found(channel, str(path), refusal.external_id or "", refusal.reason, why, False))
    return found


def print_survey(found: list[Found]) -> None:
    rows(
        "Payloads",
        ("file", "order", "state or reason", "total, or path, value and remedy"),
        [(each.file, each.order, each.outcome, each.detail) for each in found],
    )
    counted: Counter[tuple[str, str, str]] = Counter(
        (each.channel, "order" if each.is_order else "refused", each.outcome) for each in found
    )
    rows(
        "Summary",
        ("channel", "", "state or reason", "number"),
        [(*key, count) for key, count in sorted(counted.items())],
    )
    orders = sum(each.is_order for each in found)
    console.print(f"{orders} orders, each with its total proven; {len(found) - orders} refused, each with its reason")
