"""Whose pieces left: what people do with the moves of a release, in every order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import SchemaDrift
from connectors.wms.tryton.plan import Moved, Plan, Sharing
from models.fulfilment import PickLine
from tests.systems.orders import release

TENTS = PickLine(line_id="L1", item="TENT", quantity=2)
TENT_OF_A_SET = PickLine(line_id="L2", item="TENT", quantity=1)
SOCKS = PickLine(line_id="L2", item="SOCK", per_unit=3, quantity=3)
MOVES = (Moved(11, "TENT", 2), Moved(12, "TENT", 1), Moved(13, "SOCK", 3))


def plan() -> Plan:
    return Plan.of(release("X", picks=(TENTS, TENT_OF_A_SET, SOCKS)), MOVES)


def test_a_plan_is_read_as_it_was_written_and_an_edited_one_is_refused_by_its_place() -> None:
    assert Plan.read(plan().model_dump_json(), "note") == plan()
    with pytest.raises(SchemaDrift, match="note of 7"):
        Plan.read(plan().model_dump_json()[:-9], "note of 7")


def test_moves_that_are_not_those_of_the_release_are_no_plan() -> None:
    with pytest.raises(SchemaDrift, match="moves of X"):
        Plan.of(release("X", picks=(TENTS,)), (Moved(11, "TENT", 1),))


def test_a_move_belongs_to_the_line_it_was_made_for_whatever_happens_to_the_others() -> None:
    sharing = Sharing(plan(), MOVES[1:])
    assert sharing.of(MOVES[1:2]) == (TENT_OF_A_SET,)
    assert sharing.left == (TENTS,)


def test_a_move_that_people_made_takes_what_is_left_of_its_item() -> None:
    cut, theirs = Moved(11, "TENT", 1), Moved(99, "TENT", 1)
    sharing = Sharing(plan(), (cut, MOVES[1], theirs))
    assert sharing.of([theirs]) == (TENTS.model_copy(update={"quantity": 1}),)
    assert sharing.left == (SOCKS,)


def test_what_nobody_released_belongs_to_no_line() -> None:
    more, other = Moved(98, "TENT", 5), Moved(99, "KAYAK", 1)
    sharing = Sharing(plan(), (*MOVES, more, other))
    assert sharing.of([more, other]) == ()
    assert sharing.left == ()


@given(st.lists(st.tuples(st.integers(11, 20), st.sampled_from(["TENT", "SOCK"]), st.integers(0, 4)), max_size=8))
def test_pieces_are_shared_out_once_and_never_beyond_the_release(told: list[tuple[int, str, int]]) -> None:
    moves = list({move: Moved(move, item, pieces) for move, item, pieces in told}.values())
    sharing = Sharing(plan(), moves)
    shared = Counter[tuple[str, str]]()
    for pick in (*(pick for each in moves for pick in sharing.of([each])), *sharing.left):
        shared[pick.line_id, pick.item] += pick.quantity
    assert shared == {("L1", "TENT"): 2, ("L2", "TENT"): 1, ("L2", "SOCK"): 3}
