"""The points of the suite: each is one promise of the port, checked against every channel that can keep it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.conformance.stage import Stage
from tests.conformance.subject import Capability, Subject

Check = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Point:
    check: Check
    needs: tuple[Capability, ...]
    scale: Callable[[Subject], float] | None
    """The quota to run under; None: one that nothing meets."""

    @property
    def name(self) -> str:
        return self.check.__name__

    def absent(self, subject: Subject) -> str:
        """Why the point says nothing about this channel; empty when it does."""
        return "; ".join(dict.fromkeys(subject.without[need] for need in self.needs if need in subject.without))


POINTS: list[Point] = []


def point(*needs: Capability, scale: Callable[[Subject], float] | None = None) -> Callable[[Check], Check]:
    """Make a function a point of the suite. Its name is the promise; `needs` says for whom it is one."""

    def registered(check: Check) -> Check:
        POINTS.append(Point(check, needs, scale))
        return check

    return registered
