"""The ways between an order's states."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.messages import FINAL_STATES, OrderState
from models.states import WAYS, strays

S = OrderState
SHOWN_ONLY = {S.EXCEPTION}
"""Shown while a case is open; never entered."""


def test_every_state_is_reached_from_the_first_one_and_leads_to_an_end() -> None:
    def reached(start: OrderState) -> set[OrderState]:
        found, new = {start}, {start}
        while new:
            new = {after for state in new for after in WAYS[state]} - found
            found |= new
        return found

    assert reached(S.RECEIVED) == set(OrderState) - SHOWN_ONLY
    assert all(reached(state) & FINAL_STATES for state in WAYS)


def test_only_the_ends_have_no_way_on() -> None:
    assert {state for state, after in WAYS.items() if not after} == set(FINAL_STATES)
    assert set(WAYS) == set(OrderState) - SHOWN_ONLY


def test_nothing_is_cancelled_as_a_whole_once_a_parcel_has_left() -> None:
    for state in (S.PARTIALLY_SHIPPED, S.SHIPPED, S.SETTLED):
        assert S.CANCELLING not in WAYS[state]


def test_a_step_that_is_not_a_way_is_found() -> None:
    assert strays([S.ACCEPTED, S.ALLOCATED, S.RELEASED, S.SHIPPED, S.SETTLED, S.CLOSED]) == []
    assert strays([S.ACCEPTED, S.RELEASED]) == [(S.ACCEPTED, S.RELEASED)]
    assert strays([S.CANCELLING, S.CANCELLED, S.SHIPPED]) == [(S.CANCELLED, S.SHIPPED)]


@given(st.data())
def test_no_walk_along_the_ways_strays(data: st.DataObject) -> None:
    path, here = [], S.RECEIVED
    for _ in range(data.draw(st.integers(0, 12))):
        if not WAYS[here]:
            break
        here = data.draw(st.sampled_from(sorted(WAYS[here])))
        path.append(here)
    assert strays(path) == []
