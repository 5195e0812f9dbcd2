"""What a channel's points are worth."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

GRADES = ((1.0, "A"), (0.95, "B"), (0.85, "C"), (0.7, "D"))
"""Share of the points that apply -> grade; below the last it is an F. One promise broken is no A."""


@dataclass
class Grade:
    passed: int = 0
    failed: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Point -> why it says nothing about the channel; not counted."""

    @property
    def counted(self) -> int:
        return self.passed + len(self.failed)

    @property
    def letter(self) -> str:
        share = self.passed / self.counted if self.counted else 0.0
        return next((letter for least, letter in GRADES if share >= least), "F")

    def lines(self, channel: str) -> list[str]:
        """`amazon 38/38 A`, then what failed, then what does not apply, with why."""
        why = Counter(self.absent.values())
        return [
            f"conformance: {channel} {self.passed}/{self.counted} {self.letter}",
            *(f"    failed: {name.replace('_', ' ')}" for name in self.failed),
            *(f"    n/a {count}: {reason}" for reason, count in why.items()),
        ]
