"""The rule that decides which node ships what."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fulfilment import Allocation
from store.allocation import Stock, allocate
from tests.store.examples import a_key, a_need


def shipped(allocation: Allocation) -> dict[str, dict[str, int]]:
    return {plan.node: plan.units for plan in allocation.nodes}


def decide(stock: Stock, units: dict[str, int], *needs: tuple[str, str, int]) -> Allocation:
    """`needs` are (line, item, units of the item in one unit of the line)."""
    lines = [a_need(item, line, per_unit) for line, item, per_unit in needs]
    return allocate(a_key(), lines, units, stock)


def test_one_node_that_has_everything_ships_everything_although_another_has_more_of_a_part() -> None:
    stock = {("TENT", "A"): 1, ("TENT", "B"): 9, ("MAT", "A"): 1}
    assert shipped(decide(stock, {"1": 1, "2": 1}, ("1", "TENT", 1), ("2", "MAT", 1))) == {"A": {"1": 1, "2": 1}}


@pytest.mark.parametrize(("held_by_b", "node"), [(6, "B"), (5, "A"), (4, "A")])
def test_of_several_nodes_the_one_with_most_ships_and_then_the_first_by_name(held_by_b: int, node: str) -> None:
    assert shipped(decide({("TENT", "B"): held_by_b, ("TENT", "A"): 5}, {"1": 2}, ("1", "TENT", 1))) == {node: {"1": 2}}


def test_lines_that_no_single_node_has_together_go_whole_from_one_node_each() -> None:
    stock = {("MAT", "A"): 3, ("TENT", "A"): 1, ("TENT", "B"): 2, ("BOTTLE", "B"): 1}
    made = decide(stock, {"1": 3, "2": 2, "3": 1}, ("1", "MAT", 1), ("2", "TENT", 1), ("3", "BOTTLE", 1))
    assert shipped(made) == {"A": {"1": 3}, "B": {"2": 2, "3": 1}}


def test_a_line_that_no_node_has_whole_is_split_in_units_with_all_components_at_one_node() -> None:
    stock = {("TENT", "A"): 2, ("STOVE", "A"): 4, ("TENT", "B"): 5, ("STOVE", "B"): 1}
    made = decide(stock, {"1": 2}, ("1", "TENT", 1), ("1", "STOVE", 2))
    assert shipped(made) == {"A": {"1": 2}}
    made = decide({**stock, ("STOVE", "B"): 2}, {"1": 3}, ("1", "TENT", 1), ("1", "STOVE", 2))
    assert shipped(made) == {"A": {"1": 2}, "B": {"1": 1}}
    assert [(pick.item, pick.per_unit, pick.quantity) for pick in made.nodes[0].picks] == [
        ("TENT", 1, 2),
        ("STOVE", 2, 4),
    ]


def test_a_bundle_whose_components_lie_apart_is_short_and_says_why() -> None:
    made = decide({("TENT", "A"): 5, ("STOVE", "B"): 5}, {"1": 2}, ("1", "TENT", 1), ("1", "STOVE", 1))
    assert (made.nodes, made.short) == ((), {"1": 2})
    assert made.reason.startswith("STOVE: 2 needed, 5 available, TENT: 2 needed, 5 available")


def test_one_short_line_keeps_the_whole_order_from_shipping() -> None:
    made = decide({("TENT", "A"): 5}, {"1": 2, "2": 1}, ("1", "TENT", 1), ("2", "MAT", 1))
    assert (made.nodes, made.short) == ((), {"2": 1})


def test_a_bundle_chooses_before_lines_that_can_come_from_anywhere() -> None:
    stock = {("TENT", "A"): 2, ("STOVE", "A"): 1, ("TENT", "B"): 1}
    made = decide(stock, {"single": 2, "set": 1}, ("single", "TENT", 1), ("set", "TENT", 1), ("set", "STOVE", 1))
    assert shipped(made) == {"A": {"single": 1, "set": 1}, "B": {"single": 1}}


def test_nothing_to_ship_is_an_allocation_without_nodes() -> None:
    made = decide({}, {"1": 0}, ("1", "TENT", 1))
    assert (made.nodes, made.short) == ((), {})


def test_a_line_without_components_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\['2'\] have no components"):
        decide({}, {"1": 1, "2": 1}, ("1", "TENT", 1))


ITEMS, NODES = ("TENT", "STOVE", "MAT"), ("A", "B", "C")
STOCKS = st.dictionaries(st.tuples(st.sampled_from(ITEMS), st.sampled_from(NODES)), st.integers(0, 6))
BUNDLE = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 3), min_size=1)


@given(STOCKS, st.dictionaries(st.sampled_from("123"), st.tuples(BUNDLE, st.integers(1, 5)), min_size=1))
def test_an_allocation_ships_what_is_asked_for_and_takes_no_more_than_there_is(
    stock: dict[tuple[str, str], int], lines: dict[str, tuple[dict[str, int], int]]
) -> None:
    needs = [(line, item, count) for line, (recipe, _) in lines.items() for item, count in recipe.items()]
    units = {line: count for line, (_, count) in lines.items()}
    made = decide(stock, units, *needs)
    if made.short:
        assert made.nodes == ()
        return
    allotted: Counter[str] = Counter()
    taken: Counter[tuple[str, str]] = Counter()
    for plan in made.nodes:
        allotted.update(plan.units)
        taken.update({(pick.item, plan.node): 0 for pick in plan.picks})
        for pick in plan.picks:
            taken[pick.item, plan.node] += pick.quantity
            assert pick.quantity == pick.per_unit * plan.units[pick.line_id]
            assert pick.per_unit == lines[pick.line_id][0][pick.item]
    assert allotted == units
    assert all(count <= stock[place] for place, count in taken.items())


@given(
    STOCKS, st.dictionaries(st.sampled_from("123"), st.tuples(st.sampled_from(ITEMS), st.integers(1, 9)), min_size=1)
)
def test_an_order_of_single_items_is_short_only_when_there_is_too_little_altogether(
    stock: dict[tuple[str, str], int], lines: dict[str, tuple[str, int]]
) -> None:
    needed: Counter[str] = Counter()
    for item, count in lines.values():
        needed[item] += count
    held: Counter[str] = Counter()
    for (item, _), count in stock.items():
        held[item] += count
    enough = all(held[item] >= count for item, count in needed.items())
    made = decide(
        stock,
        {line: count for line, (_, count) in lines.items()},
        *((line, item, 1) for line, (item, _) in lines.items()),
    )
    assert bool(made.short) != enough
