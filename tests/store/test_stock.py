"""Stock is never oversold, never lost, and given back once."""

import asyncio
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from models.fulfilment import Allocation, Shipment
from models.order import OrderKey
from store import reservations, stock
from store.database import Database
from tests.store.examples import NOON, a_key, a_pick, a_request

Level = tuple[int, int]
"""(on hand, reserved)."""


async def supply(database: Database, **on_hand: int) -> None:
    """`TENT_A=5`: five tents at node A."""
    async with database.session() as session:
        for place, count in on_hand.items():
            item, node = place.split("_")
            await stock.set_level(session, item, node, count)


async def levels(database: Database) -> dict[str, Level]:
    async with database.session() as session:
        found = await stock.levels(session)
    return {f"{level.item}_{level.node}": (level.on_hand, level.reserved) for level in found}


async def reserve(database: Database, number: int, *items: str, units: int = 1, decision: int = 1) -> Allocation:
    wanted = a_request(*(a_pick(item, units) for item in items), number=number, decision=decision)
    async with database.session() as session:
        return await reservations.reserve(session, wanted)


async def release(database: Database, number: int) -> int:
    async with database.session() as session:
        return await reservations.give_back(session, a_key(number))


async def ship(database: Database, number: int, shipment: str, item: str, units: int, node: str = "A") -> bool:
    moved = {"carrier": "DHL", "tracking": "T", "shipped_at": NOON, "picks": (a_pick(item, units),)}
    parcel = Shipment.model_validate({"shipment_id": shipment, "fulfilment_id": "F", "node": node, **moved})
    async with database.session() as session:
        return await stock.consume(session, a_key(number), parcel)


async def states(database: Database, key: OrderKey) -> list[tuple[str, int, int]]:
    async with database.session() as session:
        return [(row.state, row.quantity, row.shipped) for row in await stock.reservations(session, key)]


async def test_a_hundred_orders_for_the_last_sixty_units_get_exactly_sixty(database: Database) -> None:
    await supply(database, TENT_A=35, TENT_B=25)
    made = await asyncio.gather(*(reserve(database, number, "TENT") for number in range(100)))
    assert Counter(bool(each.short) for each in made) == {False: 60, True: 40}
    assert await levels(database) == {"TENT_A": (35, 35), "TENT_B": (25, 25)}


async def test_an_order_that_asks_again_gets_the_same_allocation_and_nothing_more(database: Database) -> None:
    await supply(database, TENT_A=5)
    made = await asyncio.gather(*(reserve(database, 1, "TENT", units=2) for _ in range(10)))
    assert len({each.model_dump_json() for each in made}) == 1
    assert await levels(database) == {"TENT_A": (5, 2)}
    async with database.session() as session:
        assert await reservations.allocation(session, a_key(), 1) == made[0]


async def test_a_short_order_reserves_nothing_and_may_ask_again_by_a_further_decision(database: Database) -> None:
    await supply(database, TENT_A=5)
    short = await reserve(database, 1, "TENT", "MAT", units=2)
    assert (short.short, short.nodes) == ((a_pick("MAT", 2),), ())
    assert await levels(database) == {"TENT_A": (5, 0)}
    await supply(database, MAT_A=2)
    assert await reserve(database, 1, "TENT", "MAT", units=2) == short
    assert not (await reserve(database, 1, "TENT", "MAT", units=2, decision=2)).short
    assert await levels(database) == {"TENT_A": (5, 2), "MAT_A": (2, 2)}


async def test_orders_that_want_the_same_items_in_opposite_order_do_not_deadlock(database: Database) -> None:
    await supply(database, TENT_A=40, MAT_A=40, STOVE_B=40)
    wanted = [("TENT", "MAT", "STOVE"), ("STOVE", "MAT", "TENT"), ("MAT", "TENT")]

    async def come_and_go(number: int) -> None:
        await reserve(database, number, *wanted[number % 3])
        await release(database, number)

    await asyncio.gather(*(come_and_go(number) for number in range(60)))
    assert await levels(database) == {"MAT_A": (40, 0), "STOVE_B": (40, 0), "TENT_A": (40, 0)}


async def test_what_is_released_is_given_back_once(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=3)
    assert sorted(await asyncio.gather(*(release(database, 1) for _ in range(5)))) == [0, 0, 0, 0, 3]
    assert await levels(database) == {"TENT_A": (5, 0)}
    assert await states(database, a_key()) == [("released", 3, 0)]
    assert await release(database, 99) == 0


async def test_a_released_order_may_reserve_again(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=3)
    await release(database, 1)
    assert (await reserve(database, 1, "TENT", units=3)).nodes
    assert await levels(database) == {"TENT_A": (5, 0)}, "the answer of old, and no more"
    await reserve(database, 1, "TENT", units=2, decision=2)
    assert await levels(database) == {"TENT_A": (5, 2)}
    assert await states(database, a_key()) == [("held", 2, 0)]


async def test_a_shipment_takes_stock_away_once_however_often_it_is_reported(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=3)
    assert sorted(await asyncio.gather(*(ship(database, 1, "S-1", "TENT", 2) for _ in range(5)))) == [False] * 4 + [
        True
    ]
    assert await levels(database) == {"TENT_A": (3, 1)}
    assert await states(database, a_key()) == [("held", 3, 2)]
    assert await ship(database, 1, "S-2", "TENT", 1)
    assert await levels(database) == {"TENT_A": (2, 0)}
    assert await states(database, a_key()) == [("shipped", 3, 3)]
    assert await release(database, 1) == 0


async def test_only_what_has_not_left_is_given_back(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=3)
    await ship(database, 1, "S-1", "TENT", 2)
    assert await release(database, 1) == 1
    assert await levels(database) == {"TENT_A": (3, 0)}
    await reserve(database, 1, "TENT", units=1, decision=2)
    assert await states(database, a_key()) == [("held", 3, 2)]
    assert await levels(database) == {"TENT_A": (3, 1)}


async def test_a_parcel_that_nobody_reserved_never_takes_what_others_reserved(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=4)
    assert await ship(database, 2, "S-1", "TENT", 3)
    assert await levels(database) == {"TENT_A": (4, 4)}
    assert await ship(database, 2, "S-2", "UNHEARD-OF", 1)


async def test_a_parcel_after_the_release_of_its_reservation_still_leaves_the_node(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=2)
    await release(database, 1)
    await ship(database, 1, "S-1", "TENT", 2)
    assert await levels(database) == {"TENT_A": (3, 0)}
    assert await states(database, a_key()) == [("released", 2, 0)]


async def test_the_same_shipment_id_of_two_orders_is_two_shipments(database: Database) -> None:
    await supply(database, TENT_A=5)
    assert await ship(database, 1, "1", "TENT", 1)
    assert await ship(database, 2, "1", "TENT", 1)
    assert await levels(database) == {"TENT_A": (3, 0)}


async def test_a_level_below_what_orders_hold_is_refused_with_the_figures(database: Database) -> None:
    await supply(database, TENT_A=5)
    await reserve(database, 1, "TENT", units=3)
    with pytest.raises(stock.BelowReserved, match="TENT at A: on_hand 2 is below the 3"):
        await supply(database, TENT_A=2)
    await supply(database, TENT_A=3)
    assert await levels(database) == {"TENT_A": (3, 3)}


NOT_WHAT_ORDERS_HOLD = text("""
    SELECT item, node FROM stock LEFT JOIN reservation USING (item, node) GROUP BY item, node
    HAVING max(reserved) <> coalesce(sum(quantity - shipped) FILTER (WHERE state = 'held'), 0)
""")


STEPS = st.lists(
    st.tuples(st.sampled_from(["reserve", "release", "ship"]), st.integers(1, 6), st.sampled_from(["TENT", "MAT"])),
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
@given(data=st.data())
def test_whatever_happens_at_once_reserved_is_what_orders_hold(data: st.DataObject, database_url: str) -> None:
    steps = data.draw(STEPS)
    on_hand = data.draw(st.fixed_dictionaries({name: st.integers(0, 8) for name in ("TENT_A", "TENT_B", "MAT_A")}))

    async def play() -> None:
        database = Database(database_url)

        async def step(index: int, kind: str, number: int, item: str) -> None:
            if kind == "reserve":
                await reserve(database, number, item, "TENT", units=2)
            elif kind == "release":
                await release(database, number)
            else:
                await ship(database, number, f"S-{index}", item, 1)

        async with database.session() as session:
            await session.execute(
                text("TRUNCATE stock, reservation, allocation, stock_move, stock_wait, stock_report, node_load, outbox")
            )
        await supply(database, **on_hand)
        await asyncio.gather(*(step(index, *each) for index, each in enumerate(steps)))
        async with database.session() as session:
            assert (await session.execute(NOT_WHAT_ORDERS_HOLD)).all() == []
        await database.aclose()

    with asyncio.Runner() as runner:
        runner.run(play())
