"""The rules that decide which nodes ship an order."""

from collections import Counter
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import decide
from models.fulfilment import Allocation, PickLine, RoutingRequest
from models.lots import lots_of
from models.nodes import Node
from models.order import OrderKey
from models.routing import DEFAULT_RULES, Criterion, RoutingRules, Shelves

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
KEY = OrderKey(channel="amazon", account="EU", external_id="1")
Stock = dict[str, dict[str, int]]
"""Node -> item -> units."""


def pick(line: str, item: str, quantity: int = 1, per_unit: int = 1) -> PickLine:
    return PickLine(line_id=line, item=item, per_unit=per_unit, quantity=quantity)


def request(*picks: PickLine, **more: Any) -> RoutingRequest:
    return RoutingRequest.model_validate({"order_key": KEY, "decision": 1, "picks": picks, "at": NOON, **more})


def rules(*criteria: Criterion, **more: Any) -> RoutingRules:
    return RoutingRules.model_validate({"name": "test", "version": 7, "criteria": criteria, **more})


def made(
    stock: Stock,
    asked: RoutingRequest,
    by: RoutingRules = DEFAULT_RULES,
    nodes: tuple[Node, ...] = (),
    load: dict[str, int] | None = None,
) -> Allocation:
    return decide(asked, Shelves(nodes=nodes, stock=stock, load=load or {}), by)


def shipped(allocation: Allocation) -> dict[str, dict[str, int]]:
    """Node -> line -> units of the line."""
    return {
        plan.node: {each.line_id: each.quantity // each.per_unit for each in plan.picks} for plan in allocation.nodes
    }


def why(allocation: Allocation, node: str) -> str:
    return next(each.why for each in allocation.considered if each.node == node)


def test_one_node_that_has_everything_ships_everything_although_another_has_more_of_a_part() -> None:
    stock = {"A": {"TENT": 1, "MAT": 1}, "B": {"TENT": 9}}
    told = made(stock, request(pick("1", "TENT"), pick("2", "MAT")))
    assert shipped(told) == {"A": {"1": 1, "2": 1}}
    assert (told.rule, told.reason) == ("fewest-parcels-0", "A has everything, and no other has")
    assert why(told, "A") == "ships 2 of 2 from A, leaves 2026-11-21"
    assert why(told, "B") == "could ship 1 of 2; 1 would stay short against 0"


@pytest.mark.parametrize(("held_by_b", "node"), [(6, "B"), (5, "A"), (4, "A")])
def test_of_several_nodes_the_one_with_most_ships_and_then_the_first_by_name(held_by_b: int, node: str) -> None:
    stock = {"B": {"TENT": held_by_b}, "A": {"TENT": 5}}
    assert shipped(made(stock, request(pick("1", "TENT", 2)))) == {node: {"1": 2}}


def test_lines_that_no_single_node_has_together_go_whole_from_one_node_each() -> None:
    stock = {"A": {"MAT": 3, "TENT": 1}, "B": {"TENT": 2, "BOTTLE": 1}}
    told = made(stock, request(pick("1", "MAT", 3), pick("2", "TENT", 2), pick("3", "BOTTLE")))
    assert shipped(told) == {"A": {"1": 3}, "B": {"2": 2, "3": 1}}
    assert told.reason == "A and B have everything together, and no other has"


def test_a_line_that_no_node_has_whole_is_split_in_units_with_all_components_at_one_node() -> None:
    stock = {"A": {"TENT": 2, "STOVE": 4}, "B": {"TENT": 5, "STOVE": 1}}
    assert shipped(made(stock, request(pick("1", "TENT", 2), pick("1", "STOVE", 4, 2)))) == {"A": {"1": 2}}
    stock["B"]["STOVE"] = 2
    told = made(stock, request(pick("1", "TENT", 3), pick("1", "STOVE", 6, 2)))
    assert shipped(told) == {"A": {"1": 2}, "B": {"1": 1}}
    assert [(each.item, each.per_unit, each.quantity) for each in told.nodes[0].picks] == [
        ("TENT", 1, 2),
        ("STOVE", 2, 4),
    ]


def test_a_bundle_whose_components_lie_apart_is_short_and_says_why() -> None:
    stock = {"A": {"TENT": 5}, "B": {"STOVE": 5}}
    asked = request(pick("1", "TENT", 2), pick("1", "STOVE", 2))
    told = made(stock, asked)
    assert (told.nodes, told.short) == ((), asked.picks)
    assert told.reason.startswith("STOVE: 2 needed, 5 available, TENT: 2 needed, 5 available")
    assert why(told, "A") == "has not enough for a whole unit"


def test_a_rule_may_let_the_components_of_a_bundle_leave_from_different_nodes() -> None:
    stock = {"A": {"TENT": 5, "STOVE": 1}, "B": {"STOVE": 2}, "C": {"STOVE": 9}}
    asked = request(pick("1", "TENT", 4), pick("1", "STOVE", 4), partial=True)
    apart = rules(Criterion.FEWEST_PARCELS, split_bundles=True)
    told = made(stock, asked, apart)
    assert {plan.node: [(each.item, each.quantity) for each in plan.picks] for plan in told.nodes} == {
        "A": [("TENT", 4), ("STOVE", 1)],
        "C": [("STOVE", 3)],
    }
    only_b = made({"A": {"TENT": 5}, "B": {"STOVE": 2}}, asked, apart)
    assert [(each.item, each.quantity) for plan in only_b.nodes for each in plan.picks] == [("TENT", 2), ("STOVE", 2)]
    assert only_b.short == (pick("1", "TENT", 2), pick("1", "STOVE", 2)), "no tent leaves that has no stove"


def test_one_short_line_keeps_the_whole_order_from_shipping_unless_it_may_go_in_part() -> None:
    asked = request(pick("1", "TENT", 2), pick("2", "MAT"))
    told = made({"A": {"TENT": 5}}, asked)
    assert (told.nodes, told.short) == ((), (pick("2", "MAT"),))
    assert why(told, "A").startswith("could ship 2 of 3, but not all can be shipped")
    part = made({"A": {"TENT": 5}}, asked.model_copy(update={"partial": True}))
    assert (shipped(part), part.short) == ({"A": {"1": 2}}, (pick("2", "MAT"),))


def test_a_bundle_chooses_before_lines_that_can_come_from_anywhere() -> None:
    stock = {"A": {"TENT": 2, "STOVE": 1}, "B": {"TENT": 1}}
    told = made(stock, request(pick("single", "TENT", 2), pick("set", "TENT"), pick("set", "STOVE")))
    assert shipped(told) == {"A": {"single": 1, "set": 1}, "B": {"single": 1}}


def test_what_is_left_of_a_bundle_after_a_short_pick_is_routed_by_itself() -> None:
    lots = lots_of([pick("1", "TENT"), pick("1", "STOVE", 2), pick("2", "SOCK", 4, 3)])
    assert [(lot.line_id, dict(lot.recipe), lot.units) for lot in lots] == [
        ("1", {"TENT": 1, "STOVE": 1}, 1),
        ("1", {"STOVE": 1}, 1),
        ("2", {"SOCK": 3}, 1),
        ("2", {"SOCK": 1}, 1),
    ]


BERLIN = Node(
    name="BER-1",
    entity="DE GmbH",
    country="DE",
    region="BE",
    time_zone="Europe/Berlin",
    cut_off=time(14),
    handling_days=0,
    costs={"DE": Decimal("4.90"), "*": Decimal("14.90")},
)
LEIPZIG = Node(name="LEJ-2", entity="DE GmbH", country="DE", costs={"*": Decimal("4.20")})
RENO = Node(name="RNO-1", entity="US Inc", country="US", serves=("US", "CA"), service_levels=("standard",))
EVERYWHERE = {name: {"TENT": 5} for name in ("BER-1", "LEJ-2", "RNO-1")}
NODES = (BERLIN, LEIPZIG, RENO)


@pytest.mark.parametrize(
    ("criterion", "asked", "chosen", "reason"),
    [
        (Criterion.NEAREST, {"country": "US"}, "RNO-1", "behind on nearest: 2 against 1"),
        (Criterion.NEAREST, {"country": "DE", "region": "BE"}, "BER-1", "behind on nearest: 1 against 0"),
        (Criterion.SAME_ENTITY, {"sold_by": "US Inc", "country": "CA"}, "RNO-1", "behind on same_entity: 1 against 0"),
        (Criterion.COST, {"country": "DE"}, "LEJ-2", "behind on cost: 4.90 EUR against 4.20 EUR"),
        (Criterion.EARLIEST, {"country": "DE"}, "BER-1", "behind on earliest: 2026-11-21 against 2026-11-20"),
        (Criterion.ON_TIME, {"country": "DE", "ship_by": NOON}, "BER-1", "behind on on_time: 1 against 0"),
        (Criterion.CAPACITY_LEFT, {"country": "DE"}, "LEJ-2", "behind on capacity_left: 3 against any number"),
    ],
)
def test_each_criterion_decides_and_says_so(
    criterion: Criterion, asked: dict[str, Any], chosen: str, reason: str
) -> None:
    limited = (BERLIN.model_copy(update={"capacity": 5}), LEIPZIG, RENO)
    told = made(EVERYWHERE, request(pick("1", "TENT"), **asked), rules(criterion), limited, {"BER-1": 2})
    assert [plan.node for plan in told.nodes] == [chosen]
    assert told.reason.endswith(f"would too, {reason}")
    assert told.rule == "test-7"


def test_why_not_is_said_of_every_node() -> None:
    closed = Node(name="OLD-9", active=False)
    asked = request(
        pick("1", "TENT"), country="DE", region="BE", service_level="express", excluded={"LEJ-2": "rejected"}
    )
    told = made(
        {**EVERYWHERE, "NEW-3": {}}, asked, nodes=(*NODES, closed, Node(name="PAR-1", service_levels=("slow",)))
    )
    assert {each.node: each.why for each in told.considered} == {
        "BER-1": "ships 1 of 1 from DE, cut-off 14:00 not passed, leaves 2026-11-20, 4.90 EUR",
        "LEJ-2": "excluded: rejected",
        "NEW-3": "has nothing of it",
        "OLD-9": "not active",
        "PAR-1": "does not offer express",
        "RNO-1": "not served: DE-BE",
    }
    assert [each.node for each in told.considered if each.chosen] == ["BER-1"]


def test_a_node_beyond_its_capacity_ships_only_what_no_other_can() -> None:
    nodes = (BERLIN.model_copy(update={"capacity": 2}), LEIPZIG)
    by = rules(Criterion.NEAREST)
    stock = {"BER-1": {"TENT": 5}, "LEJ-2": {"TENT": 2}}
    asked = request(pick("1", "TENT", 2), country="DE", region="BE")
    assert shipped(made(stock, asked, by, nodes, {"BER-1": 1})) == {"BER-1": {"1": 2}}
    full = made(stock, asked, by, nodes, {"BER-1": 2})
    assert shipped(full) == {"LEJ-2": {"1": 2}}
    assert why(full, "BER-1") == "could ship 2 of 2; BER-1 has done the 2 of its capacity today"
    alone = made({"BER-1": {"TENT": 5}}, asked, by, nodes, {"BER-1": 2})
    assert shipped(alone) == {"BER-1": {"1": 2}}
    assert why(alone, "BER-1").endswith("beyond its capacity of 2 today")


def test_criteria_count_in_their_order() -> None:
    """Two parcels of the selling company, or one of another: the first criterion says which."""
    stock = {"BER-1": {"TENT": 1}, "LEJ-2": {"MAT": 1}, "RNO-1": {"TENT": 1, "MAT": 1}}
    asked = request(pick("1", "TENT"), pick("2", "MAT"), sold_by="DE GmbH", country="US")
    one = made(stock, asked, rules(Criterion.FEWEST_PARCELS, Criterion.SAME_ENTITY), NODES)
    two = made(stock, asked, rules(Criterion.SAME_ENTITY, Criterion.FEWEST_PARCELS), NODES)
    assert [(plan.node, plan.entity) for plan in one.nodes] == [("RNO-1", "US Inc")]
    assert [(plan.node, plan.entity) for plan in two.nodes] == [("BER-1", ""), ("LEJ-2", "")]


@pytest.mark.parametrize(
    ("limits", "nodes", "short"),
    [
        ({"split_lines": False}, 1, 2),
        ({"split_units": False}, 2, 1),
        ({"max_nodes": 2}, 2, 1),
        ({}, 3, 0),
    ],
)
def test_what_may_be_split_is_a_rule(limits: dict[str, Any], nodes: int, short: int) -> None:
    stock = {"A": {"TENT": 2}, "B": {"TENT": 1}, "C": {"MAT": 1}}
    asked = request(pick("1", "TENT", 3), pick("2", "MAT"), partial=True)
    told = made(stock, asked, rules(Criterion.FEWEST_PARCELS, **limits))
    assert (len(told.nodes), sum(each.quantity for each in told.short)) == (nodes, short)


def test_rules_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="names cost twice"):
        rules(Criterion.COST, Criterion.COST)
    with pytest.raises(ValueError, match="split_bundles needs split_units"):
        rules(Criterion.COST, split_bundles=True, split_units=False)


ITEMS, NAMES = ("TENT", "STOVE", "MAT"), ("A", "B", "C", "D")
STOCKS = st.dictionaries(
    st.sampled_from(NAMES), st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 6), max_size=3), max_size=4
)
BUNDLE = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 3), min_size=1)
LINES = st.dictionaries(st.sampled_from("123"), st.tuples(BUNDLE, st.integers(1, 5)), min_size=1)
RULES = st.builds(
    RoutingRules,
    name=st.just("any"),
    criteria=st.lists(st.sampled_from(Criterion), min_size=1, unique=True).map(tuple),
    split_lines=st.booleans(),
    split_units=st.just(True),
    split_bundles=st.booleans(),
    max_nodes=st.none() | st.integers(1, 3),
) | st.builds(
    RoutingRules,
    name=st.just("whole"),
    criteria=st.lists(st.sampled_from(Criterion), min_size=1, unique=True).map(tuple),
    split_units=st.just(False),
)
PLACES = st.lists(
    st.builds(
        Node,
        name=st.sampled_from(NAMES),
        country=st.sampled_from(["DE", "US", None]),
        serves=st.sampled_from([(), ("DE",), ("US",)]),
        service_levels=st.sampled_from([(), ("standard",), ("express",)]),
        capacity=st.none() | st.integers(0, 3),
        costs=st.dictionaries(st.sampled_from(["DE", "*"]), st.decimals(0, 9, places=2), max_size=2),
        handling_days=st.integers(0, 2),
        active=st.booleans(),
    ),
    unique_by=lambda node: node.name,
    max_size=4,
)
EXCLUDED = st.dictionaries(st.sampled_from(NAMES), st.just("rejected"), max_size=2)
LOADS = st.dictionaries(st.sampled_from(NAMES), st.integers(0, 3))


def asked_for(lines: dict[str, tuple[dict[str, int], int]], **more: Any) -> RoutingRequest:
    picks = (
        pick(line, item, count * units, count)
        for line, (recipe, units) in lines.items()
        for item, count in recipe.items()
    )
    return request(*picks, country="DE", **more)


@given(st.data(), STOCKS, LINES, RULES, PLACES, EXCLUDED, LOADS, st.booleans())
def test_a_decision_is_exact_lawful_and_the_same_again(
    data: st.DataObject,
    stock: Stock,
    lines: dict[str, tuple[dict[str, int], int]],
    by: RoutingRules,
    places: list[Node],
    excluded: dict[str, str],
    load: dict[str, int],
    partial: bool,
) -> None:
    asked = asked_for(lines, excluded=excluded, partial=partial)
    told = made(stock, asked, by, tuple(places), load)
    assert partial or not told.short or not told.nodes
    nothing_beyond_stock_and_request(told, asked, stock)
    for line, (recipe, _) in lines.items():
        whole_units_of(line, recipe, told, by)
    only_nodes_that_may(told, {node.name: node for node in places}, excluded)
    assert by.most_nodes is None or len(told.nodes) <= by.most_nodes
    assert {each.node for each in told.considered} == {*stock, *(node.name for node in places)}
    assert {each.node for each in told.considered if each.chosen} == {plan.node for plan in told.nodes}
    shuffled = {
        name: dict(data.draw(st.permutations(list(stock[name].items()))))
        for name in data.draw(st.permutations(list(stock)))
    }
    assert made(shuffled, asked, by, tuple(data.draw(st.permutations(places))), load) == told


def nothing_beyond_stock_and_request(told: Allocation, asked: RoutingRequest, stock: Stock) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    done = Counter({(each.line_id, each.item): each.quantity for each in told.short})
    for plan in told.nodes:
        for each in plan.picks:
            taken[plan.node, each.item] += each.quantity
            done[each.line_id, each.item] += each.quantity
    assert all(units <= stock[node].get(item, 0) for (node, item), units in taken.items())
    if told.nodes:
        assert done == {(each.line_id, each.item): each.quantity for each in asked.picks}


def whole_units_of(line: str, recipe: dict[str, int], told: Allocation, by: RoutingRules) -> None:
    """A bundle leaves in whole units; where components stay together, each node's share is of whole units too."""
    shares = [
        {each.item: each.quantity / each.per_unit for each in plan.picks if each.line_id == line} for plan in told.nodes
    ]
    assert len({sum(share.get(item, 0) for share in shares) for item in recipe}) == 1
    for share in filter(None, shares):
        assert all(units.is_integer() for units in share.values())
        assert by.split_bundles or (set(share) == set(recipe) and len(set(share.values())) == 1)
    assert by.split_units or sum(1 for share in shares if share) <= 1


def only_nodes_that_may(told: Allocation, known: dict[str, Node], excluded: dict[str, str]) -> None:
    for plan in told.nodes:
        node = known.get(plan.node, Node(name=plan.node))
        assert plan.node not in excluded
        assert node.active
        assert node.serves_place("DE", "")
        assert node.offers("standard")


SINGLES = st.dictionaries(st.sampled_from("123"), st.tuples(st.sampled_from(ITEMS), st.integers(1, 9)), min_size=1)


@given(STOCKS, SINGLES)
def test_an_order_of_single_items_is_short_only_when_there_is_too_little_altogether(
    stock: Stock, lines: dict[str, tuple[str, int]]
) -> None:
    needed: Counter[str] = Counter()
    for item, count in lines.values():
        needed[item] += count
    held = Counter({item: sum(node.get(item, 0) for node in stock.values()) for item in ITEMS})
    told = made(stock, request(*(pick(line, item, count) for line, (item, count) in lines.items()), partial=True))
    assert sum(each.quantity for each in told.short) == (needed - held).total()


@given(STOCKS, LINES)
def test_one_node_ships_everything_whenever_one_has_everything(
    stock: Stock, lines: dict[str, tuple[dict[str, int], int]]
) -> None:
    asked = asked_for(lines)
    needed: Counter[str] = Counter()
    for each in asked.picks:
        needed[each.item] += each.quantity
    able = [name for name, node in stock.items() if all(node.get(item, 0) >= n for item, n in needed.items())]
    most = max((sum(stock[name].get(item, 0) for item in needed) for name in able), default=0)
    best = sorted(name for name in able if sum(stock[name].get(item, 0) for item in needed) == most)
    told = made(stock, asked)
    assert [plan.node for plan in told.nodes] == best[:1] if able else len(told.nodes) != 1
