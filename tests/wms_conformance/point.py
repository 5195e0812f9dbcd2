"""The points of the suite: each is one promise of the warehouse's port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.wms_conformance.stage import Stage
from tests.wms_conformance.subject import Capability, Subject

Check = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Point:
    check: Check
    needs: tuple[Capability, ...]

    @property
    def name(self) -> str:
        return self.check.__name__

    def absent(self, subject: Subject) -> str:
        """Why the point says nothing about this warehouse; empty when it does."""
        return "; ".join(dict.fromkeys(subject.without[need] for need in self.needs if need in subject.without))


POINTS: list[Point] = []


def point(*needs: Capability) -> Callable[[Check], Check]:
    """Make a function a point of the suite. Its name is the promise; `needs` says of whom it is asked."""

    def registered(check: Check) -> Check:
        POINTS.append(Point(check, needs))
        return check

    return registered
