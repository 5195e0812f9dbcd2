"""The states of an order and the ways between them. `docs/states.md` is made from this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.messages import OrderState

S = OrderState

WAYS: Mapping[OrderState, frozenset[OrderState]] = {
    S.RECEIVED: frozenset({S.ON_HOLD, S.ACCEPTED, S.CANCELLING}),
    S.ON_HOLD: frozenset({S.ACCEPTED, S.CANCELLING}),
    S.ACCEPTED: frozenset({S.ALLOCATED, S.BACK_ORDERED, S.SHIPPED, S.CANCELLING, S.PARTIALLY_SHIPPED}),
    S.BACK_ORDERED: frozenset({S.ALLOCATED, S.RELEASED, S.PARTIALLY_SHIPPED, S.SHIPPED, S.CANCELLING}),
    S.ALLOCATED: frozenset({S.ALLOCATED, S.RELEASED, S.BACK_ORDERED, S.SHIPPED, S.PARTIALLY_SHIPPED, S.CANCELLING}),
    S.RELEASED: frozenset({S.PARTIALLY_SHIPPED, S.SHIPPED, S.ALLOCATED, S.BACK_ORDERED, S.CANCELLING}),
    S.PARTIALLY_SHIPPED: frozenset({S.PARTIALLY_SHIPPED, S.SHIPPED}),
    S.SHIPPED: frozenset({S.SETTLED}),
    S.SETTLED: frozenset({S.CLOSED}),
    S.CLOSED: frozenset(),
    S.CANCELLING: frozenset({S.CANCELLED}),
    S.CANCELLED: frozenset(),
}
"""State -> the states that may follow. `exception` is not among them: it is shown while a case is open in any state."""


def strays(path: Iterable[OrderState]) -> list[tuple[OrderState, OrderState]]:
    """The steps of a path (from `received`) that are not among the ways."""
    steps, here = [], S.RECEIVED
    for state in path:
        if state not in WAYS[here]:
            steps.append((here, state))
        here = state
    return steps
