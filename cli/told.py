"""What became of a story that the demo told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cli.output import rows
from models.order import OrderKey


@dataclass
class Told:
    """A story, and what became of it."""

    name: str
    keys: list[OrderKey] = field(default_factory=list)
    what: str = ""
    failed: bool = False
    state: str = ""

    def of(self, key: OrderKey) -> OrderKey:
        """Note that the story is about this order."""
        self.keys.append(key)
        return key


def print_stories(told: Sequence[Told]) -> None:
    rows(
        f"{len(told)} stories, each to be looked at with `order show KEY` or in the Temporal UI",
        ("story", "order", "what happened", "ended"),
        [
            (
                each.name,
                ", ".join(map(str, each.keys[:1])) + more(each),
                each.what,
                "FAILED" if each.failed else each.state,
            )
            for each in told
        ],
    )


def more(told: Told) -> str:
    return f" and {len(told.keys) - 1} more" if len(told.keys) > 1 else ""
