"""What an order holds is kept, given back and found missing exactly, however often it is said."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models.decision import decide
from models.fulfilment import Allocation, HeldPick, Shortfall, ShortfallKind
from models.nodes import Node
from models.routing import Criterion, Inputs, RoutingRules
from store import reservations, routing
from store.database import Database
from store.tables import NodeLoad
from tests.store.examples import NOON, a_key, a_pick, a_request
from tests.store.test_stock import NOT_WHAT_ORDERS_HOLD, levels, release, reserve, ship, states, supply


async def keep(database: Database, number: int, **units: int) -> int:
    """`TENT_A=2`: goes on holding two tents at A."""
    held = [
        HeldPick(item=place.split("_")[0], node=place.split("_")[1], quantity=count) for place, count in units.items()
    ]
    async with database.session() as session:
        return await reservations.keep(session, a_key(number), held)


async def short(
    database: Database,
    number: int,
    units: int,
    kind: ShortfallKind = ShortfallKind.SHORT_PICK,
    report: str = "R-1",
    item: str = "TENT",
) -> bool:
    told: dict[str, Any] = {"report_id": report, "fulfilment_id": "F", "node": "A", "reported_at": NOON}
    shortfall = Shortfall(kind=kind, picks=(a_pick(item, units),), **told)
    async with database.session() as session:
        return await reservations.count_short(session, a_key(number), shortfall)


async def test_an_order_keeps_what_it_is_told_to_and_gives_the_rest_back_once(database: Database) -> None:
    await supply(database, TENT_A=5, MAT_A=5)
    await reserve(database, 1, "TENT", "MAT", units=3)
    assert await keep(database, 1, TENT_A=2) == 4
    assert await keep(database, 1, TENT_A=2) == 0
    assert await levels(database) == {"TENT_A": (5, 2), "MAT_A": (5, 0)}
    assert await states(database, a_key()) == [("released", 3, 0), ("held", 2, 0)]


async def test_keeping_never_takes_more_than_is_held(database: Database) -> None:
    await supply(database, TENT_A=5, TENT_B=5)
    await reserve(database, 1, "TENT", units=3)
    assert await keep(database, 1, TENT_A=9, TENT_B=9) == 0
    assert await levels(database) == {"TENT_A": (5, 3), "TENT_B": (5, 0)}


async def test_what_has_left_does_not_count_as_held(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=4)
    await ship(database, 1, "S-1", "TENT", 2)
    assert await keep(database, 1, TENT_A=1) == 1
    assert await levels(database) == {"TENT_A": (3, 1)}
    assert await states(database, a_key()) == [("held", 3, 2)]
    await ship(database, 1, "S-2", "TENT", 1)
    assert await states(database, a_key()) == [("shipped", 3, 3)]


async def test_a_further_decision_adds_to_what_is_held(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=2)
    await reserve(database, 1, "TENT", units=1, decision=2)
    assert await states(database, a_key()) == [("held", 3, 0)]
    assert await release(database, 1) == 3


@pytest.mark.parametrize(
    ("kind", "left"), [(ShortfallKind.SHORT_PICK, (3, 1)), (ShortfallKind.REJECTED, (5, 1))], ids=["short", "rejected"]
)
async def test_a_shortfall_is_counted_once_and_only_a_short_pick_empties_the_shelf(
    database: Database, kind: ShortfallKind, left: tuple[int, int]
) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=3)
    counted = await asyncio.gather(*(short(database, 1, 2, kind) for _ in range(5)))
    assert sorted(counted) == [False] * 4 + [True]
    assert await levels(database) == {"TENT_A": left}
    assert await short(database, 1, 1, kind, "R-2")
    assert await states(database, a_key()) == [("released", 1, 0)]


async def test_a_short_pick_never_takes_what_others_have_reserved(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=2)
    await reserve(database, 2, "TENT", units=3)
    assert await short(database, 1, 4)
    assert await levels(database) == {"TENT_A": (3, 3)}
    assert await short(database, 1, 1, report="R-2", item="UNHEARD-OF")


async def test_a_decision_can_be_made_again_from_what_was_kept_of_it(database: Database) -> None:
    async with database.session() as session:
        await routing.put_nodes(session, [Node(name="A", country="DE"), Node(name="B", country="US")])
        rules = RoutingRules(name="near", criteria=(Criterion.NEAREST, Criterion.FEWEST_PARCELS, Criterion.COST))
        await routing.put_rules(session, rules.model_copy(update={"in_force_from": NOON}), "kim")
    await supply(database, TENT_A=5, TENT_B=5)
    async with database.session() as session:
        made = await reservations.reserve(session, a_request(a_pick("TENT"), country="US"))
    async with database.session() as session:
        [row] = await reservations.decisions(session, a_key())
    inputs = Inputs.model_validate(row.inputs)
    assert decide(inputs.request, inputs.shelves, inputs.rules) == Allocation.model_validate(row.body) == made
    assert (made.rule, [plan.node for plan in made.nodes]) == ("near-1", ["B"])
    assert list(row.body["considered"][0]["score"]) == ["short", "beyond_capacity", "nearest", "fewest_parcels", "cost"]


async def test_the_capacity_of_a_day_is_given_to_as_many_orders_whoever_asks_at_once(database: Database) -> None:
    async with database.session() as session:
        await routing.put_nodes(session, [Node(name="A", capacity=7), Node(name="B", capacity=100)])
        rules = RoutingRules(name="cheap", criteria=(Criterion.MOST_STOCK,), in_force_from=NOON)
        await routing.put_rules(session, rules, "kim")
    await supply(database, **{f"ITEM{number}_A": 9 for number in range(30)})
    await supply(database, **{f"ITEM{number}_B": 5 for number in range(30)})
    made = await asyncio.gather(*(reserve(database, number, f"ITEM{number}") for number in range(30)))
    assert Counter(plan.node for each in made for plan in each.nodes) == {"A": 7, "B": 23}
    [one, *_] = (number for number, each in enumerate(made) if each.nodes[0].node == "A")
    await release(database, one)
    again = [await reserve(database, number, "ITEM29") for number in (90, 91)]
    assert [each.nodes[0].node for each in again] == ["A", "B"], "what was given back is free again"


async def test_a_node_s_day_is_its_own(database: Database) -> None:
    """At noon UTC it is tomorrow in Kiritimati."""
    async with database.session() as session:
        await routing.put_nodes(session, [Node(name="A", time_zone="Pacific/Kiritimati", capacity=9)])
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT")
    async with database.session() as session:
        row = await session.get(NodeLoad, (str(a_key()), "A", 1))
        assert row is not None
        assert row.day.isoformat() == "2026-11-21"
        assert await routing.load(session, {"A": row.day}) == {"A": 1}


async def happens(database: Database, index: int, kind: str, number: int, units: int, item: str) -> None:
    match kind:
        case "reserve":
            more: dict[str, Any] = {"number": number, "decision": index + 1, "partial": True, "waiting_id": "order/1"}
            async with database.session() as session:
                await reservations.reserve(session, a_request(a_pick(item, units), **more))
        case "keep":
            await keep(database, number, **{f"{item}_A": units})
        case "short":
            await short(database, number, units, report=f"R-{index}", item=item)
        case "reject":
            await short(database, number, units, ShortfallKind.REJECTED, f"R-{index}", item)
        case "ship":
            await ship(database, number, f"S-{index}", item, units)
        case _:
            await release(database, number)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "keep", "short", "reject", "ship", "give back"]),
        st.integers(1, 4),
        st.integers(1, 3),
        st.sampled_from(["TENT", "MAT"]),
    ),
    min_size=5,
    max_size=25,
)


# Not shrunk: what happens at once does not happen again the same way.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, on_hand=st.fixed_dictionaries({name: st.integers(0, 8) for name in ("TENT_A", "TENT_B", "MAT_A")}))
def test_whatever_happens_to_quantities_at_once_reserved_is_what_orders_hold(
    steps: list[tuple[str, int, int, str]], on_hand: dict[str, int], database_url: str
) -> None:
    async def play() -> None:
        database = Database(database_url)

        async with database.session() as session:
            tables = "stock, reservation, allocation, stock_move, stock_wait, stock_report, node_load, outbox"
            await session.execute(text(f"TRUNCATE {tables}"))
        await supply(database, **on_hand)
        await asyncio.gather(*(happens(database, index, *each) for index, each in enumerate(steps)))
        async with database.session() as session:
            assert (await session.execute(NOT_WHAT_ORDERS_HOLD)).all() == []
        await database.aclose()

    with asyncio.Runner() as runner:
        runner.run(play())
